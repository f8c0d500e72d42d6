// What routing is asked and what it answers. Plain values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/routing/snapshot.h"
#include "grid/intent.h"

namespace aigrid::routing {

// Why a candidate fell. Static texts, compared by content.
namespace rule {
inline constexpr const char* kUnknownModel = "model unknown";
inline constexpr const char* kHiddenModel = "model not for this tenant";
inline constexpr const char* kOtherTask = "the model does not serve this endpoint";
inline constexpr const char* kContext = "longer than the context";
inline constexpr const char* kResidency = "not in the permitted zone";
inline constexpr const char* kNotOnly = "not among the sites asked for";
inline constexpr const char* kIgnored = "ignored on request";
inline constexpr const char* kPrice = "above the highest price asked for";
inline constexpr const char* kTtft = "too far or too slow for the target";
inline constexpr const char* kNotDeployed = "deployed nowhere";
inline constexpr const char* kUnreachable = "unreachable";
inline constexpr const char* kForbiddenWay = "reached only through a site that may not pass it on";
inline constexpr const char* kSilent = "no recent report";
inline constexpr const char* kNotReady = "no node ready";
inline constexpr const char* kExcluded = "excluded after a failure";
inline constexpr const char* kTargetQueue = "queue too long for the target";
inline constexpr const char* kHopeless = "queue too long";
inline constexpr const char* kCordoned = "cordoned";
inline constexpr const char* kEjected = "ejected after failures";
inline constexpr const char* kNoSlot = "no free slot";
}  // namespace rule

// A place already tried or refused for this request; node kNone: the whole site.
struct Excluded {
  SiteIndex site = kNone;
  NodeIndex node = kNone;
};

struct RouteInput {
  TenantIndex tenant = 0;
  ModelIndex model = kNone;
  std::optional<grid::Task> task;   // what the endpoint needs; nullopt: any
  std::string_view asked_model{};   // as the client wrote it, for messages
  SiteSet permitted;                // residency, by core/policy; decided before routing, never widened here
  SiteSet lingering{};              // where it may go on for a while if it runs there, likewise
  SiteSet relay;                    // what it may pass through on the way, likewise
  std::uint32_t prompt_tokens = 0;  // estimated from bytes until an engine counted them
  std::uint32_t max_output_tokens = 0;
  const grid::Intent* intent = nullptr;
  std::span<const Excluded> excluded;
  std::uint8_t hops = 0;
  grid::Tier tier = grid::Tier::Standard;
  const std::vector<std::string>* rules = nullptr;  // what narrowed it (policy::Residency::rules), for messages
  std::span<const std::uint16_t> granted{};         // choose_node: slots given and not ended, by node; counted at once
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

// Where a request may be sent: a deployment at a site.
struct Place {
  SiteIndex site = kNone;
  DeploymentIndex deployment = kNone;
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
  const char* rule = "";             // of the refusal, or why the last place fell: one of routing::rule
  SiteIndex site = kNone;
  SiteIndex via = kNone;   // the site that passes it on to there, if one does
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
