#include "io/store/records.h"

#include <array>

#include "base/crypto/encode.h"
#include "base/crypto/hash.h"

namespace aigrid::io {

namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::array<const char*, 7> kColumns = {"tenant", "project", "key", "model", "endpoint", "site", "currency"};

template <class I>
void add_saturating(I& sum, I more) {
  constexpr I kMost = std::numeric_limits<I>::max();
  sum = more > kMost - sum ? kMost : sum + more;
}

// SQLite's sum() fails beyond 2^63; halves are summed without.
std::string sum_of(const char* column) {
  return std::string(",sum(") + column + ">>32),sum(" + column + "&4294967295)";
}

std::int64_t summed(const Statement& row, int column) {
  const auto whole = (static_cast<__int128>(row.integer(column)) << 32) + row.integer(column + 1);
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  return whole > kMost ? kMost : static_cast<std::int64_t>(whole);
}

std::uint64_t summed_number(const Statement& row, int column) {
  return static_cast<std::uint64_t>(summed(row, column));
}

std::int64_t minute_of(std::int64_t at_s) { return at_s - at_s % kMinute; }

}  // namespace

void UsageAmounts::add(const UsageAmounts& o) {
  add_saturating(requests, o.requests);
  add_saturating(prompt_tokens, o.prompt_tokens);
  add_saturating(completion_tokens, o.completion_tokens);
  add_saturating(cached_tokens, o.cached_tokens);
  add_saturating(billed_prompt_tokens, o.billed_prompt_tokens);
  add_saturating(billed_completion_tokens, o.billed_completion_tokens);
  add_saturating(waived_prompt_tokens, o.waived_prompt_tokens);
  add_saturating(waived_completion_tokens, o.waived_completion_tokens);
  add_saturating(charge_nano, o.charge_nano);
  add_saturating(cost_nano, o.cost_nano);
}

Result<void> RecordTable::prepare() {
  return database_.execute(
      "CREATE TABLE IF NOT EXISTS record(source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,"
      " received_ms INTEGER NOT NULL, line TEXT NOT NULL, PRIMARY KEY(source,epoch,sequence)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS request(id TEXT PRIMARY KEY, source TEXT NOT NULL, epoch INTEGER NOT NULL,"
      " sequence INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS conflict(source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,"
      " hash TEXT NOT NULL, request TEXT NOT NULL, received_ms INTEGER NOT NULL, why TEXT NOT NULL, line TEXT NOT NULL,"
      " PRIMARY KEY(source,epoch,sequence,hash));"
      "CREATE TABLE IF NOT EXISTS usage_cell(at INTEGER NOT NULL, tenant TEXT NOT NULL, project TEXT NOT NULL,"
      " key TEXT NOT NULL, model TEXT NOT NULL, endpoint TEXT NOT NULL, site TEXT NOT NULL, currency TEXT NOT NULL,"
      " unknown INTEGER NOT NULL, requests INTEGER NOT NULL, prompt INTEGER NOT NULL, completion INTEGER NOT NULL,"
      " cached INTEGER NOT NULL, billed_prompt INTEGER NOT NULL, billed_completion INTEGER NOT NULL,"
      " waived_prompt INTEGER NOT NULL, waived_completion INTEGER NOT NULL, charge INTEGER NOT NULL,"
      " cost INTEGER NOT NULL,"
      " PRIMARY KEY(at,tenant,project,key,model,endpoint,site,currency,unknown)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS waived_cell(at INTEGER NOT NULL, reason TEXT NOT NULL, bearer TEXT NOT NULL,"
      " prompt INTEGER NOT NULL, completion INTEGER NOT NULL, cost INTEGER NOT NULL,"
      " PRIMARY KEY(at,reason,bearer)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS debt_cell(at INTEGER NOT NULL, debtor TEXT NOT NULL, creditor TEXT NOT NULL,"
      " currency TEXT NOT NULL, margin_ppm INTEGER NOT NULL, prompt INTEGER NOT NULL, completion INTEGER NOT NULL,"
      " cost INTEGER NOT NULL, PRIMARY KEY(at,debtor,creditor,currency,margin_ppm)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS attempt(source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,"
      " request TEXT NOT NULL, received_ms INTEGER NOT NULL, line TEXT NOT NULL,"
      " PRIMARY KEY(source,epoch,sequence)) WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS attempt_open(source TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,"
      " request TEXT NOT NULL, PRIMARY KEY(source,epoch,sequence)) WITHOUT ROWID;"
      "CREATE INDEX IF NOT EXISTS attempt_of_request ON attempt(request,received_ms);");
}

