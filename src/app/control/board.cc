#include "app/control/board.h"

namespace aigrid::control {

using json::Json;

namespace {

Json conditions(const health::Condition& c) {
  return Json::array(
      {{{"type", c.type}, {"status", health::to_string(c.state)}, {"reason", c.reason}, {"message", c.message}}});
}

}  // namespace

Result<void> Board::take(const Reporter& from, const Catalog& catalog, std::string_view line, Time now,
                         std::int64_t wall_ms) {
  AIGRID_TRY(const Json value, json::parse(line));
  GatewaySeen seen;
  seen.site = from.site;
  seen.stream = from.stream;
  seen.open = true;
  seen.at = now;
  json::Reader reader(value, "status");
  reader.get("bundle_version", seen.version).get("bundle_error", seen.error).get("requests_total", seen.requests);
  reader.get("wall_ms", seen.wall_ms).get("records_error", seen.records_error).get("workers", seen.workers);
  const Json* nodes = reader.list("nodes");
  const Json* links = reader.list("links");
  AIGRID_CHECK_OK(reader.result());
  if (links != nullptr) seen.links = *links;
  const auto before = gateways_.find(from.name);
  const bool same = before != gateways_.end() && before->second.version == seen.version;
  seen.applied_ms = same ? before->second.applied_ms : wall_ms;
  std::string foreign;
  if (nodes != nullptr) {
    for (const auto& raw : *nodes) {
      AIGRID_TRY(auto report, inner::decode_node_report(json::dump(raw)));
      const std::string node = report.node;
      const auto entry = catalog.find(api::Kind::Node, node);
      if (!entry || std::get<grid::Node>(entry->noun).site != from.site) {
        foreign = node;
        continue;
      }
      nodes_[node] = NodeSeen{from.name, now, std::move(report), raw};
    }
  }
  gateways_[from.name] = std::move(seen);
  if (foreign.empty()) return {};
  return Error{Code::PermissionDenied, Origin::Client, Retry::Never,
               "node \"" + foreign + "\" is none of site \"" + from.site + "\": what it said of that was left out"};
}

void Board::gone(const std::string& name, std::uint64_t stream) {
  const auto found = gateways_.find(name);
  if (found != gateways_.end() && found->second.stream == stream) {
    found->second.open = false;
  }
}

std::uint32_t Board::workers_of(const std::string& name) const {
  const GatewaySeen* seen = gateway(name);
  return seen == nullptr ? 0 : seen->workers;
}

void Board::keep_members(const Catalog& catalog) {
  std::erase_if(nodes_, [&](const auto& one) {
    const auto entry = catalog.find(api::Kind::Node, one.first);
    const GatewaySeen* by = gateway(one.second.gateway);
    return !entry || by == nullptr || std::get<grid::Node>(entry->noun).site != by->site;
  });
  std::erase_if(gateways_, [&](const auto& one) {
    const auto entry = catalog.find(api::Kind::Gateway, one.first);
    return !entry || std::get<grid::Gateway>(entry->noun).site != one.second.site;
  });
}

const Board::GatewaySeen* Board::gateway(const std::string& name) const {
  const auto found = gateways_.find(name);
  return found == gateways_.end() ? nullptr : &found->second;
}
const Board::NodeSeen* Board::node(const std::string& name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? nullptr : &found->second;
}

health::Heard Board::heard_of(const GatewaySeen* seen, Time now) const {
  if (seen == nullptr) return {};
  // A closed connection is a failure detected: it need not grow stale first.
  return {true, now - seen->at, seen->version, seen->error, seen->open};
}
health::Heard Board::heard_of(const NodeSeen* seen, Time now) const {
  if (seen == nullptr) return {};
  return {true, now - seen->at, seen->report.bundle_version, "", true};
}

Json Board::gateway_status(const std::string& name, const health::Current& current, Time now) const {
  const GatewaySeen* seen = gateway(name);
  const health::Heard heard = heard_of(seen, now);
  Json out = {{"connected", health::connected(heard, current)},
              {"conditions", conditions(health::gateway_ready(heard, current))}};
  if (seen == nullptr) return out;
  out["conditions"].push_back(conditions(health::records_shipped(seen->records_error)).front());
  out["bundle_version"] = seen->version;
  out["applied_at_ms"] = seen->applied_ms;
  out["requests_total"] = seen->requests;
  if (!seen->error.empty()) out["bundle_error"] = seen->error;
  return out;
}

Json Board::node_status(const grid::Node& spec, const health::Current& current, Time now) const {
  const NodeSeen* seen = node(spec.name);
  const health::Heard heard = heard_of(seen, now);
  Json out = {{"connected", health::connected(heard, current)},
              {"conditions", conditions(health::node_ready(heard, spec.cordoned, current))}};
  if (seen == nullptr) return out;
  out["bundle_version"] = seen->report.bundle_version;
  out["gateway"] = seen->gateway;
  out["report"] = seen->raw;
  return out;
}

Json Board::deployment_status(const grid::Deployment& deployment, const health::Current& current, Time now) const {
  std::vector<health::EngineSeen> engines;
  std::size_t ready = 0;
  for (const auto& name : deployment.nodes) {
    health::EngineSeen engine{name, false, "", ""};
    const NodeSeen* seen = node(name);
    engine.connected = health::connected(heard_of(seen, now), current);
    if (seen != nullptr) {
      for (const auto& e : seen->report.engines) {
        if (e.deployment != deployment.name) continue;
        engine.state = e.state;
        engine.reason = e.reason;
      }
    }
    ready += engine.connected && engine.state == "ready" ? 1 : 0;
    engines.push_back(std::move(engine));
  }
  Json replicas = Json::array();
  for (const auto& e : engines) {
    replicas.push_back({{"node", e.node}, {"connected", e.connected}, {"state", e.state}, {"reason", e.reason}});
  }
  Json all = conditions(health::deployment_ready(engines));
  if (const auto why = forbidden_.find(deployment.name); why != forbidden_.end()) {
    all.push_back(conditions(health::placement_forbidden(why->second)).front());
  }
  return {{"replicas", replicas}, {"ready", ready}, {"conditions", std::move(all)}};
}

Json Board::site_status(const Catalog& catalog, const std::string& site, const health::Current& current,
                        Time now) const {
  std::size_t gateways = 0, gateways_ready = 0, nodes = 0, nodes_ready = 0;
  for (const auto& entry : catalog.list(api::Kind::Gateway)) {
    if (std::get<grid::Gateway>(entry->noun).site != site) continue;
    ++gateways;
    const auto c = health::gateway_ready(heard_of(gateway(entry->stored.name), now), current);
    gateways_ready += c.state == health::State::True ? 1 : 0;
  }
  for (const auto& entry : catalog.list(api::Kind::Node)) {
    const auto& spec = std::get<grid::Node>(entry->noun);
    if (spec.site != site) continue;
    ++nodes;
    const auto c = health::node_ready(heard_of(node(spec.name), now), spec.cordoned, current);
    nodes_ready += c.state == health::State::True ? 1 : 0;
  }
  return {{"gateways", gateways},
          {"gateways_ready", gateways_ready},
          {"nodes", nodes},
          {"nodes_ready", nodes_ready},
          {"conditions", conditions(health::site_ready(gateways_ready, gateways, nodes_ready, nodes))}};
}

Json Board::link_status(const grid::Link& link) const {
  Json seen_by = Json::array();
  for (const auto& [name, seen] : gateways_) {
    if (seen.site != link.a && seen.site != link.b) continue;
    const std::string& other = seen.site == link.a ? link.b : link.a;
    for (const auto& row : seen.links) {
      if (!row.is_object() || row.value("site", Json()) != Json(other)) continue;
      Json one = row;
      one["gateway"] = name;
      seen_by.push_back(std::move(one));
    }
  }
  return {{"seen_by", seen_by}};
}

Json Board::status_of(const Catalog& catalog, const CatalogEntry& entry, const health::Current& current,
                      Time now) const {
  switch (api::kind_of(entry.noun)) {
    case api::Kind::Gateway: return gateway_status(entry.stored.name, current, now);
    case api::Kind::Node: return node_status(std::get<grid::Node>(entry.noun), current, now);
    case api::Kind::Deployment: return deployment_status(std::get<grid::Deployment>(entry.noun), current, now);
    case api::Kind::Site: return site_status(catalog, entry.stored.name, current, now);
    case api::Kind::Link: return link_status(std::get<grid::Link>(entry.noun));
    default: return Json();
  }
}

Json Board::summary(const Catalog& catalog, std::uint64_t published, const health::Current& current, Time now) const {
  Json out = {{"version", published}, {"gateways", Json::array()}, {"nodes", Json::array()}, {"links", Json::array()}};
  for (const auto& entry : catalog.list(api::Kind::Gateway)) {
    Json one = gateway_status(entry->stored.name, current, now);
    one["name"] = entry->stored.name;
    one["site"] = std::get<grid::Gateway>(entry->noun).site;
    out["gateways"].push_back(std::move(one));
  }
  for (const auto& entry : catalog.list(api::Kind::Node)) {
    const auto& spec = std::get<grid::Node>(entry->noun);
    Json one = node_status(spec, current, now);
    one["name"] = spec.name;
    one["site"] = spec.site;
    out["nodes"].push_back(std::move(one));
  }
  for (const auto& entry : catalog.list(api::Kind::Link)) {
    const auto& link = std::get<grid::Link>(entry->noun);
    Json one = link_status(link);
    one["name"] = link.name;
    one["a"] = link.a;
    one["b"] = link.b;
    out["links"].push_back(std::move(one));
  }
  return out;
}

}  // namespace aigrid::control
