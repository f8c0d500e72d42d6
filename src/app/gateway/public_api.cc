#include "app/gateway/public_api.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "app/gateway/answers.h"
#include "app/gateway/audit_export.h"
#include "app/gateway/dry_run.h"
#include "app/gateway/request_view.h"
#include "format/openai/answer.h"

namespace aigrid::gateway {

namespace {

constexpr std::string_view kModels = "/v1/models";
constexpr std::string_view kRequests = "/v1/grid/requests/";

// A body that did not come as it should have.
openai::ApiError unreadable(const Error& why) {
  switch (why.code) {
    case Code::ResourceExhausted: return {413, "request_too_large", why.message, ""};
    case Code::DeadlineExceeded: return {408, "request_timeout", why.message, ""};
    default: return {400, "invalid_request", why.message, ""};
  }
}

std::string endpoint_of(grid::Task task) { return task == grid::Task::Chat ? "chat.completions" : "embeddings"; }

}  // namespace

io::Task<void> PublicApi::serve(io::Exchange& exchange) {
  const std::string request_id = services_.ledger.next_request_id();
  auto target = http::parse_target(exchange.head().target);
  if (!target.ok()) {
    openai::ApiError bad{400, "invalid_target", target.error().message, ""};
    co_await refuse(exchange, request_id, std::move(bad));
    co_return;
  }
  const std::string path = target->path;
  const std::string method = exchange.head().method;
  std::string wanted;
  if (path.starts_with(kAuditPath)) {
    co_await serve_audit(services_, exchange, path.substr(kAuditPath.size()));
    co_return;
  }
  if (path == "/v1/chat/completions" || path == "/v1/embeddings") {
    wanted = "POST";
  } else if (path == kModels || path.starts_with("/v1/models/") || path.starts_with(kRequests)) {
    wanted = "GET";
  } else {
    openai::ApiError unknown{
        404, "unknown_url",
        "no such path: " + path + "; see /v1/models, /v1/chat/completions, " + "/v1/embeddings, /v1/grid/requests/{id}",
        ""};
    co_await refuse(exchange, request_id, std::move(unknown));
    co_return;
  }
  if (method != wanted) {
    openai::ApiError wrong{405, "method_not_allowed", method + " " + path + ": use " + wanted, ""};
    co_await refuse(exchange, request_id, std::move(wrong));
  } else if (path.starts_with(kRequests)) {
    co_await show_request(exchange, path.substr(kRequests.size()), request_id);
  } else if (wanted == "GET") {
    co_await models(exchange, path, request_id);
  } else {
    co_await infer(exchange, path == "/v1/embeddings" ? grid::Task::Embedding : grid::Task::Chat, request_id);
  }
}

// Pays with a record when its frame goes and nobody else has: an aborted body, a process that ends in the middle of it.
class PublicApi::Owed {
 public:
  Owed(PublicApi& api, const Admitted& admitted) : api_(api), admitted_(admitted) {}
  Owed(const Owed&) = delete;
  Owed& operator=(const Owed&) = delete;
  ~Owed() {
    if (owed_) api_.account_refusal(admitted_, grid::Outcome::ClientGone, {499, "", "", ""});
  }
  void refused(const openai::ApiError& refusal) {
    owed_ = false;
    api_.account_refusal(admitted_, grid::Outcome::Refused, refusal);
  }
  void taken_over() { owed_ = false; }