Result<RecordsAdded> RecordTable::add(const std::vector<RecordRow>& rows, std::int64_t received_ms,
                                      const Again& again) {
  RecordsAdded added;
  AIGRID_TRY(auto transaction, database_.begin());
  for (const auto& row : rows) AIGRID_CHECK_OK(add_one(row, received_ms, again, added));
  AIGRID_CHECK_OK(transaction.commit());
  return added;
}

Result<RecordsAdded> RecordTable::add_attempts(const std::vector<AttemptRow>& rows, std::int64_t received_ms) {
  RecordsAdded added;
  AIGRID_TRY(auto transaction, database_.begin());
  for (const auto& row : rows) {
    AIGRID_TRY(auto put, database_.prepare("INSERT OR IGNORE INTO attempt VALUES(?,?,?,?,?,?)"));
    put.add(row.source).add(row.epoch).add(row.sequence).add(row.request_id).add(received_ms).add(row.line);
    AIGRID_CHECK_OK(put.run());
    if (database_.changes() != 0) {
      ++added.fresh;
      AIGRID_TRY(auto open, database_.prepare("INSERT OR IGNORE INTO attempt_open VALUES(?,?,?,?)"));
      AIGRID_CHECK_OK(open.add(row.source).add(row.epoch).add(row.sequence).add(row.request_id).run());
      continue;
    }
    AIGRID_TRY(auto held, database_.prepare("SELECT line FROM attempt WHERE source=? AND epoch=? AND sequence=?"));
    AIGRID_TRY(const bool found, held.add(row.source).add(row.epoch).add(row.sequence).step());
    ++(found && held.text(0) == row.line ? added.repeated : added.conflicting);
  }
  AIGRID_CHECK_OK(transaction.commit());
  return added;
}

Result<std::vector<Unsettled>> RecordTable::unsettled(std::size_t most) {
  AIGRID_TRY(auto row, database_.prepare("SELECT o.source,o.epoch,o.sequence,a.line,r.line FROM attempt_open o"
                                         " JOIN attempt a USING(source,epoch,sequence) JOIN request q ON q.id=o.request"
                                         " JOIN record r ON r.source=q.source AND r.epoch=q.epoch"
                                         " AND r.sequence=q.sequence WHERE q.source<>? LIMIT ?"));
  row.add(kCloser).add(static_cast<std::int64_t>(most));
  std::vector<Unsettled> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out.push_back({row.text(0), row.number(1), row.number(2), row.text(3), row.text(4)});
  }
}

Result<void> RecordTable::settle(const std::vector<Unsettled>& attempts, const std::vector<RecordRow>& rows,
                                 std::int64_t received_ms) {
  AIGRID_TRY(auto transaction, database_.begin());
  RecordsAdded added;
  for (const auto& row : rows) AIGRID_CHECK_OK(add_one(row, received_ms, {}, added));
  for (const auto& a : attempts) AIGRID_CHECK_OK(held(a));
  return transaction.commit();
}

// A terminal record has it, or what that one lacks.
template <class Attempt>
Result<void> RecordTable::held(const Attempt& attempt) {
  AIGRID_TRY(auto gone, database_.prepare("DELETE FROM attempt_open WHERE source=? AND epoch=? AND sequence=?"));
  return gone.add(attempt.source).add(attempt.epoch).add(attempt.sequence).run();
}

Result<std::vector<Orphan>> RecordTable::orphans(std::int64_t told_before_ms, std::size_t most) {
  std::vector<Orphan> out;
  {
    AIGRID_TRY(auto row, database_.prepare("SELECT o.request FROM attempt_open o JOIN attempt a ON a.request=o.request"
                                           " LEFT JOIN request q ON q.id=o.request WHERE q.id IS NULL OR q.source=?"
                                           " GROUP BY o.request HAVING max(a.received_ms)<?"
                                           " ORDER BY o.request LIMIT ?"));
    row.add(kCloser).add(told_before_ms).add(static_cast<std::int64_t>(most));
    for (;;) {
      AIGRID_TRY(const bool more, row.step());
      if (!more) break;
      out.push_back({row.text(0), {}});
    }
  }
  for (auto& orphan : out) {
    AIGRID_TRY(auto row, database_.prepare("SELECT source,epoch,sequence,line FROM attempt WHERE request=?"
                                           " ORDER BY received_ms"));
    row.add(orphan.request_id);
    for (;;) {
      AIGRID_TRY(const bool more, row.step());
      if (!more) break;
      orphan.attempts.push_back({row.text(0), row.number(1), row.number(2), orphan.request_id, row.text(3)});
    }
  }
  return out;
}

