#include "core/dispatch/ownership.h"

#include <algorithm>
#include <tuple>

#include "base/rendezvous.h"

namespace aigrid::dispatch {

const Member& owner_of(std::string_view deployment, const std::vector<Member>& living) {
  if (living.size() == 1) return living.front();
  const auto rank = [&](const Member& m) {
    const std::uint64_t weight = rendezvous_weight({deployment, m.gateway, std::to_string(m.worker)});
    return std::tuple<std::uint64_t, const Member&>(weight, m);
  };
  return *std::max_element(living.begin(), living.end(),
                           [&](const Member& a, const Member& b) { return rank(a) < rank(b); });
}

const std::string* next_in_turn(const std::string& last, const std::vector<const std::string*>& names) {
  if (names.empty()) return nullptr;
  const auto after = std::find_if(names.begin(), names.end(), [&](const std::string* name) { return *name > last; });
  return after == names.end() ? names.front() : *after;
}

}  // namespace aigrid::dispatch
