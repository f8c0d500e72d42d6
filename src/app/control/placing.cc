#include "app/control/placing.h"

#include <algorithm>

#include "core/policy/placing.h"

namespace aigrid::control {

namespace {

// Dates may lie beyond what a timer takes.
constexpr std::int64_t kLongestWait_s = 24LL * 3600;

void tell(Services& services, const policy::Standing& now, std::map<std::string, std::vector<std::string>>& told) {
  for (const auto& [deployment, why] : now.forbidden) {
    if (const auto before = told.find(deployment); before != told.end() && before->second == why) continue;
    services.env.log().warn("placement_forbidden", {{"deployment", deployment}, {"why", why.front()}});
  }
  told = now.forbidden;
  services.board.keep_placing(now.forbidden);
}

}  // namespace

io::Task<void> watch_placing(Services& services) {
  io::Env& env = services.env;
  Catalog::Watch watch(services.catalog);
  auto due = env.timer([&watch] { watch.changed.set(); });
  std::map<std::string, std::vector<std::string>> told;
  for (;;) {
    const std::int64_t second = unix_seconds(env.wall());
    auto found = std::make_shared<Result<policy::Standing>>(policy::Standing{});
    auto work = [found, second, entries = services.catalog.without_keys()] {
      *found = policy::standing(inventory_of(entries, "placing", 1), second);
    };
    co_await env.blocking(std::move(work));
    std::int64_t wait_s = kLongestWait_s;
    if (found->ok()) {
      tell(services, **found, told);
      wait_s = std::clamp<std::int64_t>((*found)->good_until - second, 1, kLongestWait_s);
    } else {
      env.log().fail("placing_not_judged", {{"why", found->error().message}});
    }
    due->arm(env.now() + std::chrono::seconds(wait_s));
    co_await watch.changed.wait();
    co_await env.sleep_for(services.options.limits.gather_changes);
  }
}

}  // namespace aigrid::control
