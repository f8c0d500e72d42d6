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
  if (!services.audit.open()) {
    return tl::unexpected(
        openai::ApiError{503, "no_capacity", "this gateway's audit log cannot be written: try again", ""});
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
  return Caller{answer.key->kid,    answer.key->tenant,     answer.key->project, answer.key->zone,
                answer.key->models, answer.key->data_level, answer.key->regimes};
}

namespace {

// Without port, and without the dot that ends an absolute name.
std::string_view name_of_host(std::string_view host) {
  host = host.substr(0, host.find(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

// The zone that the name asks for by which the client calls this gateway.
grid::Intent intent_of_host(const Services& services, const http::RequestHead& head) {
  grid::Intent out;
  auto host = head.headers.get("host");
  if (!host || !services.board.loaded()) return out;
  const auto& hosts = services.board.tables().sites[services.board.here()].spec.hosts;
  for (const auto& [name, zone] : hosts) {
    if (http::same_text(name_of_host(*host), name)) out.zones = {zone};
  }
  return out;
}

// `llama@fr` asks for zone fr: no model's name has an @.
grid::Intent take_zone_of_model(std::string& model) {
  grid::Intent out;
  const auto at = model.rfind('@');
  if (at == std::string::npos || at == 0 || at + 1 == model.size()) return out;
  out.zones = {model.substr(at + 1)};
  model.resize(at);
  return out;
}

policy::Subject subject_of(const Services& services, const Caller& caller, const Question& question,
                           std::string_view model) {
  policy::Subject subject;
  subject.tenant = caller.tenant;
  subject.project = caller.project;
  subject.model = model;
  subject.key_zone = caller.zone;
  subject.zones = &question.intent.zones;
  subject.data_level = std::max(caller.data_level, question.intent.data_level);
  subject.regimes = &question.intent.regimes;
  subject.key_regimes = &caller.regimes;
  subject.second = unix_seconds(services.env.wall());
  return subject;
}

// The client came in where its data may not.
openai::ApiError wrong_door(const routing::Tables& tables, const policy::Subject& subject, const policy::Permit& permit,
                            std::string_view here) {
  std::string text = "this request may not come in at site \"" + std::string(here) + "\"";
  if (const auto denial = tables.residency.denial(subject, here, policy::kIngressActions)) {
    text += ": " + policy::to_text(*denial);
  }
  std::string doors;
  for (std::size_t s = 0; s < tables.sites.size(); ++s) {
    if (!permit.ingress.contains(static_cast<routing::SiteIndex>(s)) || tables.sites[s].gateways.empty()) continue;
    doors += (doors.empty() ? "" : ", ") + tables.sites[s].spec.name;
  }
  text += doors.empty() ? "; it may come in at no gateway there is" : "; nearest possible: a gateway at " + doors;
  return {403, "data_residency_mismatch", std::move(text), ""};
}

// For the refusal, when none of the model's sites is permitted: what narrowed, and what each of them lacks.
std::vector<std::string> reasons(const routing::Tables& tables, const policy::Subject& subject, routing::ModelIndex m) {
  constexpr std::size_t kMostSites = 4;
  std::vector<std::string> out = tables.residency.rules(subject);
  routing::SiteSet sites;
  for (const auto d : tables.models[m].deployments) sites |= tables.deployments[d].sites;
  std::size_t told = 0;
  for (std::size_t s = 0; s < tables.sites.size() && told < kMostSites; ++s) {
    if (!sites.contains(static_cast<routing::SiteIndex>(s))) continue;
    const auto denial = tables.residency.denial(subject, tables.sites[s].spec.name);
    if (!denial) continue;
    ++told;
    out.push_back("at " + tables.sites[s].spec.name + " " + policy::to_text(*denial));
  }
  return out;
}

}  // namespace

Phase<Question> read_intent(const Services& services, const http::RequestHead& head, std::string_view body,
                            grid::Task task) {
  auto scan = task == grid::Task::Chat ? openai::scan_chat(body) : openai::scan_embeddings(body);
  if (!scan) return tl::unexpected(std::move(scan).error());
  Question question;
  question.scan = std::move(*scan);
  std::vector<grid::Intent> sources = {intent_of_host(services, head)};
  for (const auto& [name, value] : head.headers) {  // every one of them: whoever adds a header may only narrow
    if (!http::same_text(name, "x-aigrid-intent")) continue;
    if (auto wrong = openai::parse_intent_header(value, sources.emplace_back()))
      return tl::unexpected(std::move(*wrong));
  }
  sources.push_back(take_zone_of_model(question.scan.model));
  for (auto& own : question.scan.intents) sources.push_back(std::move(own));
  auto merged = access::merge(sources);
  if (!merged.ok()) return tl::unexpected(openai::from_error(merged.error()));
  question.intent = std::move(*merged);
  return question;
}

std::optional<openai::ApiError> admit(const Services& services, const Caller& caller, const Question& question,
                                      grid::Task task, Admission& admission) {
  services.board.renew(unix_seconds(services.env.wall()));
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
  const auto subject = subject_of(services, caller, question, tables.models[*model].spec.name);
  auto permit = tables.residency.permitted(subject);
  if (!permit.ok()) {  // a zone nobody knows permits nothing
    return openai::ApiError{403, "data_residency_mismatch", permit.error().message, "grid.zone"};
  }
  admission.permit = std::move(*permit);
  const auto here = admission.generation->here;
  if (services.options.skip_residency) {
    admission.permit.sites = tables.residency.everywhere();
  } else if (!admission.permit.ingress.contains(here)) {
    return wrong_door(tables, subject, admission.permit, services.board.site());
  }
  auto& input = admission.input;
  input.tenant = *tenant;
  input.model = *model;
  input.permitted = admission.permit.sites;
  input.lingering = tables.residency.lingering(subject);
  input.relay = services.options.skip_residency ? admission.permit.sites : admission.permit.relay;
  input.prompt_tokens = question.scan.estimated_prompt_tokens();
  input.max_output_tokens = question.scan.max_output_tokens.value_or(0);
  input.intent = &question.intent;
  input.tier = question.intent.tier.value_or(grid::Tier::Standard);
  input.task = task;
  input.asked_model = question.scan.model;
  input.rules = &admission.rules;
  routing::SiteSet reachable = admission.permit.sites;
  routing::SiteSet deployed;
  for (const auto d : tables.models[*model].deployments) deployed |= tables.deployments[d].sites;
  reachable &= deployed;
  if (reachable.empty()) admission.rules = reasons(tables, subject, *model);
  return std::nullopt;
}

}  // namespace aigrid::gateway
