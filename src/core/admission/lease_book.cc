#include "core/admission/lease_book.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/rendezvous.h"

namespace aigrid::admission {

using grid::Amounts;
using grid::kQuotas;
using grid::Quota;

namespace {

constexpr std::int64_t kUnbounded = std::int64_t{1} << 61;
constexpr std::int64_t kDay = 86400;
constexpr auto kBucket = 1s;  // of the window

constexpr std::size_t at(Quota q) { return static_cast<std::size_t>(q); }

std::int64_t sum_of(std::int64_t a, std::int64_t b) { return std::min(kUnbounded, a + b); }

std::int64_t day_of(WallTime wall) { return unix_seconds(wall) / kDay; }

std::chrono::year_month_day date_of(std::int64_t day) {
  return std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(day)));
}

std::int64_t month_of(std::int64_t day) {
  const auto date = date_of(day);
  return static_cast<int>(date.year()) * 12LL + static_cast<unsigned>(date.month()) - 1;
}

// Milliseconds from `wall` until its day or its month ends.
std::int64_t left_of_period(Quota quota, WallTime wall) {
  const std::int64_t day = day_of(wall);
  std::int64_t end = day + 1;
  if (quota == Quota::SpendMonth) {
    const auto date = date_of(day);
    const auto next = std::chrono::year_month(date.year(), date.month()) + std::chrono::months(1);
    end = std::chrono::sys_days(next / std::chrono::day(1)).time_since_epoch().count();
  }
  return end * kDay * 1000 - unix_ms(wall);
}

}  // namespace

Amounts bounds_of(const grid::Limits& limits) {
  const auto bound = [](auto limit) {
    if (limit == 0) return kUnbounded;
    return limit > static_cast<std::uint64_t>(kUnbounded) ? kUnbounded : static_cast<std::int64_t>(limit);
  };
  return {bound(std::uint64_t{limits.requests_per_minute}), bound(limits.tokens_per_minute),
          bound(std::uint64_t{limits.concurrent_requests}),
          bound(static_cast<std::uint64_t>(std::max<std::int64_t>(0, limits.spend_nano_per_day))),
          bound(static_cast<std::uint64_t>(std::max<std::int64_t>(0, limits.spend_nano_per_month)))};
}

void LeaseBook::count(const Amounts& amounts, Time now) {
  if (amounts[at(Quota::Requests)] != 0 || amounts[at(Quota::Tokens)] != 0) {
    // A bucket's time is its last: it leaves the window too late rather than too early.
    if (window_.empty() || now >= window_.back().at) {
      window_.push_back({now + kBucket, {}});
    }
    auto& last = window_.back().amounts;
    for (const auto q : {Quota::Requests, Quota::Tokens}) last[at(q)] = sum_of(last[at(q)], amounts[at(q)]);
  }
  day_spent_ = sum_of(day_spent_, amounts[at(Quota::SpendDay)]);
  month_spent_ = sum_of(month_spent_, amounts[at(Quota::SpendMonth)]);
}

void LeaseBook::forget(Time now, WallTime wall) {
  while (!window_.empty() && now - window_.front().at >= times_.window) window_.pop_front();
  if (const auto day = day_of(wall); day != day_) {
    day_ = day;
    day_spent_ = 0;
  }
  if (const auto month = month_of(day_); month != month_) {
    month_ = month;
    month_spent_ = 0;
  }
  for (auto& [key, holder] : holders_) {
    if (holder.held == Amounts{} || now < holder.until) continue;
    Amounts lost = holder.held;
    lost[at(Quota::Concurrent)] = 0;
    count(lost, now);
    for (std::size_t q = 0; q < kQuotas; ++q) holder.written_off[q] = sum_of(holder.written_off[q], lost[q]);
    holder.held = {};
  }
  // An epoch that has ended has nothing more to say that counts. The newest stays: its holder says sums since its
  // start, and what was counted of them is not to be counted again when it comes back after a quiet hour.
  for (auto at = holders_.begin(); at != holders_.end();) {
    const auto next = std::next(at);
    const bool newer = next != holders_.end() && next->first.first == at->first.first;
    const bool quiet = at->second.held == Amounts{} && now - at->second.until >= times_.window * 60;
    at = newer && quiet ? holders_.erase(at) : next;
  }
}

void LeaseBook::take_report(Holder& holder, const grid::LeaseAsk& ask, Time now) {
  Amounts fresh{};
  for (std::size_t q = 0; q < kQuotas; ++q) {
    fresh[q] = std::max<std::int64_t>(0, ask.used[q] - holder.used[q]);
    holder.used[q] = std::max(holder.used[q], ask.used[q]);
    const std::int64_t counted = std::min(fresh[q], holder.written_off[q]);
    fresh[q] -= counted;
    holder.written_off[q] -= counted;
  }
  count(fresh, now);
  for (std::size_t q = 0; q < kQuotas; ++q) holder.held[q] = std::max<std::int64_t>(0, ask.reserved[q]);
}

// `but`: whose lease is left out.
Amounts LeaseBook::free(const Amounts& bounds, const Holder* but) const {
  Amounts taken{};
  for (const auto& used : window_) {
    for (std::size_t q = 0; q < kQuotas; ++q) taken[q] = sum_of(taken[q], used.amounts[q]);
  }
  for (const auto& [key, holder] : holders_) {
    if (&holder == but) continue;
    for (std::size_t q = 0; q < kQuotas; ++q) taken[q] = sum_of(taken[q], holder.held[q]);
  }
  taken[at(Quota::SpendDay)] = sum_of(taken[at(Quota::SpendDay)], day_spent_);
  taken[at(Quota::SpendMonth)] = sum_of(taken[at(Quota::SpendMonth)], month_spent_);
  Amounts out{};
  for (std::size_t q = 0; q < kQuotas; ++q) {
    out[q] = bounds[q] >= kUnbounded ? kUnbounded : std::max<std::int64_t>(0, bounds[q] - taken[q]);
  }
  return out;
}

