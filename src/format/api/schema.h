// Schema: the kinds of resources and their fields. One description per kind (describe.h) gives decoding, validation,
// writing and this list for documents. Field names are those in YAML and JSON. Constants and plain values, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "grid/inventory.h"

namespace aigrid::api {

// The order is that of Noun's alternatives and of documents: what is referred to comes first.
enum class Kind : std::uint8_t {
  Operator,
  Site,
  Node,
  Gateway,
  Link,
  Zone,
  Policy,
  Model,
  Deployment,
  Tenant,
  Project,
  PriceBook,
  ApiKey,
};
inline constexpr std::size_t kKinds = 13;

using Noun = std::variant<grid::Operator, grid::Site, grid::Node, grid::Gateway, grid::Link, grid::Zone, grid::Policy,
                          grid::Model, grid::Deployment, grid::Tenant, grid::Project, grid::PriceBook, grid::ApiKey>;

std::string_view to_string(Kind kind);  // "PriceBook"
std::string_view plural(Kind kind);     // "price-books", as in URLs
std::optional<Kind> parse_kind(std::string_view name);
std::optional<Kind> parse_plural(std::string_view name);
std::vector<std::string> kind_names();

inline Kind kind_of(const Noun& noun) { return static_cast<Kind>(noun.index()); }
std::string& name_of(Noun& noun);
const std::string& name_of(const Noun& noun);

std::string_view to_string(grid::SiteKind kind);  // "factory" …
std::string_view to_string(grid::Task task);      // "chat" | "embedding"
std::string_view to_string(grid::Driver driver);  // "llama.cpp" | "openai"

struct Field {
  std::string name;
  std::string type;  // text | number | whole number | true/false | list of text | map of text | one of | list of prices
                     // | list of objects | limits
  std::string unit;  // "W", "ms" …, or empty
  std::optional<double> min;
  std::optional<double> max;
  bool required = false;
  std::vector<std::string> choices;
  std::optional<Kind> refers;  // the value (or each value) names a resource of this kind
  std::string meaning;
  std::vector<std::string> parts;  // list of objects: their fields
};

// A noun of this kind with every member at its default.
Noun blank(Kind kind);

std::vector<Field> fields(Kind kind);
// The same as a Markdown table, for the reference.
std::string fields_markdown(Kind kind);

}  // namespace aigrid::api
