// What routing is asked and what it answers. Plain values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/routing/snapshot.h"
#include "grid/intent.h"

namespace aigrid::routing {

// A place already tried or refused for this request; node kNone: the whole site.
struct Excluded {
  SiteIndex site = kNone;
  NodeIndex node = kNone;
};

struct RouteInput {
  TenantIndex tenant = 0;
  ModelIndex model = kNone;
  SiteSet permitted;  // residency, by core/policy; decided before routing, never widened here
  std::uint32_t prompt_tokens = 0;  // estimated from bytes until an engine counted them
  std::uint32_t max_output_tokens = 0;
  const grid::Intent* intent = nullptr;
  std::span<const Excluded> excluded;
  std::uint8_t hops = 0;
};

// The rows of the design's table of filters, in order; the first that leaves nothing names the refusal.
enum class Filter : std::uint8_t {
  Model,      // 404 model_not_found
  Feature,    // 400 context_length_exceeded | unsupported_parameter
  Residency,  // 403 data_residency_mismatch
  Isolation,  // 403 placement_denied
  Target,     // 422 constraint_unsatisfiable
  Quota,      // 429 (decided by admission, never here)
  Capacity,   // 503 no_capacity: down, full, unreachable, excluded
  None,
};

struct ScoreParts {
  float rtt_ms = 0;
  float wait_ms = 0;
  float prefill_ms = 0;
  float price_ms = 0;  // the price term, in milliseconds-equivalent
  float ttft_ms() const { return rtt_ms + wait_ms + prefill_ms; }
  float total() const { return ttft_ms() + price_ms; }
};

struct Candidate {
  SiteIndex site = kNone;
  NodeIndex node = kNone;
  DeploymentIndex deployment = kNone;
  Filter failed = Filter::None;
  const char* rule = "";  // static text: `not in the permitted zone`, `unreachable`, `excluded after a failure`
  ScoreParts score;
};

// Filled only when asked for.
struct Explanation {
  std::vector<Candidate> candidates;
};

struct Decision {
  Filter refused_by = Filter::None;  // None: chosen
  SiteIndex site = kNone;
  NodeIndex node = kNone;  // choose_node only
  DeploymentIndex deployment = kNone;
  ScoreParts score;
  SiteIndex runner_up = kNone;
  ScoreParts runner_up_score;
  std::uint16_t considered = 0;
  std::uint16_t removed[8] = {};  // candidates removed by each Filter
  bool ok() const { return refused_by == Filter::None; }
};

}  // namespace aigrid::routing
