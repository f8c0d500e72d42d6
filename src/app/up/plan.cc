#include "app/up/plan.h"

#include <algorithm>

#include "format/api/check.h"

namespace aigrid::up {

namespace {

std::string model_of(const grid::Inventory& inventory, grid::Task task) {
  for (const auto& deployment : inventory.deployments) {
    for (const auto& model : inventory.models) {
      if (model.name == deployment.model && model.task == task) return model.name;
    }
  }
  return {};
}

// Gateways have the names of their sites here, and of two gateways the one with the lower name dials.
PlannedLink planned(const grid::Link& link) {
  if (link.b == "control") return {link.a, link.b, link.rtt_ms};
  return {std::min(link.a, link.b), std::max(link.a, link.b), link.rtt_ms};
}

std::vector<PlannedLink> links_of(const grid::Inventory& inventory, double control_rtt_ms) {
  std::vector<PlannedLink> out;
  for (const auto& link : inventory.links) out.push_back(planned(link));
  for (const auto& site : inventory.sites) {
    const bool stated =
        std::any_of(out.begin(), out.end(), [&](const PlannedLink& l) { return l.control() && l.a == site.name; });
    if (!stated) out.push_back({site.name, "control", control_rtt_ms});
  }
  return out;
}

}  // namespace

std::string gateway_process(const std::string& site) { return "gateway-" + site; }
std::string agent_process(const std::string& node) { return "agent-" + node; }

Result<Plan> make_plan(std::vector<api::Resource> resources, double control_rtt_ms) {
  api::Checked checked = api::to_inventory(resources);
  if (!checked.problems.empty()) {
    std::string text;
    for (const auto& problem : checked.problems) text += (text.empty() ? "" : "\n") + api::to_text(problem);
    return invalid(text);
  }
  if (checked.inventory.sites.empty()) return invalid("there is no Site in it: a grid needs at least one");
  Plan plan;
  plan.resources = std::move(resources);
  plan.inventory = std::move(checked.inventory);
  plan.links = links_of(plan.inventory, control_rtt_ms);
  plan.chat_model = model_of(plan.inventory, grid::Task::Chat);
  plan.embedding_model = model_of(plan.inventory, grid::Task::Embedding);
  return plan;
}

std::vector<api::Resource> with_dial(const Plan& plan, const std::map<std::string, std::string>& dial) {
  std::vector<api::Resource> out = plan.resources;
  for (auto& resource : out) {
    if (resource.kind != api::Kind::Link) continue;
    for (const auto& link : plan.inventory.links) {
      if (link.name != resource.name) continue;
      const PlannedLink one = planned(link);
      const auto at = dial.find(one.name());
      if (at != dial.end() && !one.control()) resource.spec["dial"][one.a] = at->second;
    }
  }
  return out;
}

}  // namespace aigrid::up
