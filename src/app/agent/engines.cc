#include "app/agent/engines.h"

#include <utility>

#include "base/crypto/encode.h"
#include "core/policy/placing.h"

namespace aigrid::agent {

Engines::Engines(io::Env& env, const AgentOptions& options, EngineListener listener)
    : env_(env), options_(options), listener_(std::move(listener)), left_(env.executor()) {}

void Engines::reconcile(const View& view, const std::string& site) {
  std::map<std::string, std::pair<const grid::Deployment*, const grid::Model*>> wanted;
  std::map<std::string, std::string> forbidden;
  for (const auto& deployment : view.inventory.deployments) {
    bool here = false;
    for (const auto& node : deployment.nodes) here = here || node == options_.name;
    if (!here) continue;
    for (const auto& model : view.inventory.models) {
      if (model.name != deployment.model) continue;
      std::string why = policy::model_forbidden(view.residency, view.inventory, model, site, unix_seconds(env_.wall()));
      if (why.empty()) {
        wanted[deployment.name] = {&deployment, &model};
        continue;
      }
      if (!forbidden_.contains(deployment.name)) {
        env_.log().warn("placement_forbidden", {{"deployment", deployment.name}, {"why", why}});
      }
      forbidden[deployment.name] = std::move(why);
    }
  }
  forbidden_ = std::move(forbidden);
  for (auto it = engines_.begin(); it != engines_.end();) {
    const auto found = wanted.find(it->first);
    if (found != wanted.end() && it->second->same_as(*found->second.first, *found->second.second)) {
      ++it;
      continue;
    }
    // What runs on it is let go on: the attempts hold it, and its stop waits for them.
    leaving_.push_back(it->second);
    it->second->stop_when_idle();
    it = engines_.erase(it);
  }
  for (const auto& [name, spec] : wanted) {
    if (engines_.contains(name)) continue;
    EngineListener listener;
    listener.worked = listener_.worked;
    listener.changed = [this] {
      left_.set();
      listener_.changed();
    };
    auto engine = std::make_shared<Engine>(env_, options_, *spec.first, *spec.second, std::move(listener));
    engines_[name] = engine;
    engine->start();
  }
  std::erase_if(leaving_, [](const auto& engine) { return engine->gone(); });
  listener_.changed();
}

std::shared_ptr<Engine> Engines::find(const std::string& deployment) const {
  const auto it = engines_.find(deployment);
  return it == engines_.end() ? nullptr : it->second;
}

std::vector<inner::EngineReport> Engines::reports() const {
  std::vector<inner::EngineReport> out;
  for (const auto& [name, engine] : engines_) out.push_back(engine->report());
  for (const auto& [name, why] : forbidden_) {
    inner::EngineReport& report = out.emplace_back();
    report.deployment = name;
    report.state = "forbidden";
    report.reason = why;
  }
  return out;
}

Result<void> Engines::all_ready() const {
  for (const auto& [name, engine] : engines_) {
    if (engine->ready()) continue;
    const auto report = engine->report();
    return unavailable("engine of deployment \"" + name + "\" is " + report.state +
                       (report.reason.empty() ? "" : ": " + report.reason));
  }
  return {};
}

std::uint32_t Engines::running() const {
  std::uint32_t sum = 0;
  for (const auto& [name, engine] : engines_) sum += engine->running();
  for (const auto& engine : leaving_) sum += engine->running();
  return sum;
}

io::Task<void> Engines::stop_all() {
  for (auto& [name, engine] : engines_) leaving_.push_back(engine);
  engines_.clear();
  for (const auto& engine : leaving_) engine->stop();
  for (;;) {
    std::erase_if(leaving_, [](const auto& engine) { return engine->gone(); });
    if (leaving_.empty()) co_return;
    co_await left_.wait();
  }
}

}  // namespace aigrid::agent
