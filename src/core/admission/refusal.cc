#include "core/admission/refusal.h"

#include <algorithm>
#include <array>

namespace aigrid::admission {

using grid::Quota;

namespace {

constexpr std::array<const char*, grid::kQuotas> kNames = {
    "requests_per_minute", "tokens_per_minute", "concurrent_requests", "spend_nano_per_day", "spend_nano_per_month"};

std::string whose(const std::string& scope) {
  const auto slash = scope.find('/');
  const std::string kind = scope.substr(0, slash);
  return kind == "key" ? "this key" : kind + " \"" + scope.substr(slash + 1) + "\"";
}

void add_window(std::vector<std::pair<std::string, std::string>>& out, const std::vector<QuotaView>& scopes,
                Quota quota, const std::string& name) {
  const auto q = static_cast<std::size_t>(quota);
  const QuotaView* tightest = nullptr;
  const auto limit_of = [q](const QuotaView& view) { return bounds_of(view.limits)[q]; };
  const std::int64_t none = bounds_of({})[q];
  for (const auto& view : scopes) {
    if (limit_of(view) == none) continue;
    if (tightest == nullptr || view.left[q] < tightest->left[q]) tightest = &view;
  }
  if (tightest == nullptr) return;
  const std::int64_t limit = limit_of(*tightest);
  out.emplace_back("x-ratelimit-limit-" + name, std::to_string(limit));
  out.emplace_back("x-ratelimit-remaining-" + name, std::to_string(std::min(limit, tightest->left[q])));
  out.emplace_back("x-ratelimit-reset-" + name, duration_text(tightest->reset_ms[q]));
}

}  // namespace

std::string duration_text(std::int64_t ms) {
  if (ms < 1000) return std::to_string(ms) + "ms";
  const std::int64_t seconds = ms / 1000;
  if (seconds >= 60) return std::to_string(seconds / 60) + "m" + std::to_string(seconds % 60) + "s";
  const std::int64_t tenths = ms % 1000 / 100;
  return std::to_string(seconds) + (tenths == 0 ? "" : "." + std::to_string(tenths)) + "s";
}

std::vector<std::pair<std::string, std::string>> headers(const std::vector<QuotaView>& scopes) {
  std::vector<std::pair<std::string, std::string>> out;
  add_window(out, scopes, Quota::Requests, "requests");
  add_window(out, scopes, Quota::Tokens, "tokens");
  return out;
}

Refused refusal(const std::string& scope, const grid::Limits& limits, const grid::LeaseAnswer& answer,
                const Need& need) {
  const auto q = static_cast<std::size_t>(answer.lacking);
  const std::int64_t limit = bounds_of(limits)[q];
  const std::int64_t wanted = need.amounts()[q];
  Refused out;
  const bool spend = answer.lacking == Quota::SpendDay || answer.lacking == Quota::SpendMonth;
  out.code = "rate_limit_exceeded";
  if (spend) out.code = "insufficient_quota";
  out.message = whose(scope) + " may use " + std::to_string(limit) + " (" + kNames.at(q) + ") over all gateways, " +
                std::to_string(answer.free[q]) + " are left and this request may need " + std::to_string(wanted) + ": ";
  if (wanted > limit) {
    out.message += "ask for less (max_tokens), or have the limit raised";
  } else if (spend) {
    out.message += "wait for the next " + std::string(answer.lacking == Quota::SpendDay ? "day" : "month") +
                   " (UTC), or have the limit raised";
  } else {
    out.message += "wait as Retry-After says, or ask for less";
  }
  out.retry_after_s =
      std::clamp<std::int64_t>((answer.retry_ms + 999) / 1000, 1, to_ms(LeaseTimes{}.retry_most) / 1000);
  return out;
}

Refused unreadable(const std::string& scope, const LeaseTimes& times) {
  return {"rate_limit_exceeded",
          "what " + whose(scope) + " may still use cannot be read now: its home gateway does not answer; try again",
          std::max<std::int64_t>(1, to_ms(times.retry_least) / 1000)};
}

}  // namespace aigrid::admission
