#include "format/api/read_spec.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "base/nearest_name.h"
#include "format/json/json.h"

namespace aigrid::api {

namespace {

struct UnitStep {
  const char* written;
  const char* field;
  double factor;
};

// What people write, and the unit of the field it belongs to.
constexpr UnitStep kUnits[] = {
    {"W", "W", 1},
    {"kW", "W", 1e3},
    {"MW", "W", 1e6},
    {"GW", "W", 1e9},
    {"ms", "ms", 1},
    {"us", "ms", 1e-3},
    {"s", "ms", 1e3},
    {"C", "°C", 1},
    {"°C", "°C", 1},
    {"celsius", "°C", 1},
    {"deg", "degrees", 1},
    {"°", "degrees", 1},
    {"k", "tokens", 1e3},
    {"K", "tokens", 1024},
    {"tokens", "tokens", 1},
    {"tokens/s", "tokens/s", 1},
    {"tok/s", "tokens/s", 1},
    {"t/s", "tokens/s", 1},
};

// `300 W` → 300 in the field's unit; nothing when it is no number with a unit.
std::optional<double> number_with_unit(const std::string& text, const char* unit, bool* other_unit) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(value)) return std::nullopt;
  std::string rest(end);
  while (!rest.empty() && rest.front() == ' ') rest.erase(0, 1);
  while (!rest.empty() && rest.back() == ' ') rest.pop_back();
  if (rest.empty() || rest == unit) return value;
  for (const auto& u : kUnits) {
    if (rest == u.written && std::string_view(unit) == u.field) return value * u.factor;
  }
  *other_unit = true;
  return value;
}

std::string shown(const Json& value) {
  if (value.is_structured()) return std::string(json::type_name(value));
  std::string text = json::dump(value);
  if (text.size() > 60) text = text.substr(0, 60) + "…";
  return text;
}

bool upper(char c) { return c >= 'A' && c <= 'Z'; }

bool country(std::string_view v) { return v.size() == 2 && upper(v[0]) && upper(v[1]); }

bool matches(Form form, std::string_view v) {
  switch (form) {
    case Form::Any: return true;
    case Form::Country: return country(v);
    case Form::Jurisdiction: {
      if (v.size() == 2) return country(v);
      if (v.size() < 4 || v.size() > 6 || v[2] != '-' || !country(v.substr(0, 2))) return false;
      return v.substr(3).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == std::string_view::npos;
    }
    case Form::Currency: return v.size() == 3 && upper(v[0]) && upper(v[1]) && upper(v[2]);
    case Form::Date: {
      const auto digits = [v](std::string_view form) {
        return v.size() == form.size() && std::equal(v.begin(), v.end(), form.begin(), [](char c, char f) {
                 return f == 'd' ? c >= '0' && c <= '9' : c == f;
               });
      };
      return digits("dddd-dd-dd") || digits("dddd-dd-ddTdd:dd:ddZ");
    }
    case Form::Action: {
      const auto& all = grid::kActionNames;
      return v == "*" || std::find(all.begin(), all.end(), v) != all.end();
    }
    case Form::Sha256: return v.size() == 64 && v.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  }
  return false;
}

const char* form_rule(Form form) {
  switch (form) {
    case Form::Any: return "";
    case Form::Country: return "an ISO 3166-1 country code of two capital letters, such as FR";
    case Form::Jurisdiction: return "a country such as FR or a subdivision such as US-CA";
    case Form::Currency: return "an ISO 4217 code of three capital letters, such as EUR";
    case Form::Date: return "a date such as 2027-03-01";
    case Form::Action:
      return "one of terminate, route, process, cache, persist, log-meta, log-content, telemetry, admin, or \"*\"";
    case Form::Sha256: return "64 hexadecimal digits in lower case";
  }
  return "";
}

}  // namespace

void SpecReader::wrong(const std::string& pointer, std::string message, std::string remedy) {
  problems_.push_back(problem_at(resource_, pointer, std::move(message), std::move(remedy)));
}

const Json* SpecReader::find(const char* name, const Rule& rule) {
  known_.emplace_back(name);
  const auto it = object_.find(name);
  if (it != object_.end() && !it->is_null()) return &*it;
  if (rule.required) {
    wrong(at(name), std::string(name) + " is missing", fmt::format("add {}: {}", name, rule.meaning));
  }
  return nullptr;
}

