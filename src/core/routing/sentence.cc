#include <cmath>

#include "core/routing/choose.h"

namespace aigrid::routing {
namespace {

std::string ms(float value) {
  if (value > 0 && value < 0.5F) return "under 1 ms";
  return std::to_string(std::lround(value)) + " ms";
}

}  // namespace

std::string sentence(const Tables& tables, const Decision& decision, const char* verb) {
  if (!decision.ok()) {
    if (decision.considered == 0) return std::string("no place: ") + decision.rule;
    return "no place of " + std::to_string(decision.considered) + ": " + decision.rule;
  }
  std::string out = tables.sites[decision.site].spec.name + " " + verb + ": ";
  out += decision.score.rtt_ms > 0 ? ms(decision.score.rtt_ms) + " away" : std::string("right here");
  if (decision.via != kNone) out += " by way of " + tables.sites[decision.via].spec.name;
  out += ", ";
  out += decision.score.wait_ms >= 0.5F ? ms(decision.score.wait_ms) + " of queue, " : std::string("no queue, ");
  out += ms(decision.score.prefill_ms) + " of prefill";
  if (decision.runner_up != kNone) {
    out +=
        "; next best " + tables.sites[decision.runner_up].spec.name + " at " + ms(decision.runner_up_score.ttft_ms());
  } else if (decision.considered > 1) {
    out += "; no other of " + std::to_string(decision.considered) + " places could";
  } else {
    out += "; it is the only place";
  }
  return out;
}

}  // namespace aigrid::routing
