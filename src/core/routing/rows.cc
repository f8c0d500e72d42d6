#include "core/routing/snapshot.h"

namespace aigrid::routing {
namespace {

// old index → new index, kNone where the name is gone.
template <class Find>
std::vector<std::uint16_t> moves(std::size_t count, Find find) {
  std::vector<std::uint16_t> out(count, kNone);
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto to = find(i)) out[i] = *to;
  }
  return out;
}

template <class Row>
std::vector<Row> carry(const std::vector<Row>& rows, const std::vector<std::uint16_t>& outer,
                       const std::vector<std::uint16_t>& inner, std::size_t to_outer, std::size_t to_inner) {
  std::vector<Row> out(to_outer * to_inner);
  if (rows.size() != outer.size() * inner.size()) return out;
  for (std::size_t o = 0; o < outer.size(); ++o) {
    for (std::size_t i = 0; i < inner.size(); ++i) {
      if (outer[o] != kNone && inner[i] != kNone) out[outer[o] * to_inner + inner[i]] = rows[o * inner.size() + i];
    }
  }
  return out;
}

}  // namespace

void Rows::rebind(const Tables& from, const Tables& to) {
  const auto sites = moves(from.sites.size(), [&](std::size_t i) { return to.find_site(from.sites[i].spec.name); });
  const auto nodes = moves(from.nodes.size(), [&](std::size_t i) -> std::optional<NodeIndex> {
    const auto n = to.find_node(from.nodes[i].spec.name);
    // A node that moved is another place.
    if (n && to.sites[to.nodes[*n].site].spec.name != from.sites[from.nodes[i].site].spec.name) return std::nullopt;
    return n;
  });
  const auto deployments = moves(from.deployments.size(), [&](std::size_t i) -> std::optional<DeploymentIndex> {
    const auto d = to.find_deployment(from.deployments[i].spec.name);
    if (d && to.deployments[*d].spec.model != from.deployments[i].spec.model) return std::nullopt;
    return d;
  });
  node_rows = carry(node_rows, deployments, nodes, to.deployments.size(), to.nodes.size());
  site_rows = carry(site_rows, deployments, sites, to.deployments.size(), to.sites.size());
  links = carry(links, {0}, sites, 1, to.sites.size());
  for (LinkRow& link : links) {
    if (link.via == kNone) continue;
    link.via = link.via < sites.size() ? sites[link.via] : kNone;
    if (link.via == kNone) link.up = false;  // through a site that is gone
  }
  site_trust = carry(site_trust, {0}, sites, 1, to.sites.size());
}

void Rows::report(const Tables& t, DeploymentIndex d, SiteIndex s, const SiteRow& row) {
  SiteRow& mine = site(t, d, s);
  mine = row;
  mine.own_inflight = 0;
}

void Rows::report(const Tables& t, DeploymentIndex d, NodeIndex n, const NodeRow& row) {
  NodeRow& mine = node(t, d, n);
  const auto own = mine.own_running;
  mine = row;
  mine.own_running = own;
}

void Rows::lost_node(const Tables& t, NodeIndex n) {
  for (std::size_t d = 0; d < t.deployments.size(); ++d) node(t, static_cast<DeploymentIndex>(d), n) = {};
}

void Rows::lost_site(const Tables& t, SiteIndex s) {
  for (std::size_t d = 0; d < t.deployments.size(); ++d) site(t, static_cast<DeploymentIndex>(d), s) = {};
  links[s].up = false;
}

}  // namespace aigrid::routing