void SpecReader::wrong_type(const char* name, const Json& got, const char* type, const Rule& rule) {
  const std::string pointer = at(name);
  const bool number = rule.unit[0] != '\0' || std::isfinite(rule.min);
  if (number && got.is_string()) {
    bool other_unit = false;
    const auto value = number_with_unit(got.get<std::string>(), rule.unit, &other_unit);
    const std::string unit = rule.unit[0] == '\0' ? "without unit" : fmt::format("in {}", rule.unit);
    const std::string message = fmt::format("{} is {}, but {} is a plain number {}", shown(got), "text", name, unit);
    if (value && !other_unit) return wrong(pointer, message, fmt::format("write {}: {:.10g}", name, *value));
    return wrong(
        pointer, message,
        other_unit ? fmt::format("convert it and write the number {}", unit) : "write a number without quotes");
  }
  wrong(pointer, fmt::format("{} must be {}, got {}", name, type, shown(got)), fmt::format("write {}", type));
}

void SpecReader::check_form(const std::string& pointer, const std::string& value, const Rule& rule) {
  if (matches(rule.form, value)) return;
  wrong(pointer, fmt::format("{} is not {}", json::quoted(value.substr(0, 80)), form_rule(rule.form)),
        fmt::format("write {}", form_rule(rule.form)));
}

void SpecReader::operator()(const char* name, std::string& out, const Rule& rule) {
  const Json* v = find(name, rule);
  if (v == nullptr) return;
  if (!v->is_string()) return wrong_type(name, *v, "text", rule);
  out = v->get<std::string>();
  if (out.empty() && rule.required) {
    return wrong(at(name), std::string(name) + " is empty", fmt::format("write {}", rule.meaning));
  }
  if (!out.empty()) check_form(at(name), out, rule);
}

void SpecReader::operator()(const char* name, bool& out, const Rule& rule) {
  const Json* v = find(name, rule);
  if (v == nullptr) return;
  if (!v->is_boolean()) return wrong_type(name, *v, "true or false", rule);
  out = v->get<bool>();
}

bool SpecReader::in_range(const char* name, double value, double min, double max, const Rule& rule) {
  if (value >= min && value <= max) return true;
  wrong(at(name),
        fmt::format("{} is {:.10g}{}{}, outside {:.10g} to {:.10g}", name, value, rule.unit[0] != '\0' ? " " : "",
                    rule.unit, min, max),
        "write a number in that range");
  return false;
}

void SpecReader::operator()(const char* name, double& out, const Rule& rule) {
  const Json* v = find(name, rule);
  if (v == nullptr) return;
  if (!v->is_number()) return wrong_type(name, *v, "a number", rule);
  if (in_range(name, v->get<double>(), rule.min, rule.max, rule)) out = v->get<double>();
}

void SpecReader::whole(const char* name, std::int64_t& out, double min, double max, const Rule& rule) {
  const Json* v = find(name, rule);
  if (v == nullptr) return;
  if (!v->is_number() || (v->is_number_float() && v->get<double>() != std::floor(v->get<double>()))) {
    return wrong_type(name, *v, "a whole number", rule);
  }
  if (!in_range(name, v->get<double>(), min, max, rule)) return;
  out = v->is_number_float() ? static_cast<std::int64_t>(v->get<double>()) : v->get<std::int64_t>();
}

void SpecReader::choice(const char* name, const std::vector<std::string>& names, std::size_t& index, const Rule& rule) {
  const Json* v = find(name, rule);
  if (v == nullptr) return;
  if (!v->is_string()) return wrong_type(name, *v, "text", rule);
  const auto& word = v->get_ref<const std::string&>();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == word) {
      index = i;
      return;
    }
  }
  const auto near = nearest_name(word, names);
  wrong(at(name), fmt::format("{} is none of {}", shown(*v), fmt::join(names, ", ")),
        near.empty() ? "choose one of them" : "did you mean " + near + "?");
}

