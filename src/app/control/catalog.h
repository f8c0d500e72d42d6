// Catalog: the configuration as it stands, in memory, and the one way to change it: check, write, take over, tell.
// Writes take turns; readers see whole revisions. One worker. Lifetime: outlives every task that waits for it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/control/check.h"
#include "io/store/database_door.h"
#include "io/store/turns.h"

namespace aigrid::control {

struct WriteAsk {
  Change change;
  bool create = false;  // puts must be new
  bool dry_run = false;
  std::optional<std::uint64_t> if_version;  // of a single put or delete
  std::string by;                           // the admin, or what else did it
  bool two_admins = false;                  // what opens sites to an account needs a second one
  bool approved = false;                    // that one has approved
  std::string no_approval;                  // why what was given as an approval is none
};

struct WriteDone {
  std::vector<api::Problem> problems;  // not empty: refused, nothing was written
  io::WriteOutcome outcome;
  std::vector<std::string> law;  // which sites it opens and closes, for whom
};

class Catalog {
 public:
  Catalog(io::Env& env, io::DatabaseDoor& door) : env_(env), door_(door), turns_(env.executor()) {}

  // Makes the tables and reads everything. For start-up.
  io::Task<Result<void>> load();
  io::Task<Result<WriteDone>> write(WriteAsk ask);

  std::uint64_t revision() const { return revision_; }
  std::shared_ptr<const CatalogEntry> find(api::Kind kind, const std::string& name) const;
  CatalogEntries list(api::Kind kind) const;
  CatalogEntries everything() const;
  CatalogEntries without_keys() const;

  // Set at every new revision while it lives.
  class Watch {
   public:
    explicit Watch(Catalog& catalog) : changed(catalog.env_.executor()), catalog_(catalog) {
      catalog_.watches_.insert(this);
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { catalog_.watches_.erase(this); }
    io::Event changed;

   private:
    Catalog& catalog_;
  };

 private:
  using Key = std::pair<api::Kind, std::string>;
  void take_over(const io::WriteOutcome& outcome, std::vector<api::Noun> nouns);

  io::Env& env_;
  io::DatabaseDoor& door_;
  io::Turns turns_;
  std::map<Key, std::shared_ptr<const CatalogEntry>> entries_;
  std::uint64_t revision_ = 0;
  std::set<Watch*> watches_;
};

}  // namespace aigrid::control
