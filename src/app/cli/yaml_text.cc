#include "app/cli/yaml_text.h"

#include <algorithm>
#include <string_view>

#include "format/json/json.h"

namespace aigrid::cli {

namespace {

using Json = nlohmann::json;

bool plain(std::string_view text) {
  if (text.empty() || !((text.front() >= 'a' && text.front() <= 'z') || (text.front() >= 'A' && text.front() <= 'Z')))
    return false;
  const bool simple = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '/';
  });
  std::string low(text);
  std::transform(low.begin(), low.end(), low.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const char* word : {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}) {
    if (low == word) return false;
  }
  return simple;
}

std::string scalar(const Json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return plain(text) ? text : json::quoted(text);
  }
  if (value.is_object()) return "{}";
  if (value.is_array()) return "[]";
  return json::dump(value);
}

void put(std::string& out, const Json& value, std::size_t indent);

void put_after(std::string& out, const Json& value, std::size_t indent) {
  if (value.is_structured() && !value.empty()) {
    out += '\n';
    put(out, value, indent);
  } else {
    out += " " + scalar(value) + "\n";
  }
}

void put(std::string& out, const Json& value, std::size_t indent) {
  const std::string blank(indent, ' ');
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      out += blank + (plain(name) ? name : json::quoted(name)) + ":";
      put_after(out, member, indent + 2);
    }
  } else {
    for (const auto& entry : value) {
      out += blank + "-";
      if (entry.is_structured() && !entry.empty()) {
        std::string inner;
        put(inner, entry, indent + 2);
        out += " " + inner.substr(indent + 2);
      } else {
        out += " " + scalar(entry) + "\n";
      }
    }
  }
}

}  // namespace

std::string yaml_text(const Json& value) {
  if (!value.is_structured() || value.empty()) return scalar(value) + "\n";
  std::string out;
  put(out, value, 0);
  return out;
}

}  // namespace aigrid::cli
