#include "app/agent/node.h"
#include "format/metrics/exposition.h"

namespace aigrid::agent {

namespace {

void add(Registry& out, const char* name, const char* help, const inner::Reading& reading, MetricLabels labels = {}) {
  if (reading.has) out.gauge(name, help, std::move(labels)).set(reading.value);
}

void add_engine(Registry& out, const inner::EngineReport& engine) {
  const MetricLabels labels{{"deployment", engine.deployment}};
  out.gauge("aigrid_engine_ready", "1 when the engine answers", labels).set(engine.state == "ready" ? 1 : 0);
  out.gauge("aigrid_engine_slots", "requests it serves at once", labels).set(engine.slots);
  out.gauge("aigrid_engine_running", "requests it serves now", labels).set(engine.running);
  out.gauge("aigrid_engine_queued", "requests waiting inside it", labels).set(engine.queued);
  add(out, "aigrid_engine_prefill_tokens_per_second", "measured by the engine", engine.prefill_tokens_per_s, labels);
  add(out, "aigrid_engine_decode_tokens_per_second", "measured by the engine", engine.decode_tokens_per_s, labels);
}

}  // namespace

std::string Node::metrics() const {
  Registry out;
  const auto count = [&](const char* name, const char* help, std::uint64_t value, MetricLabels labels = {}) {
    out.counter(name, help, std::move(labels)).add(static_cast<double>(value));
  };
  count("aigrid_node_residency_denials_total", "attempts that this node's own bundle forbade",
        counters_.residency_denials);
  count("aigrid_node_grant_denials_total", "attempts whose grant was missing, forged, expired, replayed or stale",
        counters_.grant_denials);
  const char* attempts = "attempts by how they ended";
  count("aigrid_node_attempts_total", attempts, counters_.finished, {{"result", "finished"}});
  count("aigrid_node_attempts_total", attempts, counters_.refused, {{"result", "refused"}});
  count("aigrid_node_attempts_total", attempts, counters_.failed, {{"result", "failed"}});
  count("aigrid_node_attempts_total", attempts, counters_.cancelled, {{"result", "cancelled"}});
  const char* tokens = "tokens of attempts, as the engine counted";
  count("aigrid_node_tokens_total", tokens, counters_.prompt_tokens, {{"kind", "prompt"}});
  count("aigrid_node_tokens_total", tokens, counters_.completion_tokens, {{"kind", "completion"}});
  count("aigrid_node_gateway_connections_total", "connections made to the gateway", counters_.gateway_connections);
  count("aigrid_node_records_lost_total", "records of attempts that found no room anywhere", records_->lost());
  out.gauge("aigrid_node_records_backlog", "records of attempts that control has not acknowledged")
      .set(static_cast<double>(records_->backlog()));
  out.gauge("aigrid_bundle_version", "of the bundle this node acts by").set(static_cast<double>(bundle_.version()));
  const inner::NodeReport now = report();
  for (const auto& engine : now.engines) add_engine(out, engine);
  add(out, "aigrid_node_load_ratio", "slots in use", now.load);
  add(out, "aigrid_node_cpu_ratio", "busy share of all CPUs", now.cpu);
  add(out, "aigrid_node_memory_used_bytes", "memory in use", now.memory_used_bytes);
  add(out, "aigrid_node_disk_fill_ratio", "used share of the disk that holds the state", now.disk_fill);
  add(out, "aigrid_node_temperature_celsius", "the hottest sensor", now.temperature_c);
  add(out, "aigrid_node_power_watts", "packages and GPUs measured, or estimated from nameplate and load", now.power_w,
      {{"estimated", now.power_w.estimated ? "true" : "false"}});
  for (std::size_t i = 0; i < now.gpus.size(); ++i) {
    const inner::GpuReport& gpu = now.gpus[i];
    const MetricLabels labels{{"gpu", std::to_string(i)}, {"name", gpu.name}};
    add(out, "aigrid_node_gpu_busy_ratio", "share of time it worked", gpu.busy, labels);
    add(out, "aigrid_node_gpu_memory_used_bytes", "memory in use", gpu.memory_used_bytes, labels);
    add(out, "aigrid_node_gpu_memory_total_bytes", "all of its memory", gpu.memory_total_bytes, labels);
    add(out, "aigrid_node_gpu_power_watts", "as its driver measures it", gpu.power_w, labels);
    add(out, "aigrid_node_gpu_temperature_celsius", "of its core", gpu.temperature_c, labels);
  }
  return metrics::write(out);
}

}  // namespace aigrid::agent
