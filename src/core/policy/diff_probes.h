// Probes of a diff: which regimes, models and seconds have to be asked about so that nothing that differs is
// overlooked. Pure, any thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "grid/inventory.h"

namespace aigrid::policy {

// Sets of regimes, the empty one among them.
std::vector<std::vector<std::string>> probed_regimes(const grid::Inventory& before, const grid::Inventory& after);
// Models that the law, a licence, a key or their absence on one side tells apart; "" stands for the others.
std::set<std::string> probed_models(const grid::Inventory& before, const grid::Inventory& after);
// `second`, and every later one from which on something has ended on either side; ascending.
std::vector<std::int64_t> probed_seconds(const grid::Inventory& before, const grid::Inventory& after,
                                         std::int64_t second);
// Zones that stand only in forbids and exclusions: what comes into them is cut, and nobody runs there by naming them.
std::set<std::string> only_cutting_zones(const grid::Inventory& before, const grid::Inventory& after);

}  // namespace aigrid::policy
