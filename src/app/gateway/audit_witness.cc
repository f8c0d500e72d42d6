// The gateway's log as it is shown to control.
#include <utility>

#include "app/gateway/audit_log.h"
#include "format/json/json.h"

namespace aigrid::gateway {

namespace {

Result<std::optional<audit::WitnessAsk>> ask_from(io::Database& db, const audit::Log& log, std::uint64_t seen,
                                                  bool agreed) {
  AIGRID_TRY(const auto note, io::AuditTable(db).newest_checkpoint());
  if (!note) return std::optional<audit::WitnessAsk>();
  AIGRID_TRY(const auto newest, audit::open_checkpoint(*note, log.public_key()));
  if (newest.size == seen && agreed) return std::optional<audit::WitnessAsk>();
  audit::WitnessAsk ask{audit::format_key(log.public_key()), seen, {}, *note};
  if (seen < newest.size) {  // else it has shrunk, and control shall see that
    AIGRID_TRY(ask.proof, audit::prove_consistency(seen, newest.size, audit::tiles_from(db)));
  }
  return std::optional(std::move(ask));
}

}  // namespace

io::Task<Result<std::optional<audit::WitnessAsk>>> AuditLog::next_shown() {
  std::function<Result<std::optional<audit::WitnessAsk>>(io::Database&)> read =
      [log = log_, seen = witnessed_, agreed = agreed_](io::Database& db) { return ask_from(db, *log, seen, agreed); };
  co_return co_await door_->run(std::move(read));
}

io::Task<Result<void>> AuditLog::shown(const io::InnerAnswer& answer) {
  constexpr int kAnotherSize = 409;
  std::uint64_t size = 0;
  std::string note;
  if (answer.status != 200 && answer.status != kAnotherSize) co_return io::problem_of(answer);
  AIGRID_CO_TRY(const json::Json value, json::parse(answer.body));
  json::Reader reader(value, "witness");
  reader.get("size", size).get("note", note);
  AIGRID_CO_CHECK_OK(reader.result());
  if (answer.status == 200) {
    AIGRID_CO_TRY([[maybe_unused]] const auto held, audit::open_checkpoint(note, log_->public_key()));
    std::function<Result<void>(io::Database&)> keep = [size, note](io::Database& db) {
      return io::AuditTable(db).put_checkpoint(size, note);
    };
    auto kept = co_await door_->run(std::move(keep));
    if (!kept.ok()) co_return kept;
    agreed_ = true;
  }
  witnessed_ = size;
  co_return Result<void>();
}

io::Task<void> AuditLog::show(AskControl ask) {
  for (;;) {
    co_await env_.sleep_for(cadence_.audit.show_every);
    if (!door_) continue;
    auto next = co_await next_shown();
    if (!next.ok() || !*next) continue;
    std::string body = audit::encode(**next);
    auto answer = co_await ask(std::move(body));
    if (!answer.ok()) continue;  // control is away: later
    auto kept = co_await shown(*answer);
    if (kept.ok()) continue;
    ++not_witnessed_;
    env_.log().fail("audit_log_not_witnessed", {{"log", name_}, {"why", kept.error().message}});
    co_await env_.sleep_for(cadence_.records_retry);
  }
}

}  // namespace aigrid::gateway
