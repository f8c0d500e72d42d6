// Who owns the queue of a deployment at a site: the one of the site's living workers that rendezvous hashing picks, so
// that all its gateways ask one queue and nobody has to be elected. Pure; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aigrid::dispatch {

// One event loop of one gateway of the site.
struct Member {
  std::string gateway;
  std::uint32_t worker = 0;
  friend auto operator<=>(const Member&, const Member&) = default;
};

// `living` is not empty. The same whatever its order.
const Member& owner_of(std::string_view deployment, const std::vector<Member>& living);

// Whom to ask of several that are as good as each other: the one after `last` by name, so that they take turns.
// `names` ascend; null: there is none.
const std::string* next_in_turn(const std::string& last, const std::vector<const std::string*>& names);

}  // namespace aigrid::dispatch