 private:
  PublicApi& api_;
  const Admitted& admitted_;
  bool owed_ = true;
};

io::Task<void> PublicApi::infer(io::Exchange& exchange, grid::Task task, std::string request_id) {
  Admitted admitted(services_.env);
  admitted.request_id = request_id;
  admitted.answer_id = (task == grid::Task::Chat ? "chatcmpl-" : "embd-") + request_id;
  admitted.endpoint = endpoint_of(task);
  admitted.received = services_.env.now();
  admitted.received_wall = services_.env.wall();
  auto caller = authenticate(services_, exchange.head());
  if (!caller) {
    openai::ApiError refusal = std::move(caller).error();
    co_await refuse(exchange, request_id, std::move(refusal));
    co_return;
  }
  admitted.caller = std::move(*caller);
  const bool ready = co_await read_question(exchange, task, admitted);
  if (!ready) co_return;
  const bool reserved = co_await reserve(exchange, admitted);
  if (!reserved) co_return;
  Ingress ingress(services_, under_way_, exchange, admitted);
  co_await ingress.run();
}

// False: it was refused and answered.
io::Task<bool> PublicApi::read_question(io::Exchange& exchange, grid::Task task, Admitted& admitted) {
  Owed owed(*this, admitted);
  auto body = co_await exchange.read_body(services_.options.max_body_bytes);
  admitted.received = services_.env.now();
  admitted.received_wall = services_.env.wall();
  std::optional<openai::ApiError> refusal;
  if (!body.ok()) {
    refusal = unreadable(body.error());
  } else if (auto question = read_intent(services_, exchange.head(), *body, task); !question) {
    refusal = std::move(question).error();
  } else {
    admitted.evidence.body(*body);
    admitted.question = std::move(*question);
    admitted.body = std::make_shared<const std::string>(std::move(*body));
    refusal = admit(services_, admitted.caller, admitted.question, task, admitted.admission);
  }
  if (refusal) {
    owed.refused(*refusal);
    std::string request_id = admitted.request_id;
    http::Headers extra;
    extra.set("x-aigrid-receipt", services_.audit.receipt(request_id));
    co_await refuse(exchange, std::move(request_id), std::move(*refusal), std::move(extra));
    co_return false;
  }
  owed.taken_over();
  if (!admitted.question.intent.dry_run) co_return true;
  co_await answer_dry_run(services_, exchange, admitted);
  co_return false;
}

io::Task<bool> PublicApi::reserve(io::Exchange& exchange, Admitted& admitted) {
  Owed owed(*this, admitted);
  const auto& input = admitted.admission.input;
  const Bill bill(admitted.admission.generation->tables, input, admitted.body->size());
  auto reserved = co_await services_.quotas.reserve(admitted.caller, bill.need(input));
  if (reserved) {
    admitted.reservation = std::move(*reserved);
    owed.taken_over();
    co_return true;
  }
  openai::ApiError over{429, reserved.error().code, reserved.error().message, ""};
  http::Headers extra;
  services_.quotas.add_headers(admitted.caller, extra);
  extra.set("x-aigrid-receipt", services_.audit.receipt(admitted.request_id));
  extra.set("retry-after", std::to_string(reserved.error().retry_after_s));
  owed.refused(over);
  std::string request_id = admitted.request_id;
  co_await refuse(exchange, std::move(request_id), std::move(over), std::move(extra));
  co_return false;
}

io::ServerLimits PublicApi::limits() {
  io::ServerLimits out;
  out.parse.body_bytes = services_.options.max_body_bytes;
  out.error_body = [this](int status, std::string_view message, http::Headers& headers) {
    return protocol_error(status, message, headers);
  };
  return out;
}

std::string PublicApi::protocol_error(int status, std::string_view message, http::Headers& headers) {
  const std::string request_id = services_.ledger.next_request_id();
  for (const auto& [name, value] : standard_headers(request_id, Duration{})) headers.set(name, value);
  openai::ApiError error{status, "", std::string(message), ""};
  if (status == 413) {
    error = {413, "request_too_large", std::string(message), ""};
  } else {
    error.code = http::lower(http::reason_phrase(status));
    std::replace(error.code.begin(), error.code.end(), ' ', '_');
  }
  return openai::error_body(error, request_id_member(request_id));
}

void PublicApi::law_changed() {
  for (auto* ingress : under_way_) ingress->law_changed();
}

void PublicApi::stop() {
  for (auto* ingress : under_way_) ingress->stop();
}

io::Task<void> PublicApi::models(io::Exchange& exchange, std::string path, std::string request_id) {
  auto caller = authenticate(services_, exchange.head());
  if (!caller) {
    openai::ApiError refusal = std::move(caller).error();
    co_await refuse(exchange, request_id, std::move(refusal));
    co_return;
  }
  const auto& tables = services_.board.tables();
  const auto tenant = tables.find_tenant(caller->tenant);
  std::vector<openai::ModelCard> cards;
  for (const auto& model : tables.models) {
    if (!tenant || !model.visible_to(*tenant) || model.deployments.empty()) continue;
    if (!caller->models.empty() &&
        std::find(caller->models.begin(), caller->models.end(), model.spec.name) == caller->models.end()) {
      continue;
    }
    cards.push_back({model.spec.name, 0, model.spec.family.empty() ? tables.grid : model.spec.family, model.spec.task});
  }
  http::Headers headers = standard_headers(request_id, Duration{});
  headers.set("content-type", "application/json");
  if (path == kModels) {
    (void)co_await exchange.respond(200, std::move(headers), openai::models_list(cards));
    co_return;
  }
  const std::string id = path.substr(kModels.size() + 1);
  for (const auto& card : cards) {
    if (card.id != id) continue;
    (void)co_await exchange.respond(200, std::move(headers), openai::model_object(card));
    co_return;
  }
  openai::ApiError unknown{404, "model_not_found", "no model \"" + id + "\"; GET /v1/models lists yours", "model"};
  co_await refuse(exchange, request_id, std::move(unknown));
}

io::Task<void> PublicApi::show_request(io::Exchange& exchange, std::string which, std::string request_id) {
  auto caller = authenticate(services_, exchange.head());
  auto shown = Phase<std::string>(tl::unexpected(openai::ApiError{}));
  if (caller) {
    shown = co_await request_shown(services_, *caller, std::move(which));
  } else {
    shown = tl::unexpected(std::move(caller).error());
  }
  if (!shown) {
    openai::ApiError refusal = std::move(shown).error();
    co_await refuse(exchange, std::move(request_id), std::move(refusal));
    co_return;
  }
  http::Headers headers = standard_headers(request_id, Duration{});
  headers.set("content-type", "application/json");
  (void)co_await exchange.respond(200, std::move(headers), std::move(*shown));
}

io::Task<void> PublicApi::refuse(io::Exchange& exchange, std::string request_id, openai::ApiError refusal,
                                 http::Headers extra) {
  http::Headers headers = standard_headers(request_id, Duration{});
  for (const auto& [name, value] : extra) headers.set(name, value);
  headers.set("content-type", "application/json");
  if (refusal.status == 405) headers.set("allow", exchange.head().method == "GET" ? "POST" : "GET");
  if (!openai::retriable(refusal.status)) headers.set("x-should-retry", "false");
  std::string body = openai::error_body(refusal, request_id_member(request_id));
  (void)co_await exchange.respond(refusal.status, std::move(headers), std::move(body));
}

void PublicApi::account_refusal(const Admitted& admitted, grid::Outcome outcome, const openai::ApiError& refusal) {
  grid::Record record;
  record.request_id = admitted.request_id;
  record.tenant = admitted.caller.tenant;
  record.project = admitted.caller.project;
  record.key_id = admitted.caller.key_id;
  record.model = admitted.question.scan.model;
  record.endpoint = admitted.endpoint;
  record.outcome = outcome;
  record.status = refusal.status;
  record.code = refusal.code;
  record.received_unix_ms = unix_ms(admitted.received_wall);
  record.total_us = (services_.env.now() - admitted.received).count() / 1000;
  record.bundle_version = services_.board.tables().version;
  write_record(services_, admitted, std::move(record));
}

}  // namespace aigrid::gateway
