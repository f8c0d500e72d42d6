#include "format/inner/rows.h"

#include <cmath>

#include "format/json/json.h"

namespace aigrid::inner {

namespace {

using json::Json;
using json::Reader;

// A number is measured, {"estimated": number} is not, null is no reading.
Json write(const Reading& r) {
  if (!r.has || !std::isfinite(r.value)) return nullptr;
  if (r.estimated) return Json{{"estimated", r.value}};
  return r.value;
}

void read(Reader& from, const char* name, Reading& out) {
  const Json* v = from.find(name);
  if (v == nullptr) return;
  const bool estimated = v->is_object();
  if (estimated) {
    const auto it = v->find("estimated");
    if (it == v->end()) return from.fail(name, "a number, null or {\"estimated\": number}", v);
    v = &*it;
  }
  if (!v->is_number() || !std::isfinite(v->get<double>())) {
    return from.fail(name, "a number, null or {\"estimated\": number}", v);
  }
  out = Reading{true, v->get<double>(), estimated};
}

Json write(const EngineReport& e) {
  return Json{{"deployment", e.deployment},
              {"state", e.state},
              {"reason", e.reason},
              {"slots", e.slots},
              {"running", e.running},
              {"queued", e.queued},
              {"prefill_tokens_per_s", write(e.prefill_tokens_per_s)},
              {"decode_tokens_per_s", write(e.decode_tokens_per_s)},
              {"prompt_tokens_total", e.prompt_tokens_total},
              {"completion_tokens_total", e.completion_tokens_total},
              {"pid", e.pid},
              {"url", e.url},
              {"secret_file", e.secret_file}};
}

Json write(const GpuReport& g) {
  return Json{{"name", g.name},
              {"busy", write(g.busy)},
              {"memory_used_bytes", write(g.memory_used_bytes)},
              {"memory_total_bytes", write(g.memory_total_bytes)},
              {"power_w", write(g.power_w)},
              {"temperature_c", write(g.temperature_c)}};
}

Result<GpuReport> read_gpu(const Json& value) {
  GpuReport g;
  Reader r(value, "gpus");
  r.get("name", g.name);
  read(r, "busy", g.busy);
  read(r, "memory_used_bytes", g.memory_used_bytes);
  read(r, "memory_total_bytes", g.memory_total_bytes);
  read(r, "power_w", g.power_w);
  read(r, "temperature_c", g.temperature_c);
  AIGRID_CHECK_OK(r.result());
  return g;
}

Result<EngineReport> read_engine(const Json& value) {
  EngineReport e;
  Reader r(value, "engines");
  r.get("deployment", e.deployment).get("state", e.state).get("reason", e.reason).get("slots", e.slots);
  r.get("running", e.running).get("queued", e.queued).get("pid", e.pid).get("url", e.url);
  r.get("prompt_tokens_total", e.prompt_tokens_total).get("completion_tokens_total", e.completion_tokens_total);
  r.get("secret_file", e.secret_file);
  read(r, "prefill_tokens_per_s", e.prefill_tokens_per_s);
  read(r, "decode_tokens_per_s", e.decode_tokens_per_s);
  AIGRID_CHECK_OK(r.result());
  return e;
}

Result<SiteReportRow> read_row(const Json& value) {
  SiteReportRow row;
  Reader r(value, "rows");
  r.get("deployment", row.deployment).get("ready_nodes", row.ready_nodes).get("slots", row.slots);
  r.get("free_slots", row.free_slots).get("queued", row.queued);
  read(r, "wait_ms", row.wait_ms);
  read(r, "prefill_tokens_per_s", row.prefill_tokens_per_s);
  read(r, "decode_tokens_per_s", row.decode_tokens_per_s);
  AIGRID_CHECK_OK(r.result());
  return row;
}

template <class T, class Read>
Result<void> read_list(Reader& from, const char* name, std::vector<T>& out, Read read_item) {
  const Json* list = from.list(name);
  if (list == nullptr) return from.result();
  for (const Json& item : *list) {
    AIGRID_TRY(T value, read_item(item));
    out.push_back(std::move(value));
  }
  return {};
}

}  // namespace

std::string encode(const NodeReport& n) {
  Json engines = Json::array();
  for (const auto& e : n.engines) engines.push_back(write(e));
  Json gpus = Json::array();
  for (const auto& g : n.gpus) gpus.push_back(write(g));
  const Json out{{"node", n.node},
                 {"gpus", std::move(gpus)},
                 {"bundle_version", n.bundle_version},
                 {"engines", std::move(engines)},
                 {"load", write(n.load)},
                 {"cpu", write(n.cpu)},
                 {"memory_used_bytes", write(n.memory_used_bytes)},
                 {"memory_total_bytes", write(n.memory_total_bytes)},
                 {"disk_read_bytes_per_s", write(n.disk_read_bytes_per_s)},
                 {"disk_write_bytes_per_s", write(n.disk_write_bytes_per_s)},
                 {"disk_fill", write(n.disk_fill)},
                 {"power_w", write(n.power_w)},
                 {"temperature_c", write(n.temperature_c)}};
  return json::dump(out) + "\n";
}

std::string encode(const SiteReport& s) {
  Json rows = Json::array();
  for (const auto& r : s.rows) {
    rows.push_back(Json{{"deployment", r.deployment},
                        {"ready_nodes", r.ready_nodes},
                        {"slots", r.slots},
                        {"free_slots", r.free_slots},
                        {"queued", r.queued},
                        {"wait_ms", write(r.wait_ms)},
                        {"prefill_tokens_per_s", write(r.prefill_tokens_per_s)},
                        {"decode_tokens_per_s", write(r.decode_tokens_per_s)}});
  }
  const Json out{
      {"site", s.site}, {"gateway", s.gateway}, {"bundle_version", s.bundle_version}, {"rows", std::move(rows)}};
  return json::dump(out) + "\n";
}

Result<NodeReport> decode_node_report(std::string_view line) {
  AIGRID_TRY(const Json value, json::parse(line));
  NodeReport n;
  Reader r(value, "node report");
  r.get("node", n.node).get("bundle_version", n.bundle_version);
  read(r, "load", n.load);
  read(r, "cpu", n.cpu);
  read(r, "memory_used_bytes", n.memory_used_bytes);
  read(r, "memory_total_bytes", n.memory_total_bytes);
  read(r, "disk_read_bytes_per_s", n.disk_read_bytes_per_s);
  read(r, "disk_write_bytes_per_s", n.disk_write_bytes_per_s);
  read(r, "disk_fill", n.disk_fill);
  read(r, "power_w", n.power_w);
  read(r, "temperature_c", n.temperature_c);
  r.adopt(read_list(r, "engines", n.engines, read_engine));
  r.adopt(read_list(r, "gpus", n.gpus, read_gpu));
  AIGRID_CHECK_OK(r.result());
  if (n.node.empty()) return invalid("node report: node is missing; name the node that reports");
  return n;
}

Result<SiteReport> decode_site_report(std::string_view line) {
  AIGRID_TRY(const Json value, json::parse(line));
  SiteReport s;
  Reader r(value, "site report");
  r.get("site", s.site).get("gateway", s.gateway).get("bundle_version", s.bundle_version);
  r.adopt(read_list(r, "rows", s.rows, read_row));
  AIGRID_CHECK_OK(r.result());
  if (s.site.empty()) return invalid("site report: site is missing; name the site that reports");
  return s;
}

}  // namespace aigrid::inner
