// Settlement: what operators owe each other. A tenant of operator A that is served at a site of operator B: A owes B
// the cost of that work and the margin B asks for, unless B bears it itself. Exact: costs are summed first, the margin
// is taken once per (debtor, creditor, margin) and rounded half to even there. Pure, any thread; order does not matter.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/ledger/rating.h"
#include "grid/usage.h"

namespace aigrid::ledger {

struct Debt {
  std::string debtor;    // the operator that sells to the tenant
  std::string creditor;  // the operator of the site
  std::string currency;  // of the tenant's price book
  std::int64_t margin_ppm = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::int64_t cost_nano = 0;
};

// The debts that one rated record makes; none where debtor and creditor are one, or one of them is not known.
std::vector<Debt> debts(const grid::Record& record, const Charge& charge);

// Cost and margin of summed debts, rounded half to even, saturating.
std::int64_t owed_nano(std::int64_t cost_nano, std::int64_t margin_ppm);

}  // namespace aigrid::ledger
