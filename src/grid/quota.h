// Quotas: how much of a limit is used, reserved, lent; what gateways say to each other about it. Plain values, any
// thread. Amounts are counts, tokens and 1e-9 of the currency unit; a limit of 0 is none.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "grid/account.h"

namespace aigrid::grid {

enum class Quota : std::uint8_t { Requests, Tokens, Concurrent, SpendDay, SpendMonth };
inline constexpr std::size_t kQuotas = 5;
using Amounts = std::array<std::int64_t, kQuotas>;

// One gateway's account of one scope ("key/<kid>", "project/<name>", "tenant/<name>"), to the scope's home.
struct LeaseAsk {
  std::string scope;
  std::string tenant;       // whose it is: its zone says which gateways may keep it
  std::string holder;       // a gateway
  std::uint64_t epoch = 0;  // of that gateway's start
  Limits limits;
  Amounts used{};      // in all since the epoch began
  Amounts reserved{};  // by requests under way
  Amounts want{};      // besides; all 0: give back what was lent
  std::uint32_t gateways = 1;
};

struct LeaseAnswer {
  bool granted = false;
  Quota lacking = Quota::Requests;  // when not granted
  Amounts spare{};                  // lent besides what is reserved, for ttl_ms from when it was asked
  std::int64_t ttl_ms = 0;
  Amounts free{};      // what nobody has
  Amounts reset_ms{};  // until all of it is free again
  std::int64_t retry_ms = 0;
};

// A home's book of one scope, as it travels to its successor and lies on disk. Times are ages and durations.
struct LeaseState {
  struct Used {
    std::int64_t age_ms = 0;
    std::int64_t requests = 0;
    std::int64_t tokens = 0;
  };
  struct Held {
    std::string holder;
    std::uint64_t epoch = 0;
    Amounts used{};
    Amounts held{};
    Amounts written_off{};
    std::int64_t left_ms = 0;
  };
  std::string scope;
  std::uint64_t version = 0;
  std::vector<Used> window;
  std::vector<Held> held;
  std::int64_t day = 0;  // since 1970
  std::int64_t day_spent = 0;
  std::int64_t month = 0;  // since January of the year 0
  std::int64_t month_spent = 0;
};

}  // namespace aigrid::grid
