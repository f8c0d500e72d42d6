#include "app/gateway/ask_frame.h"

#include <algorithm>

namespace aigrid::gateway {

namespace {

// Who asks, and how far what he asks may go.
void add_caller(inner::Ask& frame, const Admitted& admitted) {
  const Caller& caller = admitted.caller;
  const grid::Intent& intent = admitted.question.intent;
  frame.tenant = caller.tenant;
  frame.project = caller.project;
  frame.key_id = caller.key_id;
  frame.zones = intent.zones;
  if (!caller.zone.empty()) frame.zones.push_back(caller.zone);
  frame.data_level = std::max(caller.data_level, intent.data_level);
  frame.regimes = intent.regimes;
  frame.regimes.insert(frame.regimes.end(), caller.regimes.begin(), caller.regimes.end());
}

// Where it is to run.
void add_place(inner::Ask& frame, const routing::Tables& tables, const routing::Decision& decision) {
  const auto& deployment = tables.deployments[decision.deployment];
  frame.model = tables.models[deployment.model].spec.name;
  frame.deployment = deployment.spec.name;
  frame.site = tables.sites[decision.site].spec.name;
  frame.bundle_version = tables.version;
}

}  // namespace

inner::Ask ask_frame(const Services& services, const Admitted& admitted, const Mandate& mandate,
                     const dispatch::RequestLife& life, const dispatch::action::Ask& ask,
                     const dispatch::Delivered& given) {
  const auto& tables = mandate.tables();
  inner::Ask frame;
  frame.request_id = admitted.request_id;
  frame.attempt = ask.attempt;
  frame.answer_id = admitted.answer_id;
  frame.created_unix_s = unix_seconds(admitted.received_wall);
  frame.endpoint = admitted.endpoint;
  add_caller(frame, admitted);
  add_place(frame, tables, ask.decision);
  for (const auto& e : life.excluded()) {
    if (e.node != routing::kNone) frame.excluded_nodes.push_back(tables.nodes[e.node].spec.name);
  }
  frame.ingress_site = services.board.site();
  frame.stream = admitted.question.scan.stream;
  frame.prompt_tokens = admitted.admission.input.prompt_tokens;
  frame.max_output_tokens = admitted.admission.input.max_output_tokens;
  frame.hops = life.hops();
  frame.tier = static_cast<std::uint8_t>(mandate->input.tier);
  frame.remaining_ms = static_cast<std::uint32_t>(to_ms(ask.remaining));
  frame.resume_count = given.count();
  if (frame.resume_count > 0) {
    frame.resume_ids = given.ids();
    frame.resume_text = given.text();
  }
  return frame;
}

}  // namespace aigrid::gateway
