// A small grid for tests of routing and dispatch: named sites with coordinates, nodes, one deployment, rows all ready.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/routing/choose.h"

namespace aigrid::routing {

struct TestSite {
  std::string name;
  double lat = 0;
  double lon = 0;
  int nodes = 1;
  std::string jurisdiction = "FR";
};

// Node names are the site's with -1, -2, …; the deployment `chat-all` serves model `chat` everywhere.
inline grid::Inventory test_inventory(const std::vector<TestSite>& sites, std::uint32_t slots = 2) {
  grid::Inventory i;
  i.grid = "test";
  i.version = 1;
  i.operators = {{"telco", "", {"FR"}}};
  grid::Model m;
  m.name = "chat";
  m.context_tokens = 2048;
  i.models = {m};
  grid::Deployment d;
  d.name = "chat-all";
  d.model = "chat";
  d.slots = slots;
  for (const auto& s : sites) {
    grid::Site spec;
    spec.name = s.name;
    spec.operator_name = "telco";
    spec.jurisdiction = s.jurisdiction;
    spec.lat = s.lat;
    spec.lon = s.lon;
    i.sites.push_back(spec);
    for (int n = 1; n <= s.nodes; ++n) {
      grid::Node node;
      node.name = s.name + "-" + std::to_string(n);
      node.site = s.name;
      i.nodes.push_back(node);
      d.nodes.push_back(node.name);
    }
  }
  i.deployments = {d};
  i.tenants = {{"free", "", "", ""}};
  grid::Policy anywhere;
  anywhere.name = "anywhere";
  anywhere.permit = {{{"*"}, "*"}};
  i.policies = {anywhere};
  return i;
}

class TestGrid {
 public:
  explicit TestGrid(const grid::Inventory& inventory, const std::string& here_name = "") {
    auto compiled = compile(inventory);
    if (!compiled.ok()) throw std::runtime_error(compiled.error().message);
    tables = std::move(*compiled);
    rows.rebind(Tables{}, *tables);
    here = here_name.empty() ? SiteIndex{0} : *tables->find_site(here_name);
    for (std::size_t s = 0; s < tables->sites.size(); ++s) rows.links[s].up = true;
    for (std::size_t d = 0; d < tables->deployments.size(); ++d) fill(static_cast<DeploymentIndex>(d));
    input.model = 0;
    input.permitted = tables->residency.everywhere();
    input.prompt_tokens = 15;
    input.max_output_tokens = 120;
    input.intent = intent.get();
  }

  SiteIndex site(std::string_view name) const { return *tables->find_site(name); }
  NodeIndex node(std::string_view name) const { return *tables->find_node(name); }
  SiteRow& row(std::string_view name, DeploymentIndex d = 0) { return rows.site(*tables, d, site(name)); }
  NodeRow& node_row(std::string_view name, DeploymentIndex d = 0) { return rows.node(*tables, d, node(name)); }
  Snapshot snapshot() const { return rows.snapshot(*tables, here); }
  std::string name(SiteIndex s) const { return s == kNone ? "-" : tables->sites[s].spec.name; }

  std::shared_ptr<const Tables> tables;
  Rows rows;
  SiteIndex here = 0;
  std::shared_ptr<grid::Intent> intent = std::make_shared<grid::Intent>();
  RouteInput input;
  Time now{100s};

 private:
  void fill(DeploymentIndex d) {
    const auto& entry = tables->deployments[d];
    const auto slots = static_cast<std::uint16_t>(entry.spec.slots);
    for (const NodeIndex n : entry.nodes) {
      NodeRow& r = rows.node(*tables, d, n);
      r.present = r.ready = true;
      r.slots = slots;
      r.at = now;
      SiteRow& s = rows.site(*tables, d, tables->nodes[n].site);
      s.present = true;
      s.ready_nodes = static_cast<std::uint16_t>(s.ready_nodes + 1);
      s.slots = s.free_slots = static_cast<std::uint16_t>(s.slots + slots);
      s.wait_ms = 0;
      s.at = now;
    }
  }
};

// Four real cities, for figures a reader can check.
inline std::vector<TestSite> four_cities() {
  return {{"frankfurt", 50.11, 8.68, 2, "DE"},
          {"lyon", 45.76, 4.84, 1, "FR"},
          {"madrid", 40.42, -3.70, 1, "ES"},
          {"paris", 48.86, 2.35, 2, "FR"}};
}

}  // namespace aigrid::routing
