#include "format/json/json.h"

#include <cmath>

namespace aigrid::json {

namespace {

// Deepest nesting of brackets outside strings; nlohmann builds any depth but destroys and dumps it recursively.
bool deeper_than(std::string_view text, unsigned limit) {
  unsigned depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > limit) return true;
    } else if (c == '}' || c == ']') {
      if (depth > 0) --depth;
    }
  }
  return false;
}

}  // namespace

Result<Json> parse(std::string_view text, unsigned max_depth) {
  if (deeper_than(text, max_depth)) {
    return invalid("JSON is nested deeper than " + std::to_string(max_depth) + " levels; flatten it");
  }
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) {
    const auto begin = std::string(text.substr(0, 40));
    return invalid("not JSON: " + dump(Json(begin)) + (text.size() > 40 ? "…" : "") + "; send one complete JSON value");
  }
  return value;
}

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string quoted(std::string_view text) { return dump(Json(std::string(text))); }

std::string_view type_name(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::object: return "an object";
    case Json::value_t::array: return "a list";
    case Json::value_t::string: return "text";
    case Json::value_t::boolean: return "true or false";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float: return "a number";
    default: return "nothing";
  }
}

Reader::Reader(const Json& value, std::string where) : value_(&value), where_(std::move(where)) {
  if (!value.is_object()) error_ = where_ + ": must be an object, got " + std::string(type_name(value));
}

const Json* Reader::find(const char* name) const {
  if (!value_->is_object()) return nullptr;
  const auto it = value_->find(name);
  return it == value_->end() || it->is_null() ? nullptr : &*it;
}

void Reader::fail(const char* name, std::string_view rule, const Json* got) {
  if (!error_.empty()) return;
  error_ = where_ + (where_.empty() ? "" : ".") + name + ": must be " + std::string(rule);
  if (got != nullptr) {
    std::string text = got->is_structured() ? std::string(type_name(*got)) : dump(*got);
    if (text.size() > 60) text = text.substr(0, 60) + "…";
    error_ += ", got " + text;
  }
}

void Reader::adopt(Result<void> other) {
  if (!other.ok() && error_.empty()) error_ = other.error().message;
}

Result<void> Reader::result() const {
  if (!error_.empty()) return invalid(error_);
  return {};
}

Reader& Reader::get(const char* name, std::string& out) {
  if (const Json* v = find(name)) {
    if (v->is_string()) {
      out = v->get_ref<const std::string&>();
    } else {
      fail(name, "text", v);
    }
  }
  return *this;
}

Reader& Reader::get(const char* name, bool& out) {
  if (const Json* v = find(name)) {
    if (v->is_boolean()) {
      out = v->get<bool>();
    } else {
      fail(name, "true or false", v);
    }
  }
  return *this;
}

Reader& Reader::get(const char* name, double& out) {
  if (const Json* v = find(name)) {
    if (v->is_number() && std::isfinite(v->get<double>())) {
      out = v->get<double>();
    } else {
      fail(name, "a finite number", v);
    }
  }
  return *this;
}

Reader& Reader::get(const char* name, std::vector<std::string>& out) {
  const Json* v = list(name);
  if (v == nullptr) return *this;
  out.clear();
  for (const Json& item : *v) {
    if (!item.is_string()) {
      fail(name, "a list of text", &item);
      return *this;
    }
    out.push_back(item.get<std::string>());
  }
  return *this;
}

Reader& Reader::get(const char* name, std::map<std::string, std::string>& out) {
  const Json* v = object(name);
  if (v == nullptr) return *this;
  out.clear();
  for (const auto& [key, item] : v->items()) {
    if (!item.is_string()) {
      fail(name, "a map from text to text", &item);
      return *this;
    }
    out[key] = item.get<std::string>();
  }
  return *this;
}

const Json* Reader::list(const char* name) {
  const Json* v = find(name);
  if (v != nullptr && !v->is_array()) {
    fail(name, "a list", v);
    return nullptr;
  }
  return v;
}

const Json* Reader::object(const char* name) {
  const Json* v = find(name);
  if (v != nullptr && !v->is_object()) {
    fail(name, "an object", v);
    return nullptr;
  }
  return v;
}

void Reader::whole(const char* name, std::int64_t& out, std::int64_t min, std::int64_t max) {
  const Json* v = find(name);
  if (v == nullptr) return;
  const bool fits = v->is_number_unsigned()
                        ? v->get<std::uint64_t>() <= static_cast<std::uint64_t>(max)
                        : v->is_number_integer() && v->get<std::int64_t>() >= min && v->get<std::int64_t>() <= max;
  if (!fits) {
    fail(name, "a whole number from " + std::to_string(min) + " to " + std::to_string(max), v);
    return;
  }
  out = v->get<std::int64_t>();
}

void Reader::natural(const char* name, std::uint64_t& out, std::uint64_t max) {
  const Json* v = find(name);
  if (v == nullptr) return;
  // Values built in memory from signed numbers are number_integer even when they are not negative.
  const bool natural = v->is_number_unsigned() || (v->is_number_integer() && v->get<std::int64_t>() >= 0);
  if (!natural || v->get<std::uint64_t>() > max) {
    fail(name, "a whole number from 0 to " + std::to_string(max), v);
    return;
  }
  out = v->get<std::uint64_t>();
}

}  // namespace aigrid::json
