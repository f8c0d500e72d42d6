// Records of attempts too: what closes an orphan or fills a gap is rated to exactly what the attempts say, at nobody's
// charge. A hostile peer's records, leases and queries: a record that decodes is rated without losing or making a
// token, a book of leases that decodes can be loaded and asked, and lends no more than the limit.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "core/admission/lease_book.h"
#include "core/ledger/node_work.h"
#include "core/ledger/orphan.h"
#include "core/ledger/settlement.h"
#include "core/ledger/terms.h"
#include "format/api/query.h"
#include "format/inner/leases.h"
#include "format/inner/records.h"

namespace {

using namespace aigrid;

void rate(std::string_view text) {
  const auto decoded = inner::decode_record(text);
  if (!decoded.ok()) return;
  const grid::Record record = ledger::bounded(*decoded);
  const auto charge = ledger::rate(record);
  unsigned __int128 made = 0;
  for (const auto& a : record.attempts) {
    made += a.usage.prompt_tokens;
    made += std::max(a.usage.completion_tokens, a.heard_tokens);
  }
  for (const auto& l : charge.lines) made -= l.prompt_tokens + l.completion_tokens;
  if (made != 0 || charge.price_nano < 0 || charge.cost_nano < 0) std::abort();
  for (const auto& d : ledger::debts(record, charge)) {
    if (ledger::owed_nano(d.cost_nano, d.margin_ppm) < d.cost_nano) std::abort();
  }
}

void lend(std::string_view text) {
  const auto held = inner::decode_lease_state(text);
  if (!held.ok()) return;
  const Time now = Time{} + 10000h;
  admission::LeaseBook book({});
  book.load(held->state, 0s, now);
  grid::LeaseAsk ask;
  ask.scope = held->state.scope;
  ask.holder = "fuzz";
  ask.limits.requests_per_minute = 10;
  ask.want[0] = 1;
  const auto answer = book.on_ask(ask, now, WallTime{} + 500000h);
  if (answer.spare[0] > 10 || answer.free[0] < 0) std::abort();
  const auto again = inner::decode_lease_state(inner::encode(book.state(ask.scope, now), 1));
  if (!again.ok()) std::abort();
}

std::uint64_t made(const grid::Record& record) {
  std::uint64_t sum = 0;
  for (const auto& l : ledger::rate(ledger::bounded(record)).lines) {
    if (l.bucket == ledger::Bucket::Billed) std::abort();
    sum += l.prompt_tokens + l.completion_tokens;
  }
  return sum;
}

// Lines of attempts' records, as of one request.
void attempts(std::string_view text) {
  std::vector<grid::AgentRecord> all;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    if (auto record = inner::decode_agent_record(text.substr(at, end - at)); record.ok()) {
      const auto again = inner::decode_agent_record(inner::encode(*record));
      if (!again.ok() || inner::encode(*again) != inner::encode(*record)) std::abort();
      record->usage.prompt_tokens = std::min(record->usage.prompt_tokens, ledger::kMostTokens);
      record->usage.completion_tokens = std::min(record->usage.completion_tokens, ledger::kMostTokens);
      all.push_back(std::move(*record));
    }
    at = end + 1;
  }
  if (all.empty()) return;
  const grid::Record closed = ledger::close_orphan(all);
  std::uint64_t sum = 0;
  for (const auto& a : all) {
    const std::uint64_t own = a.usage.prompt_tokens + a.usage.completion_tokens;
    sum += own;
    if (made(ledger::record_of(a)) != own) std::abort();
    if (ledger::shortfall(closed, a)) std::abort();
    const auto gap = ledger::shortfall(grid::Record{}, a);
    if ((gap ? made(*gap) : 0) != own) std::abort();
  }
  if (made(closed) != sum) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  rate(text);
  attempts(text);
  lend(text);
  if (const auto ask = inner::decode_lease_ask(text); ask.ok()) {
    if (inner::encode(*inner::decode_lease_ask(inner::encode(*ask))) != inner::encode(*ask)) std::abort();
  }
  if (const auto answer = inner::decode_lease_answer(text); answer.ok()) {
    if (!inner::decode_lease_answer(inner::encode(*answer)).ok()) std::abort();
  }
  (void)api::parse_query(text).ok();
  if (const auto at = api::parse_instant(text); at.ok() && api::day_text(*at).size() < 10) std::abort();
  return 0;
}
