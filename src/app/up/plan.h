// Plan: what `up` starts, read from resources; and the resources as they are applied, with its relays in the links.
// Pure.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "format/api/resource.h"
#include "grid/inventory.h"

namespace aigrid::up {

// Two sites (a < b), or a site and "control".
struct PlannedLink {
  std::string a;
  std::string b;
  double rtt_ms = 0;
  bool control() const { return b == "control"; }
  std::string name() const { return a + "-" + b; }
};

struct PlannedGateway {
  std::string name;  // the site's own, or SITE-2, SITE-3, …
  std::string site;
  bool shares_port = false;  // the site's public one, with its others
};

struct Plan {
  std::vector<api::Resource> resources;
  grid::Inventory inventory;
  std::vector<PlannedLink> links;        // every Link between sites, and one from each site to control
  std::vector<PlannedGateway> gateways;  // by site, in order
  std::string chat_model;                // the first with a deployment, or empty
  std::string embedding_model;
};

// The name of the process of a gateway or an agent, which is also its folder's.
std::string gateway_process(const std::string& gateway);
std::string agent_process(const std::string& node);

// What the relay is called through which the link's lower site reaches that gateway of the other.
std::string relay_name(const PlannedLink& link, const PlannedGateway& target);

// `gateways`: of each site that has not just one. InvalidArgument with every problem, one a line.
Result<Plan> make_plan(std::vector<api::Resource> resources, double control_rtt_ms,
                       const std::map<std::string, int>& gateways = {});

// `dial[relay name]` = address: what gateways at the link's lower site dial instead of the other end.
std::vector<api::Resource> with_dial(const Plan& plan, const std::map<std::string, std::string>& dial);

}  // namespace aigrid::up
