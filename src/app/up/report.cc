#include "app/up/report.h"

#include <nlohmann/json.hpp>

#include "format/json/json.h"

namespace aigrid::up {

using Json = nlohmann::ordered_json;

namespace {

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json of(const ReportedNode& node) {
  Json engines = Json::array();
  for (const auto& engine : node.engines) {
    Json one{{"driver", engine.driver}, {"model", engine.model}, {"pid", engine.pid}, {"url", engine.url}};
    if (!engine.secret.empty()) one["secret"] = engine.secret;
    engines.push_back(std::move(one));
  }
  return Json{{"name", node.name}, {"site", node.site}, {"pid", node.pid}, {"engines", std::move(engines)}};
}

template <class F>
void each(json::Reader& reader, const char* name, F visit) {
  const auto* list = reader.list(name);
  if (list == nullptr) return;
  for (const auto& value : *list) {
    json::Reader one(value, name);
    visit(one);
    reader.adopt(one.result());
  }
}

}  // namespace

std::string encode(const GridReport& r) {
  Json sites = Json::array();
  for (const auto& s : r.sites) {
    sites.push_back(Json{{"name", s.name}, {"country", s.country}, {"gateway", s.gateway}, {"pids", s.pids}});
  }
  Json nodes = Json::array();
  for (const auto& node : r.nodes) nodes.push_back(of(node));
  Json tenants = Json::array();
  for (const auto& t : r.tenants) {
    tenants.push_back(Json{{"name", t.name}, {"key", t.key}, {"zone", text_or_null(t.zone)}});
  }
  Json links = Json::array();
  for (const auto& link : r.links) links.push_back(Json{{"a", link.a}, {"b", link.b}, {"relay", link.relay}});
  const Json out{{"bin", r.bin},
                 {"env", r.env},
                 {"management", r.management},
                 {"admin_key", r.admin_key},
                 {"models", {{"chat", text_or_null(r.chat_model)}, {"embedding", text_or_null(r.embedding_model)}}},
                 {"control", {{"pid", r.control_pid}}},
                 {"sites", std::move(sites)},
                 {"nodes", std::move(nodes)},
                 {"tenants", std::move(tenants)},
                 {"links", std::move(links)}};
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<GridReport> decode_report(std::string_view text) {
  AIGRID_TRY(const auto value, json::parse(text));
  GridReport out;
  json::Reader reader(value);
  reader.get("bin", out.bin).get("env", out.env).get("management", out.management).get("admin_key", out.admin_key);
  if (const auto* models = reader.object("models")) {
    json::Reader one(*models, "models");
    one.get("chat", out.chat_model).get("embedding", out.embedding_model);
    reader.adopt(one.result());
  }
  each(reader, "sites", [&](json::Reader& one) {
    ReportedSite site;
    one.get("name", site.name).get("country", site.country).get("gateway", site.gateway);
    out.sites.push_back(std::move(site));
  });
  each(reader, "tenants", [&](json::Reader& one) {
    ReportedTenant tenant;
    one.get("name", tenant.name).get("key", tenant.key).get("zone", tenant.zone);
    out.tenants.push_back(std::move(tenant));
  });
  each(reader, "links", [&](json::Reader& one) {
    ReportedLink link;
    one.get("a", link.a).get("b", link.b).get("relay", link.relay);
    out.links.push_back(std::move(link));
  });
  AIGRID_CHECK_OK(reader.result());
  return out;
}

const ReportedTenant& demo_tenant(const GridReport& report) {
  for (const auto& tenant : report.tenants) {
    if (tenant.zone.empty()) return tenant;
  }
  return report.tenants.front();
}

std::string own_folder(const std::string& state) { return state + "/up"; }
std::string report_file(const std::string& state) { return own_folder(state) + "/grid.json"; }
std::string mark_file(const std::string& state) { return own_folder(state) + "/pid"; }
std::string remembered_file(const std::string& state) { return own_folder(state) + "/remembered.json"; }
std::string log_file(const std::string& state) { return own_folder(state) + "/log"; }
std::string command_socket(const std::string& state) { return own_folder(state) + "/up.sock"; }
std::string relay_socket(const std::string& state, const std::string& link) {
  return own_folder(state) + "/" + link + ".sock";
}

}  // namespace aigrid::up