grid::LeaseAnswer LeaseBook::on_ask(const grid::LeaseAsk& ask, Time now, WallTime wall) {
  ++version_;
  forget(now, wall);
  auto& own = holders_[{ask.holder, ask.epoch}];
  take_report(own, ask, now);
  own.until = now + times_.lent_for;
  grid::LeaseAnswer answer;
  answer.ttl_ms = to_ms(times_.used_for);
  const Amounts bounds = bounds_of(ask.limits);
  const Amounts left = free(bounds, nullptr);
  const bool wants = ask.want != Amounts{};
  answer.granted = true;
  for (std::size_t q = 0; q < kQuotas && answer.granted; ++q) {
    if (ask.want[q] <= left[q]) continue;
    answer.granted = false;
    answer.lacking = static_cast<Quota>(q);
  }
  if (answer.granted && wants) {
    const std::int64_t share = std::max<std::int64_t>(1, std::int64_t{times_.slices} * ask.gateways);
    for (std::size_t q = 0; q < kQuotas; ++q) {
      answer.spare[q] = left[q] >= kUnbounded ? kUnbounded : std::max(ask.want[q], left[q] / share);
      own.held[q] = sum_of(own.held[q], bounds[q] >= kUnbounded ? 0 : answer.spare[q]);
    }
  }
  tell(answer, ask, now, wall);
  return answer;
}

void LeaseBook::tell(grid::LeaseAnswer& answer, const grid::LeaseAsk& ask, Time now, WallTime wall) const {
  answer.free = free(bounds_of(ask.limits), nullptr);
  const std::int64_t refill =
      window_.empty() ? 0 : std::max<std::int64_t>(0, to_ms(window_.back().at + times_.window - now));
  answer.reset_ms = {refill, refill, 0, left_of_period(Quota::SpendDay, wall), left_of_period(Quota::SpendMonth, wall)};
  if (answer.granted) return;
  Duration wait = times_.retry_most;
  if (answer.lacking == Quota::Requests || answer.lacking == Quota::Tokens) {
    // When enough of the window's oldest has gone; what is only lent may come back any time.
    const std::size_t q = at(answer.lacking);
    std::int64_t lacking = ask.want[q] - answer.free[q];
    if (lacking > 0 && !window_.empty()) {
      for (const auto& used : window_) {
        wait = used.at + times_.window - now;
        lacking -= used.amounts[q];
        if (lacking <= 0) break;
      }
    } else {
      wait = times_.retry_least;
    }
    if (lacking > 0) wait = times_.retry_most;
  } else if (answer.lacking == Quota::Concurrent) {
    wait = times_.retry_least;
  }
  answer.retry_ms = to_ms(std::clamp(wait, times_.retry_least, times_.retry_most));
}

void LeaseBook::begin_term(Time now) {
  version_ = ((version_ >> kTermShift) + 1) << kTermShift;
  for (auto& [key, holder] : holders_) holder.until = std::max(holder.until, now + times_.lent_for);
}

grid::LeaseState LeaseBook::state(const std::string& scope, Time now) const {
  grid::LeaseState out;
  out.scope = scope;
  out.version = version_;
  for (const auto& used : window_) {
    out.window.push_back({to_ms(now - used.at), used.amounts[at(Quota::Requests)], used.amounts[at(Quota::Tokens)]});
  }
  for (const auto& [key, holder] : holders_) {
    out.held.push_back(
        {key.first, key.second, holder.used, holder.held, holder.written_off, to_ms(holder.until - now)});
  }
  out.day = day_;
  out.day_spent = day_spent_;
  out.month = month_;
  out.month_spent = month_spent_;
  return out;
}

void LeaseBook::load(const grid::LeaseState& state, Duration older, Time now) {
  version_ = state.version;
  window_.clear();
  holders_.clear();
  for (const auto& used : state.window) {
    Used one{now - std::chrono::milliseconds(used.age_ms) - older, {}};
    one.amounts[at(Quota::Requests)] = std::max<std::int64_t>(0, used.requests);
    one.amounts[at(Quota::Tokens)] = std::max<std::int64_t>(0, used.tokens);
    window_.push_back(one);
  }
  std::sort(window_.begin(), window_.end(), [](const Used& a, const Used& b) { return a.at < b.at; });
  for (const auto& held : state.held) {
    const Time until = now + std::chrono::milliseconds(held.left_ms) - older;
    holders_[{held.holder, held.epoch}] = {held.used, held.held, held.written_off, until};
  }
  day_ = state.day;
  day_spent_ = std::max<std::int64_t>(0, state.day_spent);
  month_ = state.month;
  month_spent_ = std::max<std::int64_t>(0, state.month_spent);
}

Homes homes_of(std::string_view scope, const std::vector<std::string>& gateways) {
  std::vector<std::pair<std::uint64_t, const std::string*>> ranked;
  for (const auto& g : gateways) ranked.emplace_back(rendezvous_weight({scope, g}), &g);
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : *a.second < *b.second;
  });
  Homes out;
  if (!ranked.empty()) out.home = *ranked[0].second;
  if (ranked.size() > 1) out.successor = *ranked[1].second;
  return out;
}

}  // namespace aigrid::admission
