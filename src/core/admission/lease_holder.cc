#include "core/admission/lease_holder.h"

#include <algorithm>
#include <utility>

namespace aigrid::admission {

using grid::Amounts;
using grid::kQuotas;
using grid::Quota;

namespace {
constexpr std::size_t kRequests = static_cast<std::size_t>(Quota::Requests);
constexpr std::size_t kConcurrent = static_cast<std::size_t>(Quota::Concurrent);
}  // namespace

namespace {

void fit(std::int64_t& most, std::int64_t likely, std::int64_t limit) {
  if (limit > 0 && most > limit && likely <= limit) most = limit;
}

}  // namespace

Need Need::within(const grid::Limits& limits) const {
  Need out = *this;
  const auto most = bounds_of(limits);
  if (limits.tokens_per_minute != 0) fit(out.tokens, likely_tokens, most[static_cast<std::size_t>(Quota::Tokens)]);
  fit(out.spend_nano, likely_spend_nano, limits.spend_nano_per_day);
  fit(out.spend_nano, likely_spend_nano, limits.spend_nano_per_month);
  return out;
}

LeaseHolder::LeaseHolder(std::string scope, std::string gateway, std::uint64_t epoch, const LeaseTimes& times)
    : scope_(std::move(scope)), gateway_(std::move(gateway)), epoch_(epoch), times_(times) {}

bool LeaseHolder::limited(Quota quota) const {
  switch (quota) {
    case Quota::Requests: return limits_.requests_per_minute != 0;
    case Quota::Tokens: return limits_.tokens_per_minute != 0;
    case Quota::Concurrent: return limits_.concurrent_requests != 0;
    case Quota::SpendDay: return limits_.spend_nano_per_day != 0;
    case Quota::SpendMonth: return limits_.spend_nano_per_month != 0;
  }
  return false;
}

bool LeaseHolder::reserve(const Need& need, Time now) {
  if (asking_) return false;
  if (now >= spare_until_) spare_ = {};
  const Amounts amounts = need.amounts();
  for (std::size_t q = 0; q < kQuotas; ++q) {
    if (limited(static_cast<Quota>(q)) && spare_[q] < amounts[q]) return false;
  }
  for (std::size_t q = 0; q < kQuotas; ++q) {
    if (limited(static_cast<Quota>(q))) spare_[q] -= amounts[q];
    reserved_[q] += amounts[q];
  }
  // A request counts when it begins.
  reserved_[kRequests] -= amounts[kRequests];
  used_[kRequests] += amounts[kRequests];
  return true;
}

Need LeaseHolder::lower(const Need& reserved, const Need& most) {
  Need kept = reserved;
  kept.tokens = std::min(kept.tokens, most.tokens);
  kept.spend_nano = std::min(kept.spend_nano, most.spend_nano);
  const Amounts before = reserved.amounts();
  const Amounts after = kept.amounts();
  for (std::size_t q = 0; q < kQuotas; ++q) {
    reserved_[q] -= before[q] - after[q];
    if (!asking_ && limited(static_cast<Quota>(q))) spare_[q] += before[q] - after[q];
  }
  return kept;
}

void LeaseHolder::settle(const Need& reserved, const Need& used) {
  const Amounts before = reserved.amounts();
  Amounts after = used.amounts();
  after[kConcurrent] = 0;
  for (std::size_t q = 0; q < kQuotas; ++q) {
    if (q == kRequests) continue;
    reserved_[q] -= before[q];
    used_[q] += after[q];
    if (!asking_ && limited(static_cast<Quota>(q))) spare_[q] += std::max<std::int64_t>(0, before[q] - after[q]);
  }
}

void LeaseHolder::undo(const Need& need) {
  const Amounts amounts = need.amounts();
  used_[kRequests] -= amounts[kRequests];
  for (std::size_t q = 0; q < kQuotas; ++q) {
    if (q != kRequests) reserved_[q] -= amounts[q];
    if (!asking_ && limited(static_cast<Quota>(q))) spare_[q] += amounts[q];
  }
}

grid::LeaseAsk LeaseHolder::ask(const Need* need, std::uint32_t gateways) {
  asking_ = true;
  spare_ = {};  // goes back; the answer may lend it again
  grid::LeaseAsk out;
  out.scope = scope_;
  out.holder = gateway_;
  out.epoch = epoch_;
  out.limits = limits_;
  const bool busy = need != nullptr || used_ != reported_;
  if (need != nullptr) last_need_ = *need;
  out.used = reported_ = used_;
  out.reserved = reserved_;
  out.gateways = gateways;
  if (!busy) return out;
  const Amounts amounts = last_need_.amounts();
  for (std::size_t q = 0; q < kQuotas; ++q) {
    if (limited(static_cast<Quota>(q))) out.want[q] = amounts[q];
  }
  return out;
}

void LeaseHolder::on_answer(const grid::LeaseAnswer& answer, Time asked_at, Time now) {
  asking_ = false;
  last_ = answer;
  last_at_ = now;
  spare_ = answer.granted ? answer.spare : Amounts{};
  spare_until_ = asked_at + std::chrono::milliseconds(answer.ttl_ms);
  next_report_ = now + times_.report_every;
}

bool LeaseHolder::due(Time now) const {
  if (asking_ || now < next_report_) return false;
  const bool lent = std::any_of(spare_.begin(), spare_.end(), [](auto a) { return a != 0; });
  return lent || reserved_ != Amounts{} || used_ != reported_;
}

QuotaView LeaseHolder::view(Time now) const {
  QuotaView out;
  out.limits = limits_;
  const std::int64_t since = to_ms(now - last_at_);
  for (std::size_t q = 0; q < kQuotas; ++q) {
    if (!limited(static_cast<Quota>(q))) continue;
    out.left[q] = std::max<std::int64_t>(0, last_.free[q] + (now < spare_until_ ? spare_[q] : 0));
    out.reset_ms[q] = std::max<std::int64_t>(0, last_.reset_ms[q] - since);
  }
  // What was used since the last report fills the window anew.
  if (used_ != reported_) {
    for (const auto q : {Quota::Requests, Quota::Tokens}) {
      if (limited(q)) out.reset_ms[static_cast<std::size_t>(q)] = to_ms(times_.window);
    }
  }
  return out;
}

}  // namespace aigrid::admission
