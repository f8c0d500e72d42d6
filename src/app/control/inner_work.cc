// POST /inner/records for an agent, relayed by a gateway of its site: JSON lines of what the node did, one an attempt,
// and of what it did for no request. Acknowledged when they are in the database; one that is there already counts as
// arrived. An agent speaks only for itself.
#include "app/control/inner_service.h"
#include "app/control/ledger_rows.h"
#include "core/ledger/node_work.h"
#include "format/inner/records.h"
#include "io/store/records.h"

namespace aigrid::control {

namespace {

struct Work {
  std::vector<io::AttemptRow> attempts;
  std::vector<io::RecordRow> own;  // of no request
};

Result<Work> decode_rows(std::string_view body, const std::string& node, const Catalog& catalog) {
  Work rows;
  while (!body.empty()) {
    const std::size_t end = body.find('\n');
    const std::string_view line = body.substr(0, end);
    body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
    if (line.empty()) continue;
    AIGRID_TRY(const grid::AgentRecord record, inner::decode_agent_record(line));
    if (record.source != node) {
      return Error{
          Code::PermissionDenied, Origin::Client, Retry::Never,
          "a record of source \"" + record.source + "\" from agent \"" + node + "\": an agent reports only its own"};
    }
    if (ledger::of_no_request(record)) {
      rows.own.push_back(node_work_row(ledger::record_of(record), catalog));
    } else {
      rows.attempts.push_back({record.source, record.epoch, record.sequence, record.request_id, std::string(line)});
    }
  }
  return rows;
}

// Two transactions: what comes again because the second one failed counts as repeated.
Result<io::RecordsAdded> store_work(io::Database& db, const Work& work, std::int64_t now) {
  io::RecordTable table(db);
  AIGRID_TRY(io::RecordsAdded added, table.add(work.own, now));
  AIGRID_TRY(const io::RecordsAdded attempts, table.add_attempts(work.attempts, now));
  added.fresh += attempts.fresh;
  added.repeated += attempts.repeated;
  added.conflicting += attempts.conflicting;
  return added;
}

}  // namespace

io::Task<void> InnerService::work(io::H2Stream& stream, Spiffe who) {
  const auto agent = relayed_agent(stream, who);
  if (!agent) {
    co_await refuse(stream, 403, "permission_denied", "only a gateway may relay, and only for agents of its site");
    co_return;
  }
  auto body = co_await read_body(stream);
  auto rows = body.ok() ? decode_rows(*body, agent->id, services_.catalog) : Result<Work>(body.error());
  if (!rows.ok()) {
    services_.env.log().warn("work_records_refused", {{"node", agent->id}, {"why", rows.error().message}});
    co_await refuse(stream, status_of(rows.error().code), "invalid_records", rows.error().message);
    co_return;
  }
  std::function<Result<io::RecordsAdded>(io::Database&)> store =
      [batch = std::move(*rows), now = unix_ms(services_.env.wall())](io::Database& db) {
        return store_work(db, batch, now);
      };
  auto added = co_await services_.door.run(std::move(store));
  if (!added.ok()) {
    co_await refuse(stream, status_of(added.error().code), "records_not_stored", added.error().message);
    co_return;
  }
  services_.work_fresh += added->fresh;
  if (added->conflicting != 0) {
    services_.env.log().fail("work_records_conflict", {{"node", agent->id}, {"count", added->conflicting}});
  }
  co_await answer(stream, 200, json::dump({{"fresh", added->fresh}, {"repeated", added->repeated}}));
}

}  // namespace aigrid::control