Result<RecordsAdded> RecordTable::close(const std::vector<Closing>& closings, std::int64_t received_ms,
                                        const Again& again) {
  RecordsAdded added;
  AIGRID_TRY(auto transaction, database_.begin());
  for (const auto& closing : closings) {
    AIGRID_TRY(const bool too_late, recorded(closing.row.request_id));
    if (too_late) continue;
    AIGRID_CHECK_OK(add_one(closing.row, received_ms, again, added));
    for (const auto& a : closing.attempts) AIGRID_CHECK_OK(held(a));
  }
  AIGRID_CHECK_OK(transaction.commit());
  return added;
}

// By its ingress.
Result<bool> RecordTable::recorded(const std::string& request_id) {
  AIGRID_TRY(auto row, database_.prepare("SELECT 1 FROM request WHERE id=? AND source<>?"));
  return row.add(request_id).add(kCloser).step();
}

Result<void> RecordTable::add_one(const RecordRow& row, std::int64_t received_ms, const Again& again,
                                  RecordsAdded& added) {
  AIGRID_TRY(const Place place, claim(row, received_ms, again));
  if (place == Place::Repeated) {
    ++added.repeated;
    return {};
  }
  if (place == Place::Conflict) {
    ++added.conflicting;
    return {};
  }
  ++added.fresh;
  if (row.names.unknown) ++added.unknown;
  if (!row.suspect.empty()) {
    ++added.suspect;
    AIGRID_CHECK_OK(note(row, received_ms, row.suspect));
  }
  AIGRID_CHECK_OK(count_cell(row));
  return count_rest(row);
}

// Its identity and its request, if both are still free.
Result<RecordTable::Place> RecordTable::claim(const RecordRow& row, std::int64_t received_ms, const Again& again) {
  {
    AIGRID_TRY(auto put, database_.prepare("INSERT OR IGNORE INTO record VALUES(?,?,?,?,?)"));
    AIGRID_CHECK_OK(put.add(row.source).add(row.epoch).add(row.sequence).add(received_ms).add(row.line).run());
  }
  if (database_.changes() == 0) {
    AIGRID_TRY(auto held, database_.prepare("SELECT line FROM record WHERE source=? AND epoch=? AND sequence=?"));
    AIGRID_TRY(const bool found, held.add(row.source).add(row.epoch).add(row.sequence).step());
    if (found && held.text(0) == row.line) return Place::Repeated;
    AIGRID_CHECK_OK(note(row, received_ms, "another record has its source, epoch and sequence"));
    return Place::Conflict;
  }
  {
    AIGRID_TRY(auto put, database_.prepare("INSERT OR IGNORE INTO request VALUES(?,?,?,?)"));
    AIGRID_CHECK_OK(put.add(row.request_id).add(row.source).add(row.epoch).add(row.sequence).run());
  }
  if (database_.changes() != 0) return Place::Free;
  AIGRID_TRY(const bool ours_again, take_back(row, again));
  if (ours_again) return Place::Free;
  AIGRID_CHECK_OK(note(row, received_ms, "its request has a terminal record already"));
  return Place::Conflict;
}

// True: control had closed the request; that is undone, its attempts are to be held anew, and `row` has its place.
Result<bool> RecordTable::take_back(const RecordRow& row, const Again& again) {
  if (!again) return false;
  std::string line;
  {
    AIGRID_TRY(auto held, database_.prepare("SELECT line FROM request JOIN record USING(source,epoch,sequence)"
                                            " WHERE id=? AND source=?"));
    AIGRID_TRY(const bool found, held.add(row.request_id).add(kCloser).step());
    if (!found) return false;
    line = held.text(0);
  }
  AIGRID_TRY(const RecordRow closed, again(line));
  AIGRID_CHECK_OK(count_cell(closed, -1));
  AIGRID_CHECK_OK(count_rest(closed, -1));
  {
    AIGRID_TRY(auto open, database_.prepare("INSERT OR IGNORE INTO attempt_open SELECT source,epoch,sequence,request"
                                            " FROM attempt WHERE request=?"));
    AIGRID_CHECK_OK(open.add(row.request_id).run());
  }
  AIGRID_TRY(auto put, database_.prepare("UPDATE request SET source=?,epoch=?,sequence=? WHERE id=?"));
  AIGRID_CHECK_OK(put.add(row.source).add(row.epoch).add(row.sequence).add(row.request_id).run());
  return true;
}

