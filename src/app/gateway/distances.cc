#include "app/gateway/distances.h"

#include <utility>

#include "app/gateway/audit_log.h"
#include "app/gateway/lease_home.h"
#include "base/crypto/encode.h"
#include "core/audit/distance.h"
#include "core/audit/leaf.h"
#include "format/json/json.h"
#include "grid/source.h"

namespace aigrid::gateway {

namespace {

constexpr std::size_t kMostBody = 4096;

audit::Distance::End own_end(const Services& services, const std::string& peer) {
  audit::Distance::End out{services.board.gateway(), services.board.site(), 0};
  for (const auto& link : services.peers.links()) {
    if (link.gateway == peer && link.row.up) out.rtt_us = static_cast<std::int64_t>(link.row.rtt_ms * 1000);
  }
  return out;
}

struct Answer {
  std::string statement;
  std::string key;
  std::string signature;
};

std::string encode(const Answer& answer) {
  return json::dump({{"statement", answer.statement},
                     {"key", crypto::base64(answer.key)},
                     {"signature", crypto::base64(answer.signature)}});
}

Result<Answer> decode_answer(std::string_view text) {
  AIGRID_TRY(const json::Json value, json::parse(text));
  Answer out;
  std::string key;
  std::string signature;
  json::Reader reader(value, "distance");
  reader.get("statement", out.statement).get("key", key).get("signature", signature);
  AIGRID_CHECK_OK(reader.result());
  AIGRID_TRY(out.key, crypto::from_base64(key));
  AIGRID_TRY(out.signature, crypto::from_base64(signature));
  return out;
}

// The leaf's body, once the other end has signed what we proposed and nothing else.
Result<grid::DistanceLeaf> signed_by_both(const AuditLog& log, const audit::Distance& proposed, const Answer& answer) {
  AIGRID_TRY(audit::Distance stated, audit::parse_distance(answer.statement));
  const std::int64_t theirs = std::exchange(stated.b.rtt_us, proposed.b.rtt_us);
  if (theirs <= 0 || !(stated == proposed)) return invalid("it signed another statement than was proposed");
  grid::DistanceLeaf leaf{answer.statement,   proposed.a.gateway, log.key().public_key, log.sign(answer.statement),
                          proposed.b.gateway, answer.key,         answer.signature};
  const std::string wrong = audit::judge_signatures(leaf);
  if (!wrong.empty()) return invalid(wrong);
  return leaf;
}

io::Task<Result<void>> state_one(Services& services, std::string peer, std::string site, std::uint64_t sequence) {
  const std::shared_ptr<const Generation> generation = services.board.current();
  audit::Distance proposed;
  proposed.grid = generation->tables->grid;
  proposed.bundle = crypto::hex(generation->bundle_hash);
  proposed.unix_ms = unix_ms(services.env.wall());
  proposed.a = own_end(services, peer);
  proposed.b = {peer, std::move(site), 0};
  if (proposed.a.rtt_us <= 0) co_return Result<void>();
  auto answer = co_await ask_gateway(services.env, services.peers, peer, "/inner/distance",
                                     audit::format_distance(proposed), services.options.cadence.ask_within);
  if (!answer.ok()) co_return std::move(answer).error();
  AIGRID_CO_TRY(const Answer said, decode_answer(*answer));
  AIGRID_CO_TRY(auto body, signed_by_both(*services.office.log, proposed, said));
  grid::AuditLeaf leaf;
  leaf.source = services.board.gateway() + grid::kSourceMark + "distances";
  leaf.epoch = services.ledger.epoch();
  leaf.sequence = sequence;
  leaf.unix_ms = proposed.unix_ms;
  leaf.salt.resize(audit::kSaltBytes);
  services.env.entropy(leaf.salt);
  leaf.body = std::move(body);
  services.audit.append(std::move(leaf), {generation});
  co_return Result<void>();
}

}  // namespace

io::Task<void> state_distances(Services& services) {
  for (std::uint64_t sequence = 0;;) {
    co_await services.env.sleep_for(services.options.cadence.audit.distance_every);
    if (!services.board.loaded() || !services.audit.open()) continue;
    std::vector<std::pair<std::string, std::string>> others;  // the bundle may change meanwhile
    for (const auto& g : services.board.tables().gateways) {
      if (g.site != services.board.site() && g.name > services.board.gateway()) others.emplace_back(g.name, g.site);
    }
    for (const auto& [gateway, site] : others) {
      auto stated = co_await state_one(services, gateway, site, ++sequence);
      if (!stated.ok()) {
        services.env.log().note("distance_not_stated", {{"to", gateway}, {"why", stated.error().message}});
      }
    }
  }
}

namespace {

// On the main worker, whose measurements and key they are: status and body.
io::Task<Result<std::pair<int, std::string>>> answer_here(Services& services, std::string body) {
  constexpr int kConflict = 409;
  auto proposed = audit::parse_distance(body);
  auto stated = proposed.ok() ? audit::answer_distance(*proposed, own_end(services, proposed->a.gateway),
                                                       unix_ms(services.env.wall()))
                              : Result<audit::Distance>(proposed.error());
  if (stated.ok() && !services.audit.open()) stated = unavailable("this gateway's audit log has not begun");
  if (!stated.ok()) co_return std::pair(kConflict, stated.error().message);
  const std::string text = audit::format_distance(*stated);
  const AuditLog& log = *services.office.log;
  co_return std::pair(200, encode(Answer{text, log.key().public_key, log.sign(text)}));
}

}  // namespace

io::Task<void> serve_distance(Services& services, std::shared_ptr<io::H2Stream> stream) {
  auto body = co_await stream->read_all(kMostBody);
  if (!body.ok()) co_return;
  std::function<io::Task<Result<std::pair<int, std::string>>>()> ask = [main = services.office.services, body = *body] {
    return answer_here(*main, body);
  };
  auto answer = co_await services.office.door.ask(services.env, std::move(ask));
  if (!answer.ok() || !stream->respond({answer->first, {{"content-type", "application/json"}}}).ok()) co_return;
  auto sent = co_await stream->write(answer->second);
  if (sent.ok()) (void)stream->end();
}

}  // namespace aigrid::gateway
