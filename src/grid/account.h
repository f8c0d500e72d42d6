// Who asks: tenants, projects, API keys. Plain values, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aigrid::grid {

// Bounds of what may be used, 0: none. They hold over all gateways together. Money in 1e-9 of the currency unit; days
// and months are those of UTC.
struct Limits {
  std::uint32_t requests_per_minute = 0;
  std::uint64_t tokens_per_minute = 0;
  std::uint32_t concurrent_requests = 0;
  std::int64_t spend_nano_per_day = 0;
  std::int64_t spend_nano_per_month = 0;

  bool empty() const { return *this == Limits{}; }
  bool operator==(const Limits&) const = default;
};

struct Tenant {
  std::string name;
  std::string display_name;
  std::string zone;  // its requests execute within it; empty: free
  std::string price_book;
  std::string home{};            // where its data is at home, if not `zone`
  std::uint32_t data_level = 1;  // of all its data, at least (grid/law.h)
  std::vector<std::string> regimes{};
  std::string operator_name = {};  // who sells to it; empty: whoever serves it
  Limits limits = {};
};

struct Project {
  std::string name;
  std::string tenant;
  std::string zone;
  std::uint32_t data_level = 0;  // at least; raises the tenant's
  std::vector<std::string> regimes{};
  Limits limits = {};
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
  Limits limits = {};
};

}  // namespace aigrid::grid
