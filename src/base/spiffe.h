// Spiffe: the name of a grid member, spiffe://<grid>/{control|gateway|agent|admin}/<site>/<id>. Compare and authorise
// by these parts, never by a prefix of the text. A plain value, any thread. Errors: InvalidArgument.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace aigrid {

enum class Role : std::uint8_t { Control, Gateway, Agent, Admin };

std::string_view to_string(Role role);  // "gateway"

struct Spiffe {
  std::string grid;
  Role role = Role::Agent;
  std::string site;
  std::string id;

  // Strict: exactly four parts, each of 1 to 63 characters out of a-z 0-9 . _ - starting with a letter or digit (so
  // never
  // "." or ".."); no upper case, escapes, port, query or trailing slash. One text per name.
  static Result<Spiffe> parse(std::string_view text);
  // The text; InvalidArgument where a part breaks the rules of parse().
  Result<std::string> format() const;

  auto operator<=>(const Spiffe&) const = default;
};

}  // namespace aigrid
