#include "app/gateway/worker_spools.h"

#include "grid/source.h"

namespace aigrid::gateway {

namespace {

constexpr const char* kSpool = "spool";

}  // namespace

std::string spool_path(const std::string& folder, std::uint32_t worker) {
  return folder + "/" + grid::source_of(kSpool, worker);
}

Result<std::vector<std::unique_ptr<io::Spool>>> left_spools(io::Env& env, const std::string& folder,
                                                            std::uint32_t worker, std::uint32_t workers) {
  std::vector<std::unique_ptr<io::Spool>> out;
  AIGRID_TRY(const auto names, env.files().list(folder));
  for (const auto& name : names) {
    const std::uint32_t of = grid::worker_of(name);
    if (grid::gateway_of(name) != kSpool || of < workers || of % workers != worker) continue;
    AIGRID_TRY(auto spool, io::Spool::open(env, folder + "/" + name));
    out.push_back(std::move(spool));
  }
  return out;
}

}  // namespace aigrid::gateway
