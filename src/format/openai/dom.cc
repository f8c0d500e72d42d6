#include "format/openai/dom.h"

#include <fmt/format.h>

#include <algorithm>

#include "format/json/json.h"
#include "format/openai/intent.h"

namespace aigrid::openai {

namespace {

const char* name_of(const Element& e) {
  switch (e.type()) {
    case simdjson::dom::element_type::ARRAY: return "a list";
    case simdjson::dom::element_type::OBJECT: return "an object";
    case simdjson::dom::element_type::STRING: return "text";
    case simdjson::dom::element_type::BOOL: return "true or false";
    case simdjson::dom::element_type::NULL_VALUE: return "null";
    default: return "a number";
  }
}

// Currency units per million output tokens.
bool read_max_price(Checks& c, const std::string& param, const Element& e, grid::Intent& out) {
  double price = 0;
  Object prices;
  if (e.is_object()) {
    if (!c.object(param, e, prices)) return false;
    for (const auto field : prices) {
      const std::string path = param + "." + std::string(field.key);
      if (field.key != "completion")
        return c.unsupported(path, "only max_price.completion can be held to; leave the others out");
      if (!c.number(path, field.value, 0, 1e9, price)) return false;
      out.max_price_nano = nano_per_token(price);
    }
    return true;
  }
  if (!c.number(param, e, 0, 1e9, price)) return false;
  out.max_price_nano = nano_per_token(price);
  return true;
}

bool read_sort(Checks& c, const std::string& param, const Element& e, grid::Intent& out) {
  std::string word;
  if (!c.text(param, e, word)) return false;
  if (word == "latency") {
    out.sort = grid::Sort::Latency;
  } else if (word == "price") {
    out.sort = grid::Sort::Price;
  } else {
    return c.fail(param, fmt::format("{} is {}, but must be latency or price", param, json::quoted(word)));
  }
  return true;
}

bool read_tier(Checks& c, const std::string& param, const Element& e, grid::Intent& out) {
  std::string word;
  if (!c.text(param, e, word)) return false;
  out.tier = grid::find_tier(word);
  if (out.tier) return true;
  return c.fail(param,
                fmt::format("{} is {}, but must be realtime, standard, economy or batch", param, json::quoted(word)));
}

bool read_slo(Checks& c, const Element& e, grid::Intent& out) {
  Object slo;
  if (!c.object("grid.slo", e, slo)) return false;
  for (const auto field : slo) {
    const std::string path = "grid.slo." + std::string(field.key);
    double ms = 0;
    if (field.key != "ttft_ms") return c.unsupported(path, path + " is not known; ttft_ms is");
    if (!c.number(path, field.value, 0.001, 1e9, ms)) return false;
    out.max_ttft_ms = ms;
  }
  return true;
}

bool read_grid_field(Checks& c, std::string_view key, const Element& e, grid::Intent& out) {
  const std::string path = "grid." + std::string(key);
  if (key == "zone" || key == "zones") return c.texts(path, e, out.zones);
  if (key == "only") return c.texts(path, e, out.only_sites);
  if (key == "ignore") return c.texts(path, e, out.ignore_sites);
  if (key == "regimes") return c.texts(path, e, out.regimes);
  if (key == "data_level") {
    std::int64_t level = 0;
    if (!c.whole(path, e, 0, 4, level)) return false;
    out.data_level = static_cast<std::uint32_t>(level);
    return true;
  }
  if (key == "slo") return read_slo(c, e, out);
  if (key == "max_price") return read_max_price(c, path, e, out);
  if (key == "sort") return read_sort(c, path, e, out);
  if (key == "tier") return read_tier(c, path, e, out);
  if (key == "fallback" || key == "allow_fallbacks") return c.flag(path, e, out.allow_fallbacks);
  if (key == "trace" || key == "explain") return c.flag(path, e, out.trace);
  if (key == "dry_run") return c.flag(path, e, out.dry_run);
  if (key == "client") return true;  // a label for people
  if (key == "max_ttft_ms") {
    double ms = 0;
    if (!c.number(path, e, 0.001, 1e9, ms)) return false;
    out.max_ttft_ms = ms;
    return true;
  }
  if (key == "mode") {
    std::string mode;
    if (!c.text(path, e, mode)) return false;
    if (mode != "require" && mode != "prefer") return c.fail(path, "grid.mode must be require or prefer");
    out.require_ttft = mode == "require";
    return true;
  }
  return c.unsupported(path, path +
                                 " is not known; known are zone, data_level, regimes, slo, max_ttft_ms, mode, "
                                 "max_price, sort, tier, only, ignore, "
                                 "fallback, trace, dry_run");
}

bool read_provider_field(Checks& c, std::string_view key, const Element& e, grid::Intent& out) {
  const std::string path = "provider." + std::string(key);
  if (key == "only") return c.texts(path, e, out.only_sites);
  if (key == "ignore") return c.texts(path, e, out.ignore_sites);
  if (key == "allow_fallbacks") return c.flag(path, e, out.allow_fallbacks);
  if (key == "sort") return read_sort(c, path, e, out);
  if (key == "max_price") return read_max_price(c, path, e, out);
  if (key == "zdr" || key == "data_collection" || key == "require_parameters") return true;  // always so here
  if (key == "preferred_max_latency") {
    double seconds = 0;
    if (!c.number(path, e, 0.000001, 1e6, seconds)) return false;
    out.max_ttft_ms = seconds * 1000;
    return true;
  }
  return c.unsupported(path, path + " is not known here; say it with the grid object");
}

}  // namespace

bool Checks::fail(std::string param, std::string message, std::string code) {
  error_ = {400, std::move(code), std::move(message), std::move(param)};
  return false;
}

bool Checks::wrong_type(const std::string& param, const char* want, const Element& got) {
  return fail(param, fmt::format("{} must be {}, got {}", param, want, name_of(got)), "invalid_type");
}

bool Checks::text(const std::string& param, const Element& e, std::string& out) {
  std::string_view v;
  if (e.get(v) != simdjson::SUCCESS) return wrong_type(param, "text", e);
  out = v;
  return true;
}

bool Checks::flag(const std::string& param, const Element& e, bool& out) {
  return e.get(out) == simdjson::SUCCESS || wrong_type(param, "true or false", e);
}

bool Checks::number(const std::string& param, const Element& e, double min, double max, double& out) {
  if (e.get(out) != simdjson::SUCCESS) return wrong_type(param, "a number", e);
  if (out >= min && out <= max) return true;
  return fail(param, fmt::format("{} is {:.10g}, outside {:.10g} to {:.10g}", param, out, min, max));
}

bool Checks::whole(const std::string& param, const Element& e, std::int64_t min, std::int64_t max, std::int64_t& out) {
  double v = 0;
  if (e.get(v) != simdjson::SUCCESS) return wrong_type(param, "a whole number", e);
  if (v < static_cast<double>(min) || v > static_cast<double>(max)) {
    return fail(param, fmt::format("{} is {:.20g}, outside {} to {}", param, v, min, max));
  }
  out = static_cast<std::int64_t>(v);
  if (static_cast<double>(out) != v)
    return fail(param, fmt::format("{} is {:.10g}, but must be a whole number", param, v));
  return true;
}

bool Checks::object(const std::string& param, const Element& e, Object& out) {
  return e.get(out) == simdjson::SUCCESS || wrong_type(param, "an object", e);
}

bool Checks::array(const std::string& param, const Element& e, Array& out) {
  return e.get(out) == simdjson::SUCCESS || wrong_type(param, "a list", e);
}

bool Checks::texts(const std::string& param, const Element& e, std::vector<std::string>& out) {
  std::string one;
  Array list;
  if (e.is_string()) {
    if (!text(param, e, one)) return false;
    if (one.empty()) return fail(param, param + " is empty");
    out.push_back(one);
    return true;
  }
  if (e.get(list) != simdjson::SUCCESS) return wrong_type(param, "text or a list of text", e);
  if (list.size() == 0) return fail(param, param + " is an empty list; name at least one or leave it out");
  for (const auto item : list) {
    if (!text(param, item, one)) return false;
    if (one.empty()) return fail(param, param + " has an empty entry");
    out.push_back(one);
  }
  return true;
}

namespace {

using ReadField = bool (*)(Checks&, std::string_view, const Element&, grid::Intent&);

// One name for the two that a field may have.
std::string_view field_name(std::string_view key) {
  if (key == "zones") return "zone";
  if (key == "allow_fallbacks") return "fallback";
  return key == "explain" ? "trace" : key;
}

bool read_intent(Checks& checks, const std::string& name, const Element& e, ReadField read,
                 std::vector<grid::Intent>& out) {
  Object fields;
  if (!checks.object(name, e, fields)) return false;
  grid::Intent& own = out.emplace_back();
  std::vector<std::string_view> seen;
  for (const auto field : fields) {
    if (field.value.is_null()) continue;
    const auto key = field_name(field.key);
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      const std::string path = name + "." + std::string(field.key);
      return checks.fail(path, path + " stands twice; say it once");
    }
    seen.push_back(key);
    if (!read(checks, field.key, field.value, own)) return false;
  }
  return true;
}

}  // namespace

bool read_grid(Checks& checks, const Element& e, std::vector<grid::Intent>& out) {
  return read_intent(checks, "grid", e, read_grid_field, out);
}

bool read_provider(Checks& checks, const Element& e, std::vector<grid::Intent>& out) {
  return read_intent(checks, "provider", e, read_provider_field, out);
}

}  // namespace aigrid::openai
