// POST /inner/records: JSON lines of records from a gateway's spool. Acknowledged when they are in the database; one
// that is there already counts as arrived and is not counted again. A gateway speaks only for itself.
#include "app/control/inner_service.h"
#include "app/control/ledger_rows.h"
#include "format/inner/records.h"
#include "grid/source.h"
#include "io/store/records.h"

namespace aigrid::control {

namespace {

Result<std::vector<io::RecordRow>> decode_rows(std::string_view body, const Spiffe& who, const Catalog& catalog) {
  std::vector<io::RecordRow> out;
  while (!body.empty()) {
    const std::size_t end = body.find('\n');
    const std::string_view line = body.substr(0, end);
    body = end == std::string_view::npos ? std::string_view() : body.substr(end + 1);
    if (line.empty()) continue;
    AIGRID_TRY(const grid::Record record, inner::decode_record(line));
    if (grid::gateway_of(record.source) != who.id) {
      return Error{Code::PermissionDenied, Origin::Client, Retry::Never,
                   "a record of \"" + record.source + "\" from gateway \"" + who.id +
                       "\": a gateway reports only its own requests"};
    }
    out.push_back(ledger_row(record, line, &catalog));
  }
  return out;
}

}  // namespace

io::Task<void> InnerService::records(io::H2Stream& stream, Spiffe who) {
  auto body = co_await read_body(stream);
  auto rows = body.ok() ? decode_rows(*body, who, services_.catalog) : Result<std::vector<io::RecordRow>>(body.error());
  if (!rows.ok()) {
    services_.env.log().warn("records_refused", {{"gateway", who.id}, {"why", rows.error().message}});
    co_await refuse(stream, status_of(rows.error().code), "invalid_records", rows.error().message);
    co_return;
  }
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  for (const auto& row : *rows) {
    if (std::pair(row.epoch, row.sequence) > std::pair(epoch, sequence)) {
      epoch = row.epoch;
      sequence = row.sequence;
    }
  }
  std::function<Result<io::RecordsAdded>(io::Database&)> store =
      [batch = std::move(*rows), now = unix_ms(services_.env.wall())](io::Database& db) {
        return io::RecordTable(db).add(batch, now, closing_row);
      };
  auto added = co_await services_.door.run(std::move(store));
  if (!added.ok()) {
    co_await refuse(stream, status_of(added.error().code), "records_not_stored", added.error().message);
    co_return;
  }
  services_.records_fresh += added->fresh;
  services_.records_repeated += added->repeated;
  services_.records_conflicting += added->conflicting;
  services_.records_unknown += added->unknown;
  services_.records_suspect += added->suspect;
  if (added->conflicting + added->suspect + added->unknown != 0) {
    services_.env.log().fail("records_in_question", {{"gateway", who.id},
                                                     {"conflicting", added->conflicting},
                                                     {"suspect", added->suspect},
                                                     {"unknown", added->unknown}});
  }
  co_await answer(stream, 200, json::dump({{"acked_epoch", epoch}, {"acked_sequence", sequence}}));
}

}  // namespace aigrid::control
