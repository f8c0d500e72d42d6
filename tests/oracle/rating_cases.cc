// Prints random records with what core/ledger makes of them, one JSON object a line, for rating_oracle.py to judge:
// rating_cases COUNT SEED.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/random.h"
#include "core/ledger/settlement.h"
#include "format/inner/records.h"
#include "format/json/json.h"

namespace aigrid {
namespace {

using json::Json;

std::uint64_t tokens(Random& random) {
  const auto kind = random.below(8);
  if (kind == 0) return 0;
  if (kind == 1) return random.below(2'000'000'000'000);
  return random.below(5000);
}

std::int64_t price(Random& random) {
  const auto kind = random.below(8);
  if (kind == 0) return 0;
  if (kind == 1) return static_cast<std::int64_t>(random.below(std::uint64_t{1} << 62U));
  return static_cast<std::int64_t>(random.below(100'000));
}

grid::AttemptRecord any_attempt(Random& random, std::uint32_t number) {
  grid::AttemptRecord a;
  a.number = number;
  a.site = "s" + std::to_string(random.below(3));
  a.node = "n";
  a.result = random.below(2) == 0 ? "ok" : "node_lost";
  a.usage = {tokens(random), tokens(random), 0};
  a.heard_tokens = random.below(3) == 0 ? tokens(random) : a.usage.completion_tokens;
  // Close to where a count is taken for an error.
  if (random.below(2) == 0)
    a.heard_tokens -= random.below(std::min<std::uint64_t>(a.heard_tokens, a.heard_tokens / 64 + 9) + 1);
  a.hedge = random.below(5) == 0;
  a.resumes = number > 1 && random.below(3) == 0;
  a.operator_name = random.below(4) == 0 ? "" : "op" + std::to_string(random.below(3));
  a.cost_nano = price(random);
  a.margin_ppm = static_cast<std::int64_t>(random.below(300'000));
  return a;
}

grid::Record any_record(Random& random) {
  grid::Record r;
  r.source = "gw";
  r.epoch = 1;
  r.request_id = "req";
  r.outcome = static_cast<grid::Outcome>(random.below(6));
  if (random.below(6) == 0) r.code = "policy_cut";
  if (random.below(8) == 0) r.code = std::array{"probe", "cancel_tail", "retry"}.at(random.below(3));
  r.terms.price_book = random.below(5) == 0 ? "" : "list";
  r.terms.currency = "EUR";
  r.terms.input_nano = price(random);
  r.terms.output_nano = price(random);
  r.terms.operator_name = random.below(4) == 0 ? "" : "op" + std::to_string(random.below(3));
  r.terms.prompt_most = random.below(3) == 0 ? 0 : random.below(6000);
  const auto count = random.below(5);
  for (std::uint32_t i = 1; i <= count; ++i) r.attempts.push_back(any_attempt(random, i));
  return r;
}

std::string case_text(const grid::Record& record) {
  const auto charge = ledger::rate(record);
  Json lines = Json::array();
  for (const auto& l : charge.lines) {
    lines.push_back({{"attempt", l.attempt},
                     {"bucket", ledger::to_string(l.bucket)},
                     {"bearer", ledger::to_string(l.bearer)},
                     {"prompt", l.prompt_tokens},
                     {"completion", l.completion_tokens},
                     {"price_nano", l.price_nano},
                     {"cost_nano", l.cost_nano}});
  }
  Json debts = Json::array();
  for (const auto& d : ledger::debts(record, charge)) {
    debts.push_back({{"debtor", d.debtor},
                     {"creditor", d.creditor},
                     {"cost_nano", d.cost_nano},
                     {"owed_nano", ledger::owed_nano(d.cost_nano, d.margin_ppm)}});
  }
  return json::dump({{"record", *json::parse(inner::encode(record))},
                     {"lines", lines},
                     {"price_nano", charge.price_nano},
                     {"cost_nano", charge.cost_nano},
                     {"suspect", !charge.suspect.empty()},
                     {"debts", debts}});
}

}  // namespace
}  // namespace aigrid

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: rating_cases COUNT SEED\n");
    return 2;
  }
  aigrid::Random random(std::strtoull(argv[2], nullptr, 10));
  for (long n = std::strtol(argv[1], nullptr, 10); n > 0; --n) {
    std::printf("%s\n", aigrid::case_text(aigrid::any_record(random)).c_str());
  }
  return 0;
}
