#include "format/api/schema.h"

#include <fmt/format.h>

#include <cmath>

#include "format/api/describe.h"

namespace aigrid::api {

namespace {

struct KindName {
  std::string_view name;
  std::string_view plural;
};

constexpr std::array<KindName, kKinds> kNames = {{{"Operator", "operators"},
                                                  {"Site", "sites"},
                                                  {"Node", "nodes"},
                                                  {"Gateway", "gateways"},
                                                  {"Link", "links"},
                                                  {"Zone", "zones"},
                                                  {"Policy", "policies"},
                                                  {"Model", "models"},
                                                  {"Deployment", "deployments"},
                                                  {"Tenant", "tenants"},
                                                  {"Project", "projects"},
                                                  {"PriceBook", "price-books"},
                                                  {"ApiKey", "api-keys"}}};

// Writes down what describe() offers.
class Lister {
 public:
  std::vector<Field> fields;

  void operator()(const char* name, std::string&, const Rule& r) { add(name, "text", r); }
  void operator()(const char* name, bool&, const Rule& r) { add(name, "true/false", r); }
  void operator()(const char* name, double&, const Rule& r) { add(name, "number", r); }
  void operator()(const char* name, std::vector<std::string>&, const Rule& r) { add(name, "list of text", r); }
  void operator()(const char* name, std::map<std::string, std::string>&, const Rule& r) { add(name, "map of text", r); }
  void operator()(const char* name, std::vector<grid::Price>&, const Rule& r) { add(name, "list of prices", r); }
  template <Part T>
  void operator()(const char* name, std::vector<T>&, const Rule& r) {
    add(name, "list of objects", r);
    Lister parts;
    T part;
    describe(part, parts);
    for (const auto& f : parts.fields) fields.back().parts.push_back(f.name);
  }
  void operator()(const char* name, grid::Limits&, const Rule& r) { add(name, "limits", r); }
  template <class T>
  void operator()(const char* name, T&, const Rule& r) {
    if constexpr (std::is_enum_v<T>) {
      add(name, "one of", r);
      for (auto choice : Choices<T>::names) fields.back().choices.emplace_back(choice);
    } else {
      add(name, "whole number", r);
    }
  }

 private:
  void add(const char* name, const char* type, const Rule& r) {
    Field f{name, type, r.unit, {}, {}, r.required, {}, {}, r.meaning, {}};
    if (std::isfinite(r.min)) f.min = r.min;
    if (std::isfinite(r.max)) f.max = r.max;
    if (r.refers >= 0) f.refers = static_cast<Kind>(r.refers);
    fields.push_back(std::move(f));
  }
};

template <std::size_t... I>
Noun blank(Kind kind, std::index_sequence<I...>) {
  Noun out;
  ((static_cast<std::size_t>(kind) == I ? void(out.emplace<I>()) : void()), ...);
  return out;
}

template <class N>
auto& name_member(N& n) {
  if constexpr (Is<N, grid::ApiKey>) {
    return n.kid;
  } else {
    return n.name;
  }
}

}  // namespace

Noun blank(Kind kind) { return blank(kind, std::make_index_sequence<kKinds>()); }

std::string_view to_string(Kind kind) { return kNames.at(static_cast<std::size_t>(kind)).name; }
std::string_view plural(Kind kind) { return kNames.at(static_cast<std::size_t>(kind)).plural; }

std::optional<Kind> parse_kind(std::string_view name) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (kNames[i].name == name) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

std::optional<Kind> parse_plural(std::string_view name) {
  for (std::size_t i = 0; i < kKinds; ++i) {
    if (kNames[i].plural == name) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

std::vector<std::string> kind_names() {
  std::vector<std::string> out;
  for (const auto& k : kNames) out.emplace_back(k.name);
  return out;
}

std::string& name_of(Noun& noun) {
  return std::visit([](auto& n) -> std::string& { return name_member(n); }, noun);
}
const std::string& name_of(const Noun& noun) {
  return std::visit([](const auto& n) -> const std::string& { return name_member(n); }, noun);
}

std::string_view to_string(grid::SiteKind k) { return Choices<grid::SiteKind>::names.at(static_cast<std::size_t>(k)); }
std::string_view to_string(grid::Task t) { return Choices<grid::Task>::names.at(static_cast<std::size_t>(t)); }
std::string_view to_string(grid::Driver d) { return Choices<grid::Driver>::names.at(static_cast<std::size_t>(d)); }

std::vector<Field> fields(Kind kind) {
  Lister lister;
  Noun noun = blank(kind);
  std::visit([&lister](auto& n) { describe(n, lister); }, noun);
  return std::move(lister.fields);
}

std::string fields_markdown(Kind kind) {
  std::string out = "| Field | Type | Unit, range | Required | Meaning |\n|---|---|---|---|---|\n";
  for (const auto& f : fields(kind)) {
    std::string range = f.unit;
    if (f.min || f.max) {
      range += fmt::format("{}{} to {}", range.empty() ? "" : ", ", f.min ? fmt::format("{}", *f.min) : "",
                           f.max ? fmt::format("{}", *f.max) : "");
    }
    std::string type = f.type;
    if (!f.choices.empty()) type += fmt::format(": {}", fmt::join(f.choices, ", "));
    if (!f.parts.empty()) type += fmt::format(" ({})", fmt::join(f.parts, ", "));
    if (f.refers) type += fmt::format(" ({})", to_string(*f.refers));
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", f.name, type, range, f.required ? "yes" : "", f.meaning);
  }
  return out;
}

}  // namespace aigrid::api
