// Lingering: finishes what a TLS stream still owed when it was destroyed: sends the rest, half-closes, then discards
// what arrives until the peer ends, so that neither the last bytes nor an alert is lost to a reset. Bounded in time and
// number. Thread contract: one worker. Destruction drops what is unfinished (that is how a process dies).
#pragma once

#include <list>
#include <memory>
#include <string>

#include "io/env/env.h"

namespace aigrid::io {

class Lingering {
 public:
  // `drain`: half-close at the end and wait for the peer's; else the raw stream is let go once all is sent.
  void finish(Env& env, std::unique_ptr<Stream> raw, std::string rest, bool drain);
  std::size_t size() const { return all_.size(); }

 private:
  class One;
  void drop(const One* one);
  std::list<std::unique_ptr<One>> all_;

 public:
  Lingering();
  ~Lingering();
  Lingering(const Lingering&) = delete;
  Lingering& operator=(const Lingering&) = delete;
};

}  // namespace aigrid::io
