// Where the spools of a gateway's workers lie, and who takes on those of workers that are no more: a process that comes
// back with fewer of them loses nothing. Blocking: for start-up.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/store/spool.h"

namespace aigrid::gateway {

// `<folder>/spool`, and `<folder>/spool~<n>` of worker n.
std::string spool_path(const std::string& folder, std::uint32_t worker);
// Those that worker `worker` of `workers` takes on. Errors: those of the disk.
Result<std::vector<std::unique_ptr<io::Spool>>> left_spools(io::Env& env, const std::string& folder,
                                                            std::uint32_t worker, std::uint32_t workers);

}  // namespace aigrid::gateway