void SpecReader::operator()(const char* name, std::vector<std::string>& out, const Rule& rule) {
  const Json* v = find(name, rule);
  if (v == nullptr) return;
  if (!v->is_array()) return wrong_type(name, *v, "a list", rule);
  for (std::size_t i = 0; i < v->size(); ++i) {
    const Json& item = (*v)[i];
    const std::string pointer = fmt::format("{}/{}/{}", pointer_, name, i);
    if (!item.is_string() || item.get_ref<const std::string&>().empty()) {
      wrong(pointer, fmt::format("entry {} of {} must be text, got {}", i, name, shown(item)), "write text");
      continue;
    }
    out.push_back(item.get<std::string>());
    check_form(pointer, out.back(), rule);
  }
  if (out.empty() && v->empty() && rule.required) {
    wrong(at(name), std::string(name) + " is empty", fmt::format("list at least one: {}", rule.meaning));
  }
}

void SpecReader::operator()(const char* name, std::map<std::string, std::string>& out, const Rule& rule) {
  const Json* v = find(name, rule);
  if (v == nullptr) return;
  if (!v->is_object()) return wrong_type(name, *v, "a map of text", rule);
  for (const auto& [key, item] : v->items()) {
    if (item.is_string()) {
      out[key] = item.get<std::string>();
    } else if (item.is_primitive() && !item.is_null()) {
      // YAML writes `certified: true` and `version: 3` without quotes; the text is what was meant.
      out[key] = json::dump(item);
    } else {
      wrong(fmt::format("{}/{}/{}", pointer_, name, key),
            fmt::format("{} of {} must be text, got {}", json::quoted(key), name, shown(item)), "write text");
    }
  }
}

void SpecReader::operator()(const char* name, std::vector<grid::Price>& out, const Rule& rule) {
  const Json* v = find(name, rule);
  if (v == nullptr) return;
  if (!v->is_array()) return wrong_type(name, *v, "a list", rule);
  for (std::size_t i = 0; i < v->size(); ++i) {
    const std::string pointer = fmt::format("{}/{}/{}", pointer_, name, i);
    const Json& item = (*v)[i];
    grid::Price price;
    json::Reader r(item);
    r.get("model", price.model).get("input_nano_per_token", price.input_nano_per_token);
    r.get("output_nano_per_token", price.output_nano_per_token);
    if (!r.ok()) {
      wrong(pointer, r.result().error().message, "money is a whole number of 1e-9 currency units per token");
    } else if (price.model.empty()) {
      wrong(pointer + "/model", "model is missing", "name the model that the price is for");
    } else if (price.input_nano_per_token < 0 || price.output_nano_per_token < 0) {
      wrong(pointer, "a price is negative", "write 0 or more");
    }
    if (!item.is_object()) continue;
    for (const auto& [key, member] : item.items()) {
      const std::vector<std::string> known = {"model", "input_nano_per_token", "output_nano_per_token"};
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const auto near = nearest_name(key, known);
      wrong(pointer + "/" + key, "unknown field " + json::quoted(key),
            near.empty() ? fmt::format("a price has {}", fmt::join(known, ", ")) : "did you mean " + near + "?");
    }
    out.push_back(std::move(price));
  }
}

const Json* SpecReader::parts(const char* name, const Rule& rule) {
  const Json* v = find(name, rule);
  if (v == nullptr || v->is_array()) return v;
  wrong_type(name, *v, "a list", rule);
  return nullptr;
}

void SpecReader::wrong_part(const std::string& pointer, const Json& got) {
  wrong(pointer, fmt::format("an entry must be an object, got {}", shown(got)), "write field: value lines");
}

void SpecReader::operator()(const char* name, grid::Limits& out, const Rule& rule) {
  const Json* v = find(name, rule);
  if (v == nullptr) return;
  if (!v->is_object()) return wrong_type(name, *v, "a map of limits", rule);
  SpecReader members(resource_, *v, at(name), problems_, unknown_);
  describe(out, members);
  members.report_unknown();
}

void SpecReader::report_unknown() {
  if (unknown_ == Unknown::Skip) return;
  const std::string whose =
      pointer_ == kSpec ? std::string(to_string(resource_.kind)) : pointer_.substr(std::string_view(kSpec).size() + 1);
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const auto near = nearest_name(key, known_);
    wrong(at(key), fmt::format("unknown field {} of {}", json::quoted(key), whose),
          near.empty() ? fmt::format("{} has {}", whose, fmt::join(known_, ", "))
                       : fmt::format("did you mean {}?", near));
  }
}

}  // namespace aigrid::api
