// POST /inner/join and /inner/renew: identities given and renewed. The verdict on a join is core/access's; it and its
// mark are one transaction, so two joiners with one token cannot both be first.
#include "app/control/inner_service.h"
#include "app/control/members.h"
#include "base/crypto/hash.h"
#include "core/access/join.h"
#include "io/pki/keys.h"
#include "io/store/join_tokens.h"

namespace aigrid::control {

namespace {

struct Judged {
  access::JoinVerdict verdict = access::JoinVerdict::Unknown;
  io::JoinTokenRow row;
  std::string explanation;
};

Result<Judged> judge(io::Database& db, const io::JoinAsk& ask, access::JoinClaim claim, std::int64_t now_ms) {
  io::JoinTokens tokens(db);
  AIGRID_TRY(auto transaction, db.begin());
  AIGRID_TRY(auto row, tokens.find(ask.kid));
  access::StoredToken stored;
  if (row) {
    stored = {row->role == to_string(Role::Gateway) ? Role::Gateway : Role::Agent,
              row->site,
              row->name,
              row->expires_ms,
              row->used_key,
              row->used_name,
              row->burnt};
    AIGRID_TRY(const auto granted, tokens.granted(row->role, claim.name));
    claim.standing.joined = granted.joined;
    claim.standing.complete = granted.complete;
    claim.mac_right = crypto::constant_time_equal(io::join_ask_mac(row->key, ask), ask.mac);
  }
  Judged out;
  out.verdict = access::judge_join(row ? &stored : nullptr, claim, now_ms);
  out.explanation = access::explain(out.verdict, row ? &stored : nullptr, claim);
  if (row) out.row = std::move(*row);
  if (out.verdict == access::JoinVerdict::Accept) {
    AIGRID_CHECK_OK(tokens.mark_used(ask.kid, claim.key_hash, claim.name));
    AIGRID_CHECK_OK(tokens.grant(out.row.role, claim.name));
  }
  if (out.verdict == access::JoinVerdict::Replayed) AIGRID_CHECK_OK(tokens.burn(ask.kid));
  AIGRID_CHECK_OK(transaction.commit());
  return out;
}

// Does the request ask for what the joiner says? The site may be left open: the token knows it.
bool names_claim(const io::Csr& csr, const io::JoinAsk& ask, const std::string& grid) {
  const auto id = Spiffe::parse(csr.id);
  return id.ok() && id->grid == grid && id->role == ask.role && id->id == ask.name &&
         (id->site == io::kUnassignedSite || id->site == ask.site);
}

api::Resource gateway_resource(const io::JoinAsk& ask, const std::string& site) {
  return api::to_resource(grid::Gateway{ask.name, site, ask.public_address, ask.inner_address, ask.workers});
}

}  // namespace

io::Task<void> InnerService::join(io::H2Stream& stream) {
  auto body = co_await read_body(stream);
  auto ask = body.ok() ? io::decode_join_ask(*body) : Result<io::JoinAsk>(body.error());
  auto csr = ask.ok() ? services_.env.keys().check_csr(ask->csr) : Result<io::Csr>(ask.error());
  if (!csr.ok()) {
    co_await refuse(stream, 400, "invalid_join", csr.error().message);
    co_return;
  }
  const auto& authority = services_.authority;
  access::JoinClaim claim{ask->role,
                          ask->site,
                          ask->name,
                          csr->key_hash,
                          false,
                          names_claim(*csr, *ask, authority.grid()),
                          standing_of(services_.catalog, ask->role, ask->name)};
  std::function<Result<Judged>(io::Database&)> call = [asked = *ask, claim, now = unix_ms(services_.env.wall())](
                                                          io::Database& db) { return judge(db, asked, claim, now); };
  auto judged = co_await services_.door.run(std::move(call));
  if (!judged.ok()) {
    co_await refuse(stream, status_of(judged.error().code), "join_failed", judged.error().message);
    co_return;
  }
  if (!access::accepted(judged->verdict)) {
    ++services_.joins_denied;
    const auto code = access::code_of(judged->verdict);
    services_.env.log().warn("join_denied", {{"code", code}, {"name", ask->name}, {"site", judged->row.site}});
    co_await refuse(stream, judged->verdict == access::JoinVerdict::Unknown ? 404 : 403, code, judged->explanation);
    co_return;
  }
  auto chain = authority.issue(services_.env, ask->csr, {authority.grid(), ask->role, judged->row.site, ask->name});
  if (!chain.ok()) {
    co_await refuse(stream, 400, "invalid_join", chain.error().message);
    co_return;
  }
  if (ask->role == Role::Gateway) {
    WriteAsk write;
    write.change.puts.push_back(gateway_resource(*ask, judged->row.site));
    write.by = "join:" + ask->name;
    auto done = co_await services_.catalog.write(std::move(write));
    if (!done.ok() || !done->problems.empty()) {
      co_await refuse(stream, 503, "join_failed", done.ok() ? done->problems.front().message : done.error().message);
      co_return;
    }
    std::function<Result<void>(io::Database&)> finish = [name = ask->name](io::Database& db) {
      return io::JoinTokens(db).complete(to_string(Role::Gateway), name);
    };
    auto finished = co_await services_.door.run(std::move(finish));
    if (!finished.ok()) {
      co_await refuse(stream, 503, "join_failed", finished.error().message);
      co_return;
    }
  }
  io::JoinAnswer answered{std::move(*chain), {authority.root()}, authority.bundle_key(), authority.grid(), {}};
  answered.mac = io::join_answer_mac(judged->row.key, answered);
  services_.env.log().note("join_accepted",
                           {{"role", to_string(ask->role)}, {"site", judged->row.site}, {"name", ask->name}});
  co_await answer(stream, 200, io::encode(answered));
}

std::optional<Spiffe> InnerService::relayed_agent(const io::H2Stream& stream, const Spiffe& gateway) {
  const auto relayed = stream.request().headers.get("x-aigrid-peer");
  if (!relayed || gateway.role != Role::Gateway) return std::nullopt;
  auto peer = Spiffe::parse(*relayed);
  if (!peer.ok() || peer->role != Role::Agent || peer->site != gateway.site || peer->grid != gateway.grid) {
    return std::nullopt;
  }
  return std::move(*peer);
}

io::Task<void> InnerService::renew(io::H2Stream& stream, Spiffe who) {
  auto body = co_await read_body(stream);
  // A gateway relays for the agents of its own site and says for whom.
  if (stream.request().headers.get("x-aigrid-peer")) {
    auto peer = relayed_agent(stream, who);
    if (!peer) {
      co_await refuse(stream, 403, "permission_denied", "only a gateway may relay, and only for agents of its site");
      co_return;
    }
    if (auto member = check_member(services_.catalog, *peer); !member.ok()) {
      co_await refuse(stream, 403, "not_a_member", member.error().message);
      co_return;
    }
    who = std::move(*peer);
  }
  auto csr_text = body.ok() ? io::decode_renew_ask(*body) : Result<std::string>(body.error());
  auto csr = csr_text.ok() ? services_.env.keys().check_csr(*csr_text) : Result<io::Csr>(csr_text.error());
  if (!csr.ok()) {
    co_await refuse(stream, 400, "invalid_renewal", csr.error().message);
    co_return;
  }
  const auto asked = Spiffe::parse(csr->id);
  if (!asked.ok() || *asked != who) {
    co_await refuse(stream, 403, "permission_denied", "the request asks for " + csr->id + ", which is not who asks");
    co_return;
  }
  auto chain = services_.authority.issue(services_.env, *csr_text, who);
  if (!chain.ok()) {
    co_await refuse(stream, 400, "invalid_renewal", chain.error().message);
    co_return;
  }
  const io::RenewAnswer renewed{std::move(*chain), {services_.authority.root()}};
  co_await answer(stream, 200, io::encode(renewed));
}

}  // namespace aigrid::control
