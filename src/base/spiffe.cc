#include "base/spiffe.h"

#include <array>

namespace aigrid {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr std::size_t kLongestPart = 63;
constexpr std::array<std::string_view, 4> kRoles{"control", "gateway", "agent", "admin"};

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool good_part(std::string_view part) {
  if (part.empty() || part.size() > kLongestPart || !letter_or_digit(part.front())) return false;
  for (const char c : part) {
    if (!letter_or_digit(c) && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

Error bad(std::string_view text, std::string_view rule) {
  std::string shown;
  for (const char c : text.substr(0, 120)) shown.push_back(c >= ' ' && c <= '~' ? c : '?');
  return invalid("identity '" + shown + "': " + std::string(rule) +
                 "; expected spiffe://<grid>/{control|gateway|agent|admin}/<site>/<id>");
}

}  // namespace

std::string_view to_string(Role role) { return kRoles[static_cast<std::size_t>(role)]; }

Result<Spiffe> Spiffe::parse(std::string_view text) {
  if (!text.starts_with(kScheme)) return bad(text, "does not start with spiffe://");
  std::array<std::string_view, 4> parts;
  std::string_view rest = text.substr(kScheme.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t slash = rest.find('/');
    if ((slash == std::string_view::npos) != (i + 1 == parts.size())) return bad(text, "has not exactly four parts");
    parts[i] = rest.substr(0, slash);
    if (!good_part(parts[i])) return bad(text, "a part is not 1 to 63 characters of a-z 0-9 . _ -");
    if (slash != std::string_view::npos) rest.remove_prefix(slash + 1);
  }
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    if (parts[1] == kRoles[i]) {
      return Spiffe{std::string(parts[0]), static_cast<Role>(i), std::string(parts[2]), std::string(parts[3])};
    }
  }
  return bad(text, "unknown role");
}

Result<std::string> Spiffe::format() const {
  std::string text = std::string(kScheme) + grid + "/" + std::string(to_string(role)) + "/" + site + "/" + id;
  if (!good_part(grid) || !good_part(site) || !good_part(id)) {
    return bad(text, "a part is not 1 to 63 characters of a-z 0-9 . _ -");
  }
  return text;
}

}  // namespace aigrid