Result<void> RecordTable::note(const RecordRow& row, std::int64_t received_ms, std::string_view why) {
  AIGRID_TRY(auto put, database_.prepare("INSERT OR IGNORE INTO conflict VALUES(?,?,?,?,?,?,?,?)"));
  const std::string hash = crypto::hex(crypto::view(crypto::sha256(row.line)));
  put.add(row.source).add(row.epoch).add(row.sequence).add(hash).add(row.request_id).add(received_ms);
  return put.add(why).add(row.line).run();
}

Result<void> RecordTable::count_cell(const RecordRow& row, std::int64_t sign) {
  // A sum that would pass 2^63 would become a floating point number: it stays at the largest integer.
  AIGRID_TRY(
      auto put,
      database_.prepare("INSERT INTO usage_cell VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                        " requests=requests+excluded.requests, prompt=prompt+excluded.prompt,"
                        " completion=completion+excluded.completion, cached=cached+excluded.cached,"
                        " billed_prompt=billed_prompt+excluded.billed_prompt,"
                        " billed_completion=billed_completion+excluded.billed_completion,"
                        " waived_prompt=waived_prompt+excluded.waived_prompt,"
                        " waived_completion=waived_completion+excluded.waived_completion,"
                        " charge=min(charge,9223372036854775807-excluded.charge)+excluded.charge,"
                        " cost=min(cost,9223372036854775807-excluded.cost)+excluded.cost"));
  const auto& n = row.names;
  const auto& a = row.amounts;
  put.add(minute_of(row.at_s)).add(n.tenant).add(n.project).add(n.key).add(n.model).add(n.endpoint).add(n.site);
  put.add(n.currency).add(n.unknown ? 1 : 0);
  for (const std::uint64_t count :
       {a.requests, a.prompt_tokens, a.completion_tokens, a.cached_tokens, a.billed_prompt_tokens,
        a.billed_completion_tokens, a.waived_prompt_tokens, a.waived_completion_tokens}) {
    put.add(sign * static_cast<std::int64_t>(count));
  }
  return put.add(sign * a.charge_nano).add(sign * a.cost_nano).run();
}

Result<void> RecordTable::count_rest(const RecordRow& row, std::int64_t sign) {
  for (const auto& w : row.waived) {
    AIGRID_TRY(auto put, database_.prepare("INSERT INTO waived_cell VALUES(?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                                           " prompt=prompt+excluded.prompt, completion=completion+excluded.completion,"
                                           " cost=min(cost,9223372036854775807-excluded.cost)+excluded.cost"));
    put.add(minute_of(row.at_s)).add(w.reason).add(w.bearer);
    put.add(sign * static_cast<std::int64_t>(w.prompt_tokens))
        .add(sign * static_cast<std::int64_t>(w.completion_tokens));
    AIGRID_CHECK_OK(put.add(sign * w.cost_nano).run());
  }
  for (const auto& d : row.debts) {
    AIGRID_TRY(auto put, database_.prepare("INSERT INTO debt_cell VALUES(?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
                                           " prompt=prompt+excluded.prompt, completion=completion+excluded.completion,"
                                           " cost=min(cost,9223372036854775807-excluded.cost)+excluded.cost"));
    put.add(minute_of(row.at_s)).add(d.debtor).add(d.creditor).add(d.currency).add(d.margin_ppm);
    put.add(sign * static_cast<std::int64_t>(d.prompt_tokens))
        .add(sign * static_cast<std::int64_t>(d.completion_tokens));
    AIGRID_CHECK_OK(put.add(sign * d.cost_nano).run());
  }
  return {};
}

