#include "core/access/grant_book.h"

namespace aigrid::access {
namespace {

// The two ends made the connection at most this far apart.
constexpr Duration kApart = 10s;

Error denied(std::string message) {
  return {Code::PermissionDenied, Origin::Upstream, Retry::Elsewhere, std::move(message)};
}

}  // namespace

void GrantBook::forget(Time now) {
  while (!ends_.empty() && ends_.begin()->first <= now) {
    seen_.erase(ends_.begin()->second);
    ends_.erase(ends_.begin());
  }
}

Result<void> GrantBook::take(const Question& q, Time now) {
  forget(now);
  const auto age_ms = static_cast<std::uint64_t>(to_ms(q.age));
  if (q.expires_ms <= age_ms) return denied("the grant expired " + std::to_string(age_ms - q.expires_ms) + " ms ago");
  const std::uint64_t left_ms = q.expires_ms - age_ms;
  const auto most_ms = static_cast<std::uint64_t>(to_ms(kGrantLife + kApart));
  if (left_ms > most_ms) {
    return denied("the grant would live " + std::to_string(left_ms) + " ms: at most " + std::to_string(most_ms));
  }
  if (q.bundle_version < q.least_version) {
    return denied("the grant is of bundle " + std::to_string(q.bundle_version) + ", older than the one held here, " +
                  std::to_string(q.least_version));
  }
  if (seen_.contains(q.grant)) return denied("the grant was used before");
  if (seen_.size() >= kMostGrants) return denied("too many grants within their life");
  const Time end = now + std::chrono::milliseconds(left_ms);
  seen_.emplace(q.grant, end);
  ends_.emplace(end, q.grant);
  return {};
}

}  // namespace aigrid::access
