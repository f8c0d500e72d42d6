#include "core/access/two_admins.h"

namespace aigrid::access {

std::optional<std::string> no_second_person(const KeyHolder& first, const KeyHolder& second) {
  if (first.name == second.name) return "the approval is by " + first.name + " as well";
  const auto shared = [](const KeyHolder& holder, const KeyHolder& other) -> std::optional<std::string> {
    if (holder.seen_by != other.name) return std::nullopt;
    return "the key of " + holder.name + " was made by " + other.name + ", who has seen it: " + holder.name +
           " has to renew it first (aigrid admin renew)";
  };
  if (auto why = shared(first, second)) return why;
  return shared(second, first);
}

}  // namespace aigrid::access
