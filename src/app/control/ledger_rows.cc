#include "app/control/ledger_rows.h"

#include <algorithm>

#include "core/ledger/settlement.h"
#include "core/ledger/terms.h"
#include "format/inner/records.h"

namespace aigrid::control {

namespace {

// What a name that control does not know leaves nothing to pay for is no news: a refusal names any model.
bool unknown(const grid::Record& record, const ledger::Charge& charge, const Catalog* catalog) {
  if (charge.lines.empty() || catalog == nullptr) return false;
  return !catalog->find(api::Kind::Tenant, record.tenant) || !catalog->find(api::Kind::Model, record.model);
}

void add_line(io::RecordRow& row, const ledger::ChargeLine& line) {
  auto& a = row.amounts;
  if (line.bucket == ledger::Bucket::Billed) {
    a.billed_prompt_tokens += line.prompt_tokens;
    a.billed_completion_tokens += line.completion_tokens;
    return;
  }
  a.waived_prompt_tokens += line.prompt_tokens;
  a.waived_completion_tokens += line.completion_tokens;
  row.waived.push_back({std::string(ledger::to_string(line.bucket)), std::string(ledger::to_string(line.bearer)),
                        line.prompt_tokens, line.completion_tokens, line.cost_nano});
}

}  // namespace

io::RecordRow ledger_row(const grid::Record& record, std::string_view line, const Catalog* catalog) {
  const grid::Record sane = ledger::bounded(record);
  const ledger::Charge charge = ledger::rate(sane);
  io::RecordRow row;
  row.source = record.source;
  row.epoch = record.epoch;
  row.sequence = record.sequence;
  row.request_id = record.request_id;
  row.at_s = std::max<std::int64_t>(0, record.received_unix_ms / 1000);
  row.names = {record.tenant,   record.project, record.key_id,         record.model,
               record.endpoint, record.site,    record.terms.currency, unknown(sane, charge, catalog)};
  row.amounts.requests = 1;
  row.amounts.prompt_tokens = sane.usage.prompt_tokens;
  row.amounts.completion_tokens = sane.usage.completion_tokens;
  row.amounts.cached_tokens = sane.usage.cached_tokens;
  row.amounts.charge_nano = charge.price_nano;
  row.amounts.cost_nano = charge.cost_nano;
  for (const auto& l : charge.lines) add_line(row, l);
  for (const auto& d : ledger::debts(sane, charge)) {
    row.debts.push_back(
        {d.debtor, d.creditor, d.currency, d.margin_ppm, d.prompt_tokens, d.completion_tokens, d.cost_nano});
  }
  row.suspect = charge.suspect;
  if (record.charge_nano != charge.price_nano) {
    row.suspect += (row.suspect.empty() ? "" : "; ") + std::string("its gateway rated it ") +
                   std::to_string(record.charge_nano) + ", control " + std::to_string(charge.price_nano);
  }
  row.line = line;
  return row;
}

io::RecordRow node_work_row(grid::Record record, const Catalog& catalog) {
  // What a token costs there now is not in the line: one that comes again must be the same.
  const std::string line = inner::encode(record);
  for (auto& attempt : record.attempts) {
    const auto site = catalog.find(api::Kind::Site, attempt.site);
    if (site) attempt.cost_nano = std::get<grid::Site>(site->noun).cost_nano_per_token;
  }
  const bool ours = record.tenant == ledger::kPlatformTenant;
  io::RecordRow row = ledger_row(record, line, ours ? nullptr : &catalog);
  row.amounts.requests = 0;
  return row;
}

Result<io::RecordRow> closing_row(std::string_view line) {
  AIGRID_TRY(const grid::Record record, inner::decode_record(line));
  return ledger_row(record, line, nullptr);
}

}  // namespace aigrid::control
