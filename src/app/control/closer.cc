#include "app/control/closer.h"

#include "app/control/ledger_rows.h"
#include "core/ledger/node_work.h"
#include "core/ledger/orphan.h"
#include "core/ledger/terms.h"
#include "format/inner/records.h"
#include "io/store/records.h"

namespace aigrid::control {

namespace {

constexpr std::size_t kBatch = 500;

Result<io::Closing> closed(const io::Orphan& orphan, std::uint64_t epoch, std::uint64_t sequence) {
  std::vector<grid::AgentRecord> attempts;
  for (const auto& told : orphan.attempts) {
    AIGRID_TRY(grid::AgentRecord attempt, inner::decode_agent_record(told.line));
    attempts.push_back(std::move(attempt));
  }
  grid::Record record = ledger::close_orphan(attempts);
  record.source = io::kCloser;
  record.epoch = epoch;
  record.sequence = sequence;
  return io::Closing{ledger_row(record, inner::encode(record), nullptr), orphan.attempts};
}

}  // namespace

io::Task<void> close_orphans(Services& services) {
  std::uint64_t sequence = 0;
  for (;;) {
    co_await services.env.sleep_for(services.options.limits.orphans_every);
    const std::int64_t now = unix_ms(services.env.wall());
    const std::int64_t before = now - to_ms(services.options.limits.orphan_grace);
    std::function<Result<std::vector<io::Orphan>>(io::Database&)> look = [before](io::Database& db) {
      return io::RecordTable(db).orphans(before, kBatch);
    };
    auto found = co_await services.door.run(std::move(look));
    if (!found.ok() || found->empty()) continue;
    std::vector<io::Closing> closings;
    for (const auto& orphan : *found) {
      auto closing = closed(orphan, services.epoch, ++sequence);
      if (closing.ok()) closings.push_back(std::move(*closing));
    }
    std::function<Result<io::RecordsAdded>(io::Database&)> store = [closings, now](io::Database& db) {
      return io::RecordTable(db).close(closings, now, closing_row);
    };
    auto added = co_await services.door.run(std::move(store));
    if (!added.ok()) continue;
    services.requests_closed += added->fresh;
    services.env.log().warn("requests_closed", {{"count", added->fresh}, {"why", "their ingress never recorded them"}});
  }
}

io::Task<void> settle_attempts(Services& services) {
  for (;;) {
    std::function<Result<std::vector<io::Unsettled>>(io::Database&)> look = [](io::Database& db) {
      return io::RecordTable(db).unsettled(kBatch);
    };
    auto found = co_await services.door.run(std::move(look));
    if (!found.ok() || found->empty()) {
      co_await services.env.sleep_for(services.options.limits.attempts_every);
      continue;
    }
    std::vector<io::RecordRow> rows;
    for (const auto& pair : *found) {
      const auto attempt = inner::decode_agent_record(pair.attempt);
      const auto record = inner::decode_record(pair.record);
      if (!attempt.ok() || !record.ok()) continue;  // of another version: nothing can be said of it
      if (const auto more = ledger::shortfall(*record, *attempt)) {
        rows.push_back(node_work_row(*more, services.catalog));
      }
    }
    const std::int64_t now = unix_ms(services.env.wall());
    std::function<Result<bool>(io::Database&)> store = [attempts = *found, rows,
                                                        now](io::Database& db) -> Result<bool> {
      AIGRID_CHECK_OK(io::RecordTable(db).settle(attempts, rows, now));
      return true;
    };
    auto stored = co_await services.door.run(std::move(store));
    if (!stored.ok()) co_await services.env.sleep_for(services.options.limits.attempts_every);
  }
}

}  // namespace aigrid::control