Result<std::vector<UsageRow>> RecordTable::usage(const UsageQuery& query) {
  const std::string bucket = query.bucket_s > 0 ? "at-at%" + std::to_string(query.bucket_s) : std::string("0");
  std::string names;
  for (const auto by : query.by) names += std::string(",") + kColumns.at(static_cast<std::size_t>(by));
  std::string sql = "SELECT " + bucket + " AS bucket" + names + ",sum(requests)";
  for (const char* column : {"prompt", "completion", "cached", "billed_prompt", "billed_completion", "waived_prompt",
                             "waived_completion", "charge", "cost"}) {
    sql += sum_of(column);
  }
  sql += " FROM usage_cell WHERE at>=? AND at<? AND unknown=?";
  for (const auto& [by, values] : query.only) {
    sql += std::string(" AND ") + kColumns.at(static_cast<std::size_t>(by)) + " IN (";
    for (std::size_t i = 0; i < values.size(); ++i) sql += i == 0 ? "?" : ",?";
    sql += ")";
  }
  sql += " GROUP BY bucket" + names + " ORDER BY bucket" + names;
  AIGRID_TRY(auto row, database_.prepare(sql));
  row.add(query.from_s).add(query.to_s).add(query.unknown ? 1 : 0);
  for (const auto& [by, values] : query.only) {
    for (const auto& value : values) row.add(value);
  }
  std::vector<UsageRow> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    UsageRow one;
    int at = 0;
    one.bucket_s = row.integer(at++);
    for (std::size_t i = 0; i < query.by.size(); ++i) one.names.push_back(row.text(at++));
    auto& a = one.amounts;
    a.requests = row.number(at++);
    for (auto* sum : {&a.prompt_tokens, &a.completion_tokens, &a.cached_tokens, &a.billed_prompt_tokens,
                      &a.billed_completion_tokens, &a.waived_prompt_tokens, &a.waived_completion_tokens}) {
      *sum = summed_number(row, at);
      at += 2;
    }
    a.charge_nano = summed(row, at);
    a.cost_nano = summed(row, at + 2);
    out.push_back(std::move(one));
  }
}

Result<std::vector<WaivedRow>> RecordTable::waived(std::int64_t from_s, std::int64_t to_s) {
  AIGRID_TRY(auto row,
             database_.prepare("SELECT reason,bearer" + sum_of("prompt") + sum_of("completion") + sum_of("cost") +
                               " FROM waived_cell WHERE at>=? AND at<?"
                               " GROUP BY reason,bearer ORDER BY reason,bearer"));
  row.add(from_s).add(to_s);
  std::vector<WaivedRow> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out.push_back({row.text(0), row.text(1), summed_number(row, 2), summed_number(row, 4), summed(row, 6)});
  }
}

Result<std::vector<DebtRow>> RecordTable::debts(std::int64_t from_s, std::int64_t to_s) {
  AIGRID_TRY(auto row, database_.prepare("SELECT debtor,creditor,currency,margin_ppm" + sum_of("prompt") +
                                         sum_of("completion") + sum_of("cost") +
                                         " FROM debt_cell WHERE at>=? AND at<?"
                                         " GROUP BY debtor,creditor,currency,margin_ppm"
                                         " ORDER BY debtor,creditor,currency,margin_ppm"));
  row.add(from_s).add(to_s);
  std::vector<DebtRow> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out.push_back({row.text(0), row.text(1), row.text(2), row.integer(3), summed_number(row, 4), summed_number(row, 6),
                   summed(row, 8)});
  }
}

Result<std::vector<Conflict>> RecordTable::conflicts(std::size_t most) {
  AIGRID_TRY(auto row, database_.prepare("SELECT source,epoch,sequence,request,why FROM conflict"
                                         " ORDER BY received_ms DESC,source,epoch,sequence LIMIT ?"));
  row.add(static_cast<std::int64_t>(most));
  std::vector<Conflict> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out.push_back({row.text(0), row.number(1), row.number(2), row.text(3), row.text(4)});
  }
}

Result<std::uint64_t> RecordTable::count() {
  AIGRID_TRY(auto row, database_.prepare("SELECT count(*) FROM record"));
  AIGRID_TRY(const bool found, row.step());
  return found ? row.number(0) : 0;
}

Result<std::vector<RecordLine>> RecordTable::lines(std::int64_t from_ms, const RecordLine& after, std::size_t most) {
  AIGRID_TRY(auto row, database_.prepare("SELECT source,epoch,sequence,line FROM record"
                                         " WHERE (source>? OR (source=? AND (epoch>? OR (epoch=? AND sequence>?))))"
                                         " AND received_ms>=? ORDER BY source,epoch,sequence LIMIT ?"));
  row.add(after.source).add(after.source).add(after.epoch).add(after.epoch).add(after.sequence);
  row.add(from_ms).add(static_cast<std::int64_t>(most));
  std::vector<RecordLine> out;
  for (;;) {
    AIGRID_TRY(const bool more, row.step());
    if (!more) return out;
    out.push_back({row.text(0), row.number(1), row.number(2), row.text(3)});
  }
}

}  // namespace aigrid::io
