// Judge: one request's leaf held against the signed bundles that it was decided under: whether each place that had its
// data might have it at the second at which it went there, whether a denial for residency was one, whether its prices
// are those in force and its charge what its attempts make. Immutable once compiled, any thread. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/policy/residency.h"
#include "grid/inventory.h"
#include "grid/receipt.h"

namespace aigrid::audit {

// What the requests of one bundle are judged by.
class Law {
 public:
  // InvalidArgument: a bundle that cannot be compiled, or that says another thing at over kMostPeriods different times.
  static Result<std::shared_ptr<const Law>> compile(const grid::Inventory& inventory);
  static constexpr std::size_t kMostPeriods = 1000;

  // As the bundle is at that second since 1970: certificates and permits expire.
  const policy::Residency& at(std::int64_t second) const;
  // Where the model is deployed. False: the bundle does not say.
  bool deployed(const policy::Residency& residency, std::string_view model, policy::SiteSet& sites) const;
  // nullptr: the bundle has none of this name.
  const grid::Site* site(std::string_view name) const;
  // The tenant's price book and the model's prices in it.
  struct Terms {
    std::string_view price_book;
    grid::Price price;
  };
  Terms terms(std::string_view tenant, std::string_view model) const;

 private:
  struct Period {
    std::int64_t until = 0;  // the first second at which it says another thing
    policy::Residency residency;
  };
  std::vector<Period> periods_;  // ascending; the last one never ends
  std::map<std::string, grid::Site, std::less<>> sites_;
  std::map<std::string, std::vector<std::string>, std::less<>> sites_of_;  // by model
  std::map<std::string, std::string, std::less<>> price_book_of_;          // by tenant
  std::map<std::string, std::map<std::string, grid::Price, std::less<>>, std::less<>> books_;
};
using Laws = std::map<std::string, std::shared_ptr<const Law>, std::less<>>;  // by hash of the manifest, 32 bytes

// Judges leaf after leaf by the same laws, and remembers what those permit to whom. One owner; outlived by the laws.
class Judge {
 public:
  explicit Judge(const Laws& laws) : laws_(laws) {}
  // What is wrong with the leaf; empty: nothing. `unjudged`: a bundle of it is not there.
  std::string judge(const grid::RequestLeaf& leaf, bool& unjudged);

  using Known = std::map<std::pair<const policy::Residency*, std::string>, Result<policy::Permit>>;

 private:
  const Laws& laws_;
  Known known_;  // by a bundle at a time, and who asks
};

}  // namespace aigrid::audit
