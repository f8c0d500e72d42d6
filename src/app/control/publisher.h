// Publisher: compiles and signs the catalog into the newest bundle after every change, off the loop, and tells every
// connected reader at once; keeps the texts of earlier versions as bases of deltas, bounded by count and bytes. A
// version that cannot be compiled is not published: readers keep the last good one. One worker. Outlives the readers'
// tasks.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "app/control/authority.h"
#include "app/control/catalog.h"
#include "format/bundle/bundle.h"

namespace aigrid::control {

class Publisher {
 public:
  Publisher(io::Env& env, const Authority& authority, Catalog& catalog, const ControlLimits& limits)
      : env_(env), authority_(authority), catalog_(catalog), limits_(limits), watch_(catalog) {}

  // For ever: first what is there now, then after every change.
  io::Task<void> run();

  const std::shared_ptr<const bundle::Held>& current() const { return current_; }  // null: not yet
  // From what a reader holds to the current version.
  bundle::Update update_from(const std::map<std::string, std::string>& held, std::uint64_t version,
                             const std::vector<std::string>& nodes) const;

  class Reader {
   public:
    explicit Reader(Publisher& publisher) : published(publisher.env_.executor()), publisher_(publisher) {
      publisher_.readers_.insert(this);
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() { publisher_.readers_.erase(this); }
    io::Event published;

   private:
    Publisher& publisher_;
  };

 private:
  io::Task<Result<void>> publish();
  void keep(std::shared_ptr<const bundle::Held> held);

  io::Env& env_;
  const Authority& authority_;
  Catalog& catalog_;
  const ControlLimits& limits_;
  Catalog::Watch watch_;
  std::shared_ptr<const bundle::Held> current_;
  std::deque<std::shared_ptr<const bundle::Held>> versions_;         // newest last
  std::map<std::string, std::shared_ptr<const std::string>> texts_;  // of versions_, by hash
  std::set<Reader*> readers_;
};

}  // namespace aigrid::control
