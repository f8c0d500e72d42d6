#include "app/gateway/dry_run.h"

#include <utility>

#include "app/gateway/answers.h"
#include "core/dispatch/refusal.h"
#include "core/estimate/ttft.h"
#include "core/ledger/rating.h"
#include "format/json/json.h"
#include "format/openai/answer.h"
#include "format/openai/error_body.h"
#include "io/env/seed.h"

namespace aigrid::gateway {

namespace {

json::Json price_json(const routing::Tables& tables, const routing::RouteInput& input,
                      const routing::DeploymentEntry& deployment) {
  const auto price = tables.price(input.tenant, input.model);
  const auto book = tables.tenants[input.tenant].price_book;
  const std::uint64_t most = input.max_output_tokens != 0 ? input.max_output_tokens : deployment.spec.max_output_tokens;
  const std::uint64_t likely = estimate::expected_output(input.max_output_tokens, deployment.spec.max_output_tokens);
  const auto nano = [&](std::uint64_t output) {
    return ledger::price_nano(input.prompt_tokens, price.input_nano, output, price.output_nano);
  };
  return {{"currency", book == routing::kNone ? "" : tables.price_books[book].currency},
          {"input_nano_per_token", price.input_nano},
          {"output_nano_per_token", price.output_nano},
          {"prompt_tokens", input.prompt_tokens},
          {"likely_nano", nano(likely)},
          {"most_nano", nano(most)}};
}

void account(Services& services, const Admitted& admitted, int status, const std::string& code) {
  const auto& tables = *admitted.admission.generation->tables;
  grid::Record record;
  record.request_id = admitted.request_id;
  record.tenant = admitted.caller.tenant;
  record.project = admitted.caller.project;
  record.key_id = admitted.caller.key_id;
  record.model = tables.models[admitted.admission.input.model].spec.name;
  record.endpoint = admitted.endpoint;
  record.outcome = status == 200 ? grid::Outcome::Finished : grid::Outcome::Refused;
  record.status = status;
  record.code = code;
  record.received_unix_ms = unix_ms(admitted.received_wall);
  record.total_us = (services.env.now() - admitted.received).count() / 1000;
  record.bundle_version = tables.version;
  write_record(services, admitted, std::move(record));
}

}  // namespace

io::Task<void> answer_dry_run(Services& services, io::Exchange& exchange, Admitted& admitted) {
  const auto snapshot = admitted.admission.generation->snapshot();
  const auto& tables = *snapshot.tables;
  const auto& input = admitted.admission.input;
  Random random(random_seed(services.env));
  routing::Explanation why;
  const Time now = services.env.now();
  const auto decision = routing::choose_site(snapshot, input, now, random, &why);
  http::Headers headers = standard_headers(admitted.request_id, now - admitted.received);
  headers.set("content-type", "application/json");
  headers.set("x-aigrid-receipt", services.audit.receipt(admitted.request_id));
  std::string body;
  int status = 200;
  if (decision.ok()) {
    account(services, admitted, status, "");
    openai::GridNote note;
    note.request_id = admitted.request_id;
    note.site = tables.sites[decision.site].spec.name;
    note.why = routing::sentence(tables, decision, "would answer");
    note.explanation = explanation_json(tables, why);
    note.dry_run = true;
    note.predicted_ttft_ms = decision.score.ttft_ms();
    note.price = json::dump(price_json(tables, input, tables.deployments[decision.deployment]));
    body = R"({"object":"grid.dry_run","model":)" + json::quoted(tables.models[input.model].spec.name) +
           ",\"grid\":" + openai::grid_object(note) + "}";
  } else {
    const auto refusal = dispatch::refusal(snapshot, input, decision, now);
    status = refusal.status;
    account(services, admitted, status, refusal.code);
    const std::string extra =
        request_id_member(admitted.request_id) + ",\"explanation\":" + explanation_json(tables, why);
    body = openai::error_body({status, refusal.code, refusal.message, refusal.param}, extra);
    if (refusal.never_retry) headers.set("x-should-retry", "false");
    if (refusal.retry_after) {
      dispatch::action::Fail later;
      later.retry_after = true;
      later.retry_in = services.options.budget.retry_after;
      add_retry_headers(headers, later);
    }
  }
  (void)co_await exchange.respond(status, std::move(headers), std::move(body));
}

}  // namespace aigrid::gateway
