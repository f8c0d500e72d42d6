// Campaign: many requests from a seed over a whole grid, one site killed in the middle and back at the end; what every
// client saw, every gateway recorded and every engine counted is held against each other. One thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "world/grid.h"

namespace aigrid::world {

struct CampaignOptions {
  std::uint64_t seed = 1;
  std::size_t requests = 1000;
  double per_second = 200;            // virtual
  std::uint32_t leavers_in_1000 = 0;  // clients that leave in the middle
  bool kill = true;
  bool event_log = false;
  Level log_level = Level::Note;
};

// One terminal record, as its gateway logged it.
struct RecordLine {
  std::string request_id;
  std::string node;
  std::string outcome;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
};

class Campaign {
 public:
  explicit Campaign(CampaignOptions options);

  // Everything, checks included (as gtest expectations).
  void run();
  WorldGrid& grid() { return grid_; }
  const std::vector<std::shared_ptr<Asked>>& asked() const { return asked_; }
  // Real seconds of the part with requests.
  double load_seconds() const { return load_seconds_; }

 private:
  static GridOptions grid_options(const CampaignOptions& options);
  void plan();
  Ask random_ask();
  void check_ends() const;
  void check_one(const Asked& asked) const;
  // "": it had to be answered. Else why it may have ended without an answer.
  std::string excuse(const Asked& asked) const;
  bool permitted(const Asked& asked, const std::string& site) const;
  void check_residency() const;
  std::map<std::string, std::uint64_t> made_by_node(const std::vector<RecordLine>& all) const;
  void check_ledger();
  std::vector<RecordLine> records() const;

  CampaignOptions options_;
  Random random_;
  WorldGrid grid_;
  std::string victim_;
  Time begin_{};
  Time killed_{};
  std::vector<std::shared_ptr<Asked>> asked_;
  std::map<std::string, EngineCounts> before_;  // by node
  double load_seconds_ = 0;
};

}  // namespace aigrid::world
