// Row and status messages of the inner fabric: newline-delimited JSON on long-lived streams (small, one reader a
// stream). `GET /inner/up` (gateway asks its agent): NodeReport every 100 ms and at every end, NodeStatus every second.
// `GET /inner/rows` (gateway asks its peer): SiteReport every 200 ms.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aigrid::inner {

// A reading that may be missing: `has` false is written as JSON null.
struct Reading {
  bool has = false;
  double value = 0;
  bool estimated = false;
};

struct EngineReport {
  std::string deployment;
  std::string state;  // starting | ready | failed | stopping
  std::string reason;
  std::uint32_t slots = 0;
  std::uint32_t running = 0;
  std::uint32_t queued = 0;
  Reading prefill_tokens_per_s;
  Reading decode_tokens_per_s;
  std::uint64_t prompt_tokens_total = 0;  // the engine's own counters
  std::uint64_t completion_tokens_total = 0;
  int pid = 0;
  std::string url;
  std::string secret_file;  // path inside the agent's own state, for `aigrid up` on the same machine
};

struct GpuReport {
  std::string name;
  Reading busy;  // 0..1
  Reading memory_used_bytes;
  Reading memory_total_bytes;
  Reading power_w;
  Reading temperature_c;
};

struct NodeReport {
  std::string node;
  std::uint64_t bundle_version = 0;
  std::vector<EngineReport> engines;
  Reading load;  // 0..1
  Reading cpu;   // 0..1
  Reading memory_used_bytes;
  Reading memory_total_bytes;
  Reading disk_read_bytes_per_s;
  Reading disk_write_bytes_per_s;
  Reading disk_fill;      // 0..1
  Reading power_w;        // packages and GPUs
  Reading temperature_c;  // the hottest
  std::vector<GpuReport> gpus;
};

struct SiteReportRow {
  std::string deployment;
  std::uint32_t ready_nodes = 0;
  std::uint32_t slots = 0;
  std::uint32_t free_slots = 0;
  std::uint32_t queued = 0;
  Reading wait_ms;
  Reading prefill_tokens_per_s;
  Reading decode_tokens_per_s;
};

struct SiteReport {
  std::string site;
  std::string gateway;
  std::uint64_t bundle_version = 0;
  std::vector<SiteReportRow> rows;
};

std::string encode(const NodeReport& report);  // one line with its newline
std::string encode(const SiteReport& report);
Result<NodeReport> decode_node_report(std::string_view line);
Result<SiteReport> decode_site_report(std::string_view line);

}  // namespace aigrid::inner
