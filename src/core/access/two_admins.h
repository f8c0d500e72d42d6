// Two admins: whose word counts as a second person's, and what needs one. A key that somebody else has seen is not its
// holder's alone: with it that one could approve of himself. Whoever makes an admin sees its key; renewing it, which
// only its holder can, ends that. Pure, any thread.
#pragma once

#include <optional>
#include <string>

namespace aigrid::access {

// An admin whose key came with a request.
struct KeyHolder {
  std::string name;
  std::string seen_by{};  // who else has had this key in hand; empty: nobody
  bool root = false;      // the key that control was started with: whoever has it holds the machine
};

// How many named admins there are, root aside.
struct NamedAdmins {
  bool ever = false;      // made at any time
  bool in_force = false;  // one now
};

// Nothing: `second` is another person than `first`. Else why not, for people.
std::optional<std::string> no_second_person(const KeyHolder& first, const KeyHolder& second);

// Once there was a named admin the rule holds, whoever is revoked: else revoking would be the way round it.
inline bool two_needed(const NamedAdmins& named) { return named.ever; }
// To make an admin, too: else one could make his own second. But root may where nobody is left who could approve.
inline bool two_needed_to_make_admin(const KeyHolder& by, const NamedAdmins& named) {
  return two_needed(named) && !(by.root && !named.in_force);
}

}  // namespace aigrid::access
