// nearest_name: the known name a mistyped one most likely meant, for error messages. Pure, any thread.
// Algorithm: Damerau-Levenshtein distance with adjacent transpositions (optimal string alignment), case-insensitive.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace aigrid {

inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

// The nearest of `known`, or empty when none is near: more than a third of the longer name differs, and neither
// contains the other. Ties: the first. Names over 128 characters are never near (bounded work on hostile input).
template <class Range>
std::string nearest_name(std::string_view name, const Range& known) {
  std::string best;
  if (name.empty() || name.size() > 128) return best;
  std::size_t best_distance = ~std::size_t{0};
  for (const auto& entry : known) {
    const std::string_view candidate(entry);
    if (candidate.empty() || candidate.size() > 128) continue;
    const bool inside = name.size() >= 3 && (candidate.find(name) != std::string_view::npos);
    const std::size_t distance = edit_distance(name, candidate);
    if (!inside && distance * 3 > std::max(name.size(), candidate.size()) + 1) continue;
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace aigrid
