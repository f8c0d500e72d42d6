// One side of a change, at one second: what it permits whom. Borrows the inventory. One owner.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/policy/residency.h"
#include "grid/inventory.h"

namespace aigrid::policy {

// Whom to ask about: an account, perhaps by one of its keys, or a key that moved from one account to another.
struct Party {
  std::string tenant;
  std::string project;
  std::string key;
};

class Side {
 public:
  Side(const grid::Inventory& inventory, bool before);
  Result<void> compile(const grid::Inventory& inventory, std::int64_t second);

  const Residency& residency() const { return residency_; }
  const std::map<std::string, const grid::ApiKey*>& keys() const { return keys_; }
  // By site: host names and the zones that they ask for.
  const std::map<std::string, const std::map<std::string, std::string>*>& hosts() const { return hosts_; }

  // All that the law knows of an account but its name: accounts of one footing, on both sides, move alike.
  std::string footing(const Party& party, const std::string& model) const;
  SiteSet permitted(const Party& party, const std::string& model, Action action, std::uint32_t level,
                    const std::vector<std::string>& regimes) const;

 private:
  // False: with this key, nothing at all.
  bool narrow(Subject& subject, const std::string& kid, const std::string& model) const;
  bool sees(const std::string& model, std::string_view tenant) const;

  bool before_;
  std::int64_t second_ = 0;
  Residency residency_;
  std::map<std::string, const grid::Tenant*> tenants_;
  std::map<std::pair<std::string, std::string>, const grid::Project*> projects_;
  std::map<std::string, std::string> bound_by_;  // tenant or project → policies that name it
  std::map<std::string, const grid::Model*> models_;
  std::map<std::string, const grid::ApiKey*> keys_;
  std::map<std::string, const std::map<std::string, std::string>*> hosts_;
};

}  // namespace aigrid::policy
