// LeaseHolder: one gateway's side of one scope: what it has borrowed from the scope's home, what its requests have
// reserved of that, and what they used. reserve() takes from what is lent; where that is not enough, ask() says what to
// ask the home for, and on_answer() takes the answer in. While a question is under way nothing more is taken, so that
// home and holder never count the same slice twice. Pure; one worker.
#pragma once

#include <optional>
#include <string>

#include "core/admission/lease_book.h"
#include "grid/quota.h"

namespace aigrid::admission {

// What one request may need at most, and later what it used.
struct Need {
  std::int64_t tokens = 0;
  std::int64_t spend_nano = 0;
  // What it will rather be. Where the most is beyond a whole limit and this is not, the request takes the whole limit.
  std::int64_t likely_tokens = 0;
  std::int64_t likely_spend_nano = 0;

  Need within(const grid::Limits& limits) const;

  grid::Amounts amounts() const { return {1, tokens, 1, spend_nano, spend_nano}; }
};

// For headers, as known at the gateway.
struct QuotaView {
  grid::Limits limits;
  grid::Amounts left{};      // of limited ones
  grid::Amounts reset_ms{};  // until full again
};

class LeaseHolder {
 public:
  LeaseHolder(std::string scope, std::string gateway, std::uint64_t epoch, const LeaseTimes& times);

  void set_limits(const grid::Limits& limits) { limits_ = limits; }
  const std::string& scope() const { return scope_; }
  const grid::Limits& limits() const { return limits_; }

  // True: taken; give it back with settle() or undo().
  bool reserve(const Need& need, Time now);
  // `most` is known now to be the most that the request will use: what was reserved beyond it is free for others. What
  // stays reserved.
  Need lower(const Need& reserved, const Need& most);
  // The request has ended.
  void settle(const Need& reserved, const Need& used);
  // The request did not begin.
  void undo(const Need& need);

  // `need`: of a request that waits; none: a report, which keeps a slice only where there were requests since the last.
  grid::LeaseAsk ask(const Need* need, std::uint32_t gateways);
  void on_answer(const grid::LeaseAnswer& answer, Time asked_at, Time now);
  void on_no_answer() { asking_ = false; }

  // A report is due: something is reserved, lent, or not yet reported.
  bool due(Time now) const;
  QuotaView view(Time now) const;

 private:
  bool limited(grid::Quota quota) const;

  std::string scope_;
  std::string gateway_;
  std::uint64_t epoch_;
  LeaseTimes times_;
  grid::Limits limits_;
  Need last_need_;
  grid::Amounts used_{};
  grid::Amounts reported_{};
  grid::Amounts reserved_{};
  grid::Amounts spare_{};
  Time spare_until_{};
  Time next_report_{};
  bool asking_ = false;
  grid::LeaseAnswer last_;
  Time last_at_{};
};

}  // namespace aigrid::admission
