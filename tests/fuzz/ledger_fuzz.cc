// A hostile peer's records, leases and queries: a record that decodes is rated without losing or making a token, a book
// of leases that decodes can be loaded and asked, and lends no more than the limit.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "core/admission/lease_book.h"
#include "core/ledger/settlement.h"
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  rate(text);
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
