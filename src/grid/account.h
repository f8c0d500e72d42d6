// Who asks: tenants, projects, API keys. Plain values, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aigrid::grid {

struct Tenant {
  std::string name;
  std::string display_name;
  std::string zone;  // its requests execute within it; empty: free
  std::string price_book;
  std::string home{};            // where its data is at home, if not `zone`
  std::uint32_t data_level = 1;  // of all its data, at least (grid/law.h)
  std::vector<std::string> regimes{};
};

struct Project {
  std::string name;
  std::string tenant;
  std::string zone;
  std::uint32_t data_level = 0;  // at least; raises the tenant's
  std::vector<std::string> regimes{};
};

// The secret is shown once at creation; only its hash is kept.
struct ApiKey {
  std::string kid;   // 16 hex digits
  std::string hash;  // SHA-256(kid bytes ‖ secret bytes), hex
  std::string tenant;
  std::string project;
  std::string zone;                 // narrows further
  std::vector<std::string> models;  // empty: all that the tenant may see
  std::int64_t expires_unix_s = 0;  // 0: never
  bool revoked = false;
  std::uint32_t data_level = 0;  // at least; raises the project's
  std::vector<std::string> regimes{};
};

}  // namespace aigrid::grid
