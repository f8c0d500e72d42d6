#include "format/inner/slots.h"

#include "format/json/json.h"

namespace aigrid::inner {

using json::Json;

std::string encode(const SlotAsk& ask) {
  return json::dump({{"worker", ask.worker},
                     {"deployment", ask.deployment},
                     {"tenant", ask.tenant},
                     {"model", ask.model},
                     {"project", ask.project},
                     {"zones", ask.zones},
                     {"data_level", ask.data_level},
                     {"regimes", ask.regimes},
                     {"held", ask.held},
                     {"excluded_nodes", ask.excluded_nodes},
                     {"prompt_tokens", ask.prompt_tokens},
                     {"max_output_tokens", ask.max_output_tokens},
                     {"hops", ask.hops},
                     {"tier", ask.tier},
                     {"remaining_ms", ask.remaining_ms}}) +
         "\n";
}

Result<SlotAsk> decode_slot_ask(std::string_view text) {
  AIGRID_TRY(const Json value, json::parse(text));
  SlotAsk ask;
  json::Reader r(value, "slot");
  r.get("worker", ask.worker)
      .get("deployment", ask.deployment)
      .get("tenant", ask.tenant)
      .get("model", ask.model)
      .get("project", ask.project)
      .get("zones", ask.zones)
      .get("data_level", ask.data_level)
      .get("regimes", ask.regimes)
      .get("held", ask.held)
      .get("excluded_nodes", ask.excluded_nodes)
      .get("prompt_tokens", ask.prompt_tokens)
      .get("max_output_tokens", ask.max_output_tokens)
      .get("hops", ask.hops)
      .get("tier", ask.tier)
      .get("remaining_ms", ask.remaining_ms);
  AIGRID_CHECK_OK(r.result());
  if (ask.deployment.empty()) return invalid("slot: the deployment is missing: a slot is one of its nodes'");
  return ask;
}

std::string encode(const SlotAnswer& answer) {
  Json out{{"granted", answer.granted}};
  if (answer.granted) {
    out["node"] = answer.node;
  } else {
    out["message"] = answer.message;
    if (!answer.better.empty()) out["better"] = answer.better;
  }
  return json::dump(out) + "\n";
}

Result<SlotAnswer> decode_slot_answer(std::string_view text) {
  AIGRID_TRY(const Json value, json::parse(text));
  SlotAnswer answer;
  json::Reader r(value, "slot");
  r.get("granted", answer.granted).get("node", answer.node).get("message", answer.message).get("better", answer.better);
  AIGRID_CHECK_OK(r.result());
  if (answer.granted && answer.node.empty()) return invalid("slot: granted, but no node is named");
  return answer;
}

}  // namespace aigrid::inner
