// Ledger rows: a gateway's record, rated, as the store keeps it; the sums of a row are all tokens of all attempts, in
// one bucket each. Pure but for the catalog it looks names up in. One worker.
#pragma once

#include "app/control/catalog.h"
#include "grid/usage.h"
#include "io/store/records.h"

namespace aigrid::control {

// `line`: the record as it came. `catalog`: to look names up; none: they count as known.
io::RecordRow ledger_row(const grid::Record& record, std::string_view line, const Catalog* catalog);
// What a node did that no request's record has (core/ledger/node_work.h): counts as no request of its own, and costs
// what its site costs now.
io::RecordRow node_work_row(grid::Record record, const Catalog& catalog);
// The row that control's closing of a request made, to take it back. Any thread.
Result<io::RecordRow> closing_row(std::string_view line);

}  // namespace aigrid::control
