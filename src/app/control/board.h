// Board: what gateways said last of themselves, their nodes and links: volatile, newest wins. Merging is pure: the
// caller passes the time. One worker. Errors: InvalidArgument for a line that is no status.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "app/control/catalog.h"
#include "core/health/conditions.h"
#include "format/inner/rows.h"
#include "format/json/json.h"

namespace aigrid::control {

class Board {
 public:
  // A gateway as certified, and which of its streams: the end of an old one says nothing of a newer.
  struct Reporter {
    std::string site;
    std::string name;
    std::uint64_t stream = 0;
  };
  // One status line. It counts for the gateway itself, its links, and the Nodes of its site; what it says of others is
  // left out, and is a PermissionDenied when the rest was taken.
  Result<void> take(const Reporter& from, const Catalog& catalog, std::string_view line, Time now,
                    std::int64_t wall_ms);
  void gone(const std::string& name, std::uint64_t stream);  // that stream ended
  // How many workers a gateway says it has; 0: it has not said.
  std::uint32_t workers_of(const std::string& gateway) const;
  // Forgets who is not in the configuration any more, or stands elsewhere now.
  void keep_members(const Catalog& catalog);

  // Deployments that stand where the law forbids them, with why.
  void keep_placing(std::map<std::string, std::vector<std::string>> forbidden) { forbidden_ = std::move(forbidden); }

  // {"version","gateways","nodes","links"}
  json::Json summary(const Catalog& catalog, std::uint64_t published, const health::Current& current, Time now) const;
  // The status of one resource; null where its kind has none.
  json::Json status_of(const Catalog& catalog, const CatalogEntry& entry, const health::Current& current,
                       Time now) const;

 private:
  struct GatewaySeen {
    std::string site;
    bool open = false;
    std::uint64_t stream = 0;
    Time at{};
    std::int64_t applied_ms = 0;  // wall, when the version it holds was first reported
    std::uint64_t version = 0;
    std::string error;
    std::string records_error;
    std::uint64_t requests = 0;
    std::uint32_t workers = 0;
    std::int64_t wall_ms = 0;
    json::Json links = json::Json::array();
  };
  struct NodeSeen {
    std::string gateway;
    Time at{};
    inner::NodeReport report;
    json::Json raw;
  };

  health::Heard heard_of(const GatewaySeen* seen, Time now) const;
  health::Heard heard_of(const NodeSeen* seen, Time now) const;
  const GatewaySeen* gateway(const std::string& name) const;
  const NodeSeen* node(const std::string& name) const;
  json::Json gateway_status(const std::string& name, const health::Current& current, Time now) const;
  json::Json node_status(const grid::Node& node, const health::Current& current, Time now) const;
  json::Json deployment_status(const grid::Deployment& deployment, const health::Current& current, Time now) const;
  json::Json site_status(const Catalog& catalog, const std::string& site, const health::Current& current,
                         Time now) const;
  json::Json link_status(const grid::Link& link) const;

  std::map<std::string, GatewaySeen> gateways_;
  std::map<std::string, NodeSeen> nodes_;
  std::map<std::string, std::vector<std::string>> forbidden_;
};

}  // namespace aigrid::control
