// Handover: a connected stream on its way from one worker of a process to another: taken off the loop here, put on the
// loop there, its TLS session with it. For an acceptor that learns from the handshake whose connection it is.
// Thread contract: made on the stream's worker, while nobody waits on the stream; then it may cross in a mailbox, and
// is attached once, on the worker that takes it. Dropped unattached, it closes the connection. Errors: Unavailable when
// the socket cannot be watched there.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "io/env/env.h"

namespace aigrid::io {

class Handover {
 public:
  explicit Handover(std::unique_ptr<Stream> stream);
  ~Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  Result<std::unique_ptr<Stream>> attach(Env& env);

 private:
  struct Session;                     // of TLS
  std::unique_ptr<Session> session_;  // null: none
  int fd_ = -1;
  Address remote_;
  std::unique_ptr<Stream> whole_;  // what is bound to no loop goes as it is (the virtual world: one thread for all)
};

}  // namespace aigrid::io
