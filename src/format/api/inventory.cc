#include "format/api/inventory.h"

#include <algorithm>

namespace aigrid::api {

void add(grid::Inventory& inventory, Noun noun) {
  for_each_list(inventory, [&noun](Kind, auto& list) {
    using N = typename std::remove_reference_t<decltype(list)>::value_type;
    if (auto* n = std::get_if<N>(&noun)) list.push_back(std::move(*n));
  });
}

void sort_by_name(grid::Inventory& inventory) {
  for_each_list(inventory, [](Kind, auto& list) {
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
      if constexpr (requires { a.kid; }) {
        return a.kid < b.kid;
      } else {
        return a.name < b.name;
      }
    });
  });
}

}  // namespace aigrid::api
