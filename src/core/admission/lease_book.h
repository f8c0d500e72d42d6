// LeaseBook: a scope's limits as its home gateway keeps them. Gateways report what they have used and reserved, and
// borrow a slice more, for a short time; what is lent counts as used until it comes back. So what all gateways admit
// together is never above the limit, whichever of them dies, and the control plane is not asked.
//   Requests and tokens: what was used in any 60 s. Concurrent: what is reserved. Spend: by day and month, UTC.
// A holder that falls silent: its lease runs out, and what it had counts as used (concurrency is freed), until it comes
// back and says what it really was.
// Pure; one worker. Times are the home's own; a state travels as ages. `home_of`: rendezvous hashing (Thaler,
// Ravishankar 1998): a gateway that goes or comes moves only the scopes it was home of.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "grid/quota.h"

namespace aigrid::admission {

// Every number of the quota protocol. One source of defaults; tests set their own.
struct LeaseTimes {
  Duration window = 60s;
  Duration lent_for = 3s;         // as the home counts it
  Duration used_for = 2s;         // as the holder counts it, from when it asked
  Duration report_every = 700ms;  // while something is reserved, lent or not yet reported
  Duration answer_within = 1s;
  Duration copy_within = 400ms;  // to the successor, while the holder waits
  std::uint32_t rounds = 4;      // asking again when others were quicker
  Duration retry_least = 1s;     // what a client is told to wait
  Duration retry_most = 20s;
  std::uint32_t slices = 2;  // a slice beyond the need is free / (slices × gateways)
};

grid::Amounts bounds_of(const grid::Limits& limits);

class LeaseBook {
 public:
  explicit LeaseBook(const LeaseTimes& times) : times_(times) {}

  grid::LeaseAnswer on_ask(const grid::LeaseAsk& ask, Time now, WallTime wall);
  grid::LeaseState state(const std::string& scope, Time now) const;
  // Takes over what another home, or this one before a restart, knew; `older`: how long ago it was written.
  void load(const grid::LeaseState& state, Duration older, Time now);
  // Grows with every change; what a home knew when it died is older than whatever its successor did.
  std::uint64_t version() const { return version_; }
  // This gateway is the home from now on, with the newest book that could be found. Holders get the time of one lease
  // to report to it.
  void begin_term(Time now);

 private:
  static constexpr unsigned kTermShift = 32;
  struct Used {
    Time at;
    grid::Amounts amounts{};
  };
  struct Holder {
    grid::Amounts used{};
    grid::Amounts held{};         // reserved and lent
    grid::Amounts written_off{};  // counted as used when its lease ran out
    Time until{};
  };
  using Key = std::pair<std::string, std::uint64_t>;

  void forget(Time now, WallTime wall);
  void count(const grid::Amounts& amounts, Time now);
  void take_report(Holder& holder, const grid::LeaseAsk& ask, Time now);
  grid::Amounts free(const grid::Amounts& bounds, const Holder* but) const;
  void tell(grid::LeaseAnswer& answer, const grid::LeaseAsk& ask, Time now, WallTime wall) const;

  LeaseTimes times_;
  std::uint64_t version_ = 0;
  std::deque<Used> window_;  // ascending by time
  std::map<Key, Holder> holders_;
  std::int64_t day_ = 0;
  std::int64_t month_ = 0;
  std::int64_t day_spent_ = 0;
  std::int64_t month_spent_ = 0;
};

// The best of `gateways` for a scope, and the one after it (its successor). Empty: there is none.
struct Homes {
  std::string home;
  std::string successor;
};
Homes homes_of(std::string_view scope, const std::vector<std::string>& gateways);

}  // namespace aigrid::admission
