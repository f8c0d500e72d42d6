// RecordTable: terminal records of requests as control keeps them, and what they add up to, changed in the same
// transaction: a record counts once, however often it comes. Identity: (source, epoch, sequence), for ever; and one
// terminal record a request: another with the same identity or of the same request is kept apart as a conflict, and the
// first one stays. A request that control closed itself (see core/ledger/terms.h) gives way to its ingress's record,
// and is closed anew when a node tells of more that was done for it: so each attempt is in one record, whatever comes
// last. Sums are kept by minute, so that any span can be asked for. Money in 1e-9; sums saturate. Thread contract: that
// of Database.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/store/database.h"

namespace aigrid::io {

struct UsageAmounts {
  std::uint64_t requests = 0;
  std::uint64_t prompt_tokens = 0;  // as the client's answer says
  std::uint64_t completion_tokens = 0;
  std::uint64_t cached_tokens = 0;
  std::uint64_t billed_prompt_tokens = 0;
  std::uint64_t billed_completion_tokens = 0;
  std::uint64_t waived_prompt_tokens = 0;
  std::uint64_t waived_completion_tokens = 0;
  std::int64_t charge_nano = 0;
  std::int64_t cost_nano = 0;

  void add(const UsageAmounts& other);  // saturates
};

// Under which names it counts.
struct UsageNames {
  std::string tenant;
  std::string project;
  std::string key;
  std::string model;
  std::string endpoint;
  std::string site;
  std::string currency;
  bool unknown = false;  // control knows no such tenant or model: kept apart
};

struct WaivedRow {
  std::string reason;
  std::string bearer;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::int64_t cost_nano = 0;
};

struct DebtRow {
  std::string debtor;
  std::string creditor;
  std::string currency;
  std::int64_t margin_ppm = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::int64_t cost_nano = 0;
};

struct RecordRow {
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string request_id;
  std::int64_t at_s = 0;  // when the request came, UTC
  UsageNames names;
  UsageAmounts amounts;
  std::vector<WaivedRow> waived;
  std::vector<DebtRow> debts;
  std::string suspect;  // why its counts do not fit
  std::string line;     // the record itself
};

struct RecordsAdded {
  std::uint64_t fresh = 0;
  std::uint64_t repeated = 0;
  std::uint64_t conflicting = 0;
  std::uint64_t unknown = 0;  // of the fresh ones
  std::uint64_t suspect = 0;  // of the fresh ones
};

// What a node said it did for one attempt.
struct AttemptRow {
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string request_id;
  std::string line;
};

// The attempts of one request that its ingress has not recorded.
struct Orphan {
  std::string request_id;
  std::vector<AttemptRow> attempts;
};

// The terminal record made from them.
struct Closing {
  RecordRow row;
  std::vector<AttemptRow> attempts;
};

// An attempt and the terminal record of its request, as their lines.
struct Unsettled {
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string attempt;
  std::string record;
};

// Who closes a request whose ingress was lost; no gateway's name.
inline constexpr const char* kCloser = "closer:control";

enum class UsageBy : std::uint8_t { Tenant, Project, Key, Model, Endpoint, Site, Currency };

struct UsageQuery {
  std::int64_t from_s = 0;
  std::int64_t to_s = std::numeric_limits<std::int64_t>::max();  // not included; rounded up to a minute
  std::int64_t bucket_s = 0;                                     // 0: the whole span is one; else a multiple of 60
  std::vector<UsageBy> by;
  std::map<UsageBy, std::vector<std::string>> only;
  bool unknown = false;  // only what is kept apart, or only what is not
};

struct UsageRow {
  std::int64_t bucket_s = 0;       // its begin
  std::vector<std::string> names;  // as `by`
  UsageAmounts amounts;
};

struct Conflict {
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string request_id;
  std::string why;
};

struct RecordLine {
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string line;
};

class RecordTable {
 public:
  explicit RecordTable(Database& database) : database_(database) {}
  Result<void> prepare();
  // All or nothing. `again`: the row of a line that was counted, to take it back when the record of a request's ingress
  // comes after control has closed the request.
  using Again = std::function<Result<RecordRow>(std::string_view line)>;
  Result<RecordsAdded> add(const std::vector<RecordRow>& rows, std::int64_t received_ms, const Again& again = {});
  // Same identity, other content: the first one stays, and it counts as conflicting.
  Result<RecordsAdded> add_attempts(const std::vector<AttemptRow>& rows, std::int64_t received_ms);
  // Attempts that were not held yet against their ingress's record of the request, which is there; at most `most`.
  Result<std::vector<Unsettled>> unsettled(std::size_t most);
  // They are, and `rows` is what the ledger lacked.
  Result<void> settle(const std::vector<Unsettled>& attempts, const std::vector<RecordRow>& rows,
                      std::int64_t received_ms);
  // Requests of which nodes told, the last before `told_before_ms`, that their ingress has not recorded and nobody
  // closed since; at most `most`.
  Result<std::vector<Orphan>> orphans(std::int64_t told_before_ms, std::size_t most);
  // All or nothing. Takes the place of an earlier closing, and none where the ingress has recorded meanwhile.
  Result<RecordsAdded> close(const std::vector<Closing>& closings, std::int64_t received_ms, const Again& again);
  Result<std::vector<UsageRow>> usage(const UsageQuery& query);  // ordered by bucket, then names
  Result<std::vector<WaivedRow>> waived(std::int64_t from_s, std::int64_t to_s);
  Result<std::vector<DebtRow>> debts(std::int64_t from_s, std::int64_t to_s);
  // Records that came twice with other content, and those whose counts do not fit; the newest `most`.
  Result<std::vector<Conflict>> conflicts(std::size_t most);
  Result<std::uint64_t> count();
  // Records received from `from_ms` on, in the order of their identity, after `after` (empty source: from the first).
  Result<std::vector<RecordLine>> lines(std::int64_t from_ms, const RecordLine& after, std::size_t most);

 private:
  enum class Place : std::uint8_t { Free, Repeated, Conflict };
  Result<void> add_one(const RecordRow& row, std::int64_t received_ms, const Again& again, RecordsAdded& added);
  Result<Place> claim(const RecordRow& row, std::int64_t received_ms, const Again& again);
  Result<bool> take_back(const RecordRow& row, const Again& again);
  Result<bool> recorded(const std::string& request_id);
  template <class Attempt>
  Result<void> held(const Attempt& attempt);
  Result<void> note(const RecordRow& row, std::int64_t received_ms, std::string_view why);
  // `sign`: -1 takes back what +1 has added.
  Result<void> count_cell(const RecordRow& row, std::int64_t sign = 1);
  Result<void> count_rest(const RecordRow& row, std::int64_t sign = 1);
  Database& database_;
};

}  // namespace aigrid::io
