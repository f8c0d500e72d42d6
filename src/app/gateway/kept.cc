#include "app/gateway/kept.h"

#include <algorithm>
#include <utility>

#include "app/audit/proof_file.h"
#include "app/gateway/audit_log.h"
#include "app/gateway/lease_home.h"
#include "app/gateway/request_view.h"
#include "base/crypto/encode.h"
#include "base/spiffe.h"
#include "core/audit/leaf.h"
#include "format/json/json.h"
#include "grid/source.h"

namespace aigrid::gateway {

namespace {

constexpr std::size_t kMostAsk = 4096;
constexpr std::string_view kProof = "/proof";

openai::ApiError refusal_of(const Error& error, const std::string& which) {
  if (error.code != Code::NotFound) return {503, "no_capacity", error.message, ""};
  return {404, "audit_part_not_found", "no \"" + which.substr(0, 120) + "\" in this audit log", ""};
}

io::Task<Result<bool>> flush(AuditSpool& spool) { co_return co_await spool.flushed(); }

// Has the log all that worker `of` of this process appended before? Waits for it a while.
io::Task<bool> flushed(Services& services, std::uint32_t of) {
  const Colleague& there = services.crew[of % services.crew.size()];  // who took on what one that is no more had left
  std::function<io::Task<Result<bool>>()> ask = [of_it = there.services] { return flush(of_it->audit); };
  const auto done = co_await there.door.ask(services.env, std::move(ask));
  co_return done.ok() && *done;
}

io::Task<Result<audit::Proven>> prove(Services& services, grid::Receipt receipt) {
  const bool all = co_await flushed(services, grid::worker_of(receipt.source));
  std::function<io::Task<Result<audit::Proven>>()> ask = [log = services.office.log, receipt] {
    return log->prove(receipt);
  };
  auto proven = co_await services.office.door.ask(services.env, std::move(ask));
  if (!proven.ok() && proven.error().code == Code::NotFound && !all) {
    co_return unavailable("this gateway's audit log is behind: try again");
  }
  co_return proven;
}

io::Task<Result<std::string>> key_of(const AuditLog& log) { co_return audit::format_key(log.key()); }

io::Task<Phase<std::string>> request_here(Services& services, std::string tenant, std::string which) {
  const bool proof = which.ends_with(kProof);
  const std::string id = proof ? which.substr(0, which.size() - kProof.size()) : which;
  const auto named = audit::receipt_of(services.audit.name(), id);
  if (!named.ok()) co_return tl::unexpected(unknown_request(id));
  auto proven = co_await prove(services, *named);
  if (!proven.ok() && proven.error().code == Code::NotFound) co_return tl::unexpected(unknown_request(id));
  if (!proven.ok()) co_return tl::unexpected(openai::ApiError{503, "no_capacity", proven.error().message, ""});
  const auto leaf = audit::decode_leaf(proven->row.body);
  const auto* request = leaf.ok() ? std::get_if<grid::RequestLeaf>(&leaf->body) : nullptr;
  if (request == nullptr || request->tenant != tenant) co_return tl::unexpected(unknown_request(id));
  const std::string receipt = audit::format_receipt(*named);
  if (!proof) co_return audit::show_request(*request, receipt);
  std::function<io::Task<Result<std::string>>()> ask = [log = services.office.log] { return key_of(*log); };
  auto key = co_await services.office.door.ask(services.env, std::move(ask));
  if (!key.ok()) co_return tl::unexpected(openai::ApiError{503, "no_capacity", key.error().message, ""});
  audit::ProofFile file;
  file.receipt = receipt;
  file.leaf = std::move(proven->row.body);
  file.index = proven->row.index;
  file.size = proven->size;
  file.proof = std::move(proven->proof);
  file.checkpoint = std::move(proven->checkpoint);
  file.key = std::move(*key);
  co_return audit::encode(file);
}

// All that is here now is in what a reader of the log begins with.
io::Task<Result<std::string>> part(Services& services, std::string which) {
  if (which == "log") {
    for (std::uint32_t worker = 0; worker < services.crew.size(); ++worker) (void)co_await flushed(services, worker);
  }
  std::function<io::Task<Result<std::string>>()> ask = [log = services.office.log, which = std::move(which)] {
    return log->part(which);
  };
  co_return co_await services.office.door.ask(services.env, std::move(ask));
}

io::Task<Phase<std::string>> kept_here(Services& services, KeptAsk ask) {
  if (!ask.tenant.empty()) co_return co_await request_here(services, std::move(ask.tenant), std::move(ask.which));
  auto read = co_await part(services, ask.which);
  if (!read.ok()) co_return tl::unexpected(refusal_of(read.error(), ask.which));
  co_return std::move(*read);
}

std::string encode(const Phase<std::string>& answer) {
  if (answer) return json::dump({{"status", 200}, {"body", crypto::base64(*answer)}});
  const auto& e = answer.error();
  return json::dump({{"status", e.status}, {"code", e.code}, {"message", e.message}});
}

Phase<std::string> decode_answer(std::string_view text) {
  const auto value = json::parse(text);
  int status = 0;
  std::string body, code, message;
  if (value.ok()) {
    json::Reader(*value, "kept").get("status", status).get("body", body).get("code", code).get("message", message);
  }
  auto bytes = crypto::from_base64(body);
  if (status == 200 && bytes.ok()) return std::move(*bytes);
  if (status == 404) return tl::unexpected(openai::ApiError{404, std::move(code), std::move(message), ""});
  return tl::unexpected(openai::ApiError{503, "no_capacity", "a gateway of this site gave no answer: try again", ""});
}

Result<KeptAsk> decode_ask(std::string_view text) {
  AIGRID_TRY(const json::Json value, json::parse(text));
  KeptAsk out;
  json::Reader reader(value, "kept");
  reader.get("gateway", out.gateway).get("tenant", out.tenant).get("which", out.which);
  AIGRID_CHECK_OK(reader.result());
  return out;
}

}  // namespace

io::Task<Phase<std::string>> kept(Services& services, KeptAsk ask) {
  if (!services.board.loaded()) {
    co_return tl::unexpected(
        openai::ApiError{503, "no_capacity", "this gateway has no configuration yet: try again", ""});
  }
  if (ask.gateway == services.board.gateway()) co_return co_await kept_here(services, std::move(ask));
  const auto& gateways = services.board.tables().gateways;
  const auto found =
      std::find_if(gateways.begin(), gateways.end(), [&ask](const auto& g) { return g.name == ask.gateway; });
  if (found == gateways.end()) co_return tl::unexpected(unknown_request(ask.which));
  if (found->site != services.board.site()) {
    const std::string path = ask.tenant.empty() ? "/v1/grid/audit/" + ask.gateway + "/" : "/v1/grid/requests/";
    co_return tl::unexpected(openai::ApiError{421, "request_elsewhere",
                                              "gateway " + found->name + " at site " + found->site +
                                                  " keeps this: ask " + found->public_address + path + ask.which,
                                              ""});
  }
  const std::string body = json::dump({{"gateway", ask.gateway}, {"tenant", ask.tenant}, {"which", ask.which}});
  auto answer = co_await ask_gateway(services.env, services.peers, ask.gateway, "/inner/kept", body,
                                     services.options.cadence.ask_within);
  if (!answer.ok()) co_return tl::unexpected(openai::ApiError{503, "no_capacity", answer.error().message, ""});
  co_return decode_answer(*answer);
}

io::Task<void> serve_kept(Services& services, std::shared_ptr<io::H2Stream> stream) {
  auto text = co_await stream->read_all(kMostAsk);
  if (!text.ok()) co_return;
  auto ask = decode_ask(*text);
  const auto peer = Spiffe::parse(stream->binding().peer.identity);
  const bool sibling = services.board.loaded() && peer.ok() && peer->site == services.board.site();
  Phase<std::string> answer = tl::unexpected(unknown_request("?"));  // others learn nothing
  if (sibling && ask.ok() && ask->gateway == services.board.gateway()) {
    answer = co_await kept_here(services, std::move(*ask));
  }
  const std::string said = encode(answer);
  if (!stream->respond({200, {{"content-type", "application/json"}}}).ok()) co_return;
  auto sent = co_await stream->write(said);
  if (sent.ok()) (void)stream->end();
}

}  // namespace aigrid::gateway
