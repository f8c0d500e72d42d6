// Ledger rows: a gateway's record, rated, as the store keeps it; the sums of a row are all tokens of all attempts, in
// one bucket each. Pure but for the catalog it looks names up in. One worker.
#pragma once

#include "app/control/catalog.h"
#include "grid/usage.h"
#include "io/store/records.h"

namespace aigrid::control {

// `line`: the record as it came.
io::RecordRow ledger_row(const grid::Record& record, std::string_view line, const Catalog& catalog);

}  // namespace aigrid::control
