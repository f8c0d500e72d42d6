// POST /inner/audit: a gateway shows the newest checkpoint of its audit log, and the proof that it goes on from the one
// before; it gets it back with control's signature. A gateway speaks only for its own log.
#include "app/control/audit_log.h"
#include "app/control/inner_service.h"

namespace aigrid::control {

namespace {

Result<audit::WitnessAsk> ask_of(std::string_view body, const Spiffe& who) {
  AIGRID_TRY(auto ask, audit::decode_witness_ask(body));
  AIGRID_TRY(const auto key, audit::parse_key(ask.key));
  if (!key.name.starts_with(who.grid + "/") || !key.name.ends_with("." + who.id)) {
    return Error{Code::PermissionDenied, Origin::Client, Retry::Never,
                 "log \"" + key.name + "\" from gateway \"" + who.id + "\": a gateway shows only its own"};
  }
  return ask;
}

}  // namespace

io::Task<void> InnerService::audit(io::H2Stream& stream, Spiffe who) {
  auto body = co_await read_body(stream);
  auto ask = body.ok() ? ask_of(*body, who) : Result<audit::WitnessAsk>(body.error());
  Result<audit::Witnessed> seen = ask.ok() ? Result<audit::Witnessed>() : ask.error();
  if (ask.ok()) seen = co_await services_.audit.witness(who.id, std::move(*ask));
  if (!seen.ok() && seen.error().code == Code::Conflict) {
    auto all = co_await services_.audit.witnessed();
    std::uint64_t size = 0;
    for (const auto& one : all.ok() ? *all : std::vector<AuditLog::Seen>()) {
      if (one.gateway == who.id) size = one.log.size;
    }
    co_await answer(stream, 409, json::dump({{"size", size}}));
    co_return;
  }
  if (!seen.ok()) {
    co_await refuse(stream, status_of(seen.error().code), "not_witnessed", seen.error().message);
    co_return;
  }
  co_await answer(stream, 200, json::dump({{"size", seen->size}, {"note", seen->note}}));
}

}  // namespace aigrid::control
