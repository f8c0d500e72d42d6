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

Result<std::vector<PlannedGateway>> gateways_of(const grid::Inventory& inventory,
                                                const std::map<std::string, int>& wanted) {
  std::vector<PlannedGateway> out;
  std::size_t known = 0;
  for (const auto& site : inventory.sites) {
    const auto found = wanted.find(site.name);
    const int count = found == wanted.end() ? 1 : found->second;
    known += found == wanted.end() ? 0 : 1;
    for (int n = 1; n <= count; ++n) {
      out.push_back({n == 1 ? site.name : site.name + "-" + std::to_string(n), site.name, count > 1});
    }
  }
  if (known == wanted.size()) return out;
  for (const auto& [site, count] : wanted) {
    const auto named = [&site](const grid::Site& s) { return s.name == site; };
    if (std::none_of(inventory.sites.begin(), inventory.sites.end(), named)) {
      return invalid("--gateways " + site + "=" + std::to_string(count) + ": there is no Site \"" + site +
                     "\" in the configuration");
    }
  }
  return out;
}

}  // namespace

std::string gateway_process(const std::string& gateway) { return "gateway-" + gateway; }
std::string agent_process(const std::string& node) { return "agent-" + node; }

std::string relay_name(const PlannedLink& link, const PlannedGateway& target) {
  return target.name == target.site ? link.name() : link.name() + "/" + target.name;
}

Result<Plan> make_plan(std::vector<api::Resource> resources, double control_rtt_ms,
                       const std::map<std::string, int>& gateways) {
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
  AIGRID_TRY(plan.gateways, gateways_of(plan.inventory, gateways));
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
      for (const auto& target : plan.gateways) {
        const auto at = dial.find(relay_name(one, target));
        if (target.site != one.b || at == dial.end() || one.control()) continue;
        resource.spec["dial"][target.name == one.b ? one.a : one.a + "/" + target.name] = at->second;
      }
    }
  }
  return out;
}

}  // namespace aigrid::up
