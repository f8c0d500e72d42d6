// On change: a request that runs where the newest law forbids it is cut, unless
// every policy that forbids it there says `on_change: drain`; then it may go on
// for a while, to be moved or to end. Other bounds (zones of the model, tenant,
// project, key and request) always cut. Pure.
#pragma once

#include <optional>

#include "grid/inventory.h"

namespace aigrid::policy {

// The law without what such policies forbid. Nothing: there are none. It is no
// law for what begins.
std::optional<grid::Inventory> for_what_runs(const grid::Inventory& inventory);

}  // namespace aigrid::policy
