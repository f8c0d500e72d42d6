#include "app/gateway/phases.h"

#include <algorithm>
#include <utility>

#include "core/access/intent_merge.h"
#include "core/dispatch/refusal.h"
#include "format/openai/intent.h"

namespace aigrid::gateway {

Phase<Caller> authenticate(const Services& services, const http::RequestHead& head) {
  const auto refused = [](std::string code, std::string message) {
    return tl::unexpected(openai::ApiError{401, std::move(code), std::move(message), ""});
  };
  if (!services.board.loaded()) {
    return tl::unexpected(openai::ApiError{503, "no_capacity", "this gateway has no configuration yet: try again", ""});
  }
  if (services.ledger.full()) {
    return tl::unexpected(openai::ApiError{
        503, "no_capacity", "this gateway's disk is full and no more records can be kept: try again", ""});
  }
  if (head.headers.count("authorization") > 1) {
    return refused("invalid_api_key", "two Authorization headers: send one");
  }
  const auto query = head.target.find('?');
  if (query != std::string::npos && head.target.find("agk1_", query) != std::string::npos) {
    return refused("invalid_api_key",
                   "an API key in the URL: it lies in logs now, so revoke it, and send a new one in the header "
                   "Authorization");
  }
  const auto value = head.headers.get("authorization");
  if (!value) {
    return refused("missing_api_key", "no API key: send the header Authorization: Bearer agk1_…");
  }
  constexpr std::string_view kBearer = "bearer ";
  if (value->size() <= kBearer.size() || !http::same_text(value->substr(0, kBearer.size()), kBearer)) {
    return refused("invalid_api_key", "the Authorization header is not of the form: Bearer agk1_…");
  }
  const auto answer = services.board.keys().look_up(value->substr(kBearer.size()), unix_seconds(services.env.wall()));
  // Whoever tries secrets learns nothing from which part was wrong.
  if (answer.verdict == access::KeyVerdict::Unknown || answer.verdict == access::KeyVerdict::WrongSecret) {
    return refused("invalid_api_key",
                   "the API key is not valid here: check the grid's address, copy the key again, or make one");
  }
  if (answer.verdict != access::KeyVerdict::Ok) return refused("invalid_api_key", answer.message);
  return Caller{answer.key->kid, answer.key->tenant, answer.key->project, answer.key->zone, answer.key->models};
}

Phase<Question> read_intent(const http::RequestHead& head, std::string_view body, grid::Task task) {
  auto scan = task == grid::Task::Chat ? openai::scan_chat(body) : openai::scan_embeddings(body);
  if (!scan) return tl::unexpected(std::move(scan).error());
  Question question;
  question.scan = std::move(*scan);
  grid::Intent header;
  if (const auto value = head.headers.get("x-aigrid-intent")) {
    if (auto wrong = openai::parse_intent_header(*value, header)) return tl::unexpected(std::move(*wrong));
  }
  auto merged = access::merge(grid::Intent{}, header, question.scan.intent);
  if (!merged.ok()) return tl::unexpected(openai::from_error(merged.error()));
  question.intent = std::move(*merged);
  return question;
}

std::optional<openai::ApiError> admit(const Services& services, const Caller& caller, const Question& question,
                                      grid::Task task, Admission& admission) {
  admission.generation = services.board.current();
  const auto& tables = *admission.generation->tables;
  const auto tenant = tables.find_tenant(caller.tenant);
  if (!tenant) {
    return openai::ApiError{401, "invalid_api_key", "the key's tenant \"" + caller.tenant + "\" is gone", ""};
  }
  if (!caller.project.empty() && tables.find_project(caller.project) == nullptr) {
    return openai::ApiError{401, "invalid_api_key", "the key's project \"" + caller.project + "\" is gone", ""};
  }
  const auto model = tables.find_model(question.scan.model);
  const bool hidden =
      !caller.models.empty() && model &&
      std::find(caller.models.begin(), caller.models.end(), tables.models[*model].spec.name) == caller.models.end();
  if (!model || hidden) {
    const auto refusal = dispatch::model_not_found(tables, *tenant, question.scan.model);
    return openai::ApiError{refusal.status, refusal.code, refusal.message, refusal.param};
  }
  policy::Subject subject;
  subject.tenant = caller.tenant;
  subject.project = caller.project;
  subject.model = tables.models[*model].spec.name;
  subject.key_zone = caller.zone;
  subject.zones = &question.intent.zones;
  auto permit = tables.residency.permitted(subject);
  if (!permit.ok()) {  // a zone nobody knows permits nothing
    return openai::ApiError{403, "data_residency_mismatch", permit.error().message, "grid.zone"};
  }
  admission.permit = std::move(*permit);
  if (services.options.skip_residency) admission.permit.sites = tables.residency.everywhere();
  auto& input = admission.input;
  input.tenant = *tenant;
  input.model = *model;
  input.permitted = admission.permit.sites;
  input.prompt_tokens = question.scan.estimated_prompt_tokens();
  input.max_output_tokens = question.scan.max_output_tokens.value_or(0);
  input.intent = &question.intent;
  input.task = task;
  input.asked_model = question.scan.model;
  input.rules = &admission.permit.rules;
  return std::nullopt;
}

}  // namespace aigrid::gateway
