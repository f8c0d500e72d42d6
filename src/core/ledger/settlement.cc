#include "core/ledger/settlement.h"

#include <algorithm>
#include <limits>

namespace aigrid::ledger {

std::vector<Debt> debts(const grid::Record& record, const Charge& charge) {
  std::vector<Debt> out;
  const std::string& debtor = record.terms.operator_name;
  if (debtor.empty()) return out;
  for (const auto& line : charge.lines) {
    if (line.bearer == Bearer::Site) continue;
    const auto attempt = std::find_if(record.attempts.begin(), record.attempts.end(),
                                      [&](const auto& a) { return a.number == line.attempt; });
    if (attempt == record.attempts.end()) continue;
    if (attempt->operator_name.empty() || attempt->operator_name == debtor) continue;
    out.push_back({debtor, attempt->operator_name, record.terms.currency, attempt->margin_ppm, line.prompt_tokens,
                   line.completion_tokens, line.cost_nano});
  }
  return out;
}

std::int64_t owed_nano(std::int64_t cost_nano, std::int64_t margin_ppm) {
  constexpr __int128 kMillion = 1'000'000;
  const __int128 exact = static_cast<__int128>(cost_nano) * (kMillion + margin_ppm);
  __int128 whole = exact / kMillion;
  const __int128 rest = exact % kMillion;
  if (rest * 2 > kMillion || (rest * 2 == kMillion && whole % 2 != 0)) ++whole;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  return whole > kMost ? kMost : static_cast<std::int64_t>(whole);
}

}  // namespace aigrid::ledger
