// Reading an engine's JSON without trusting it: every function gives an empty value where the text is not as expected.
// Pure, any thread. For this folder only.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace aigrid::engine {

// An object, or an empty object.
inline nlohmann::json parse_object(std::string_view text) {
  auto value = nlohmann::json::parse(text, nullptr, false);
  return value.is_object() ? value : nlohmann::json::object();
}

inline std::string dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

inline std::uint64_t count(const nlohmann::json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_number_unsigned() ? it->get<std::uint64_t>() : 0;
}

// A string, or a whole number as text.
inline std::string text(const nlohmann::json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_string()) return {};
  return it->get<std::string>();
}

// OpenAI's {"error":{"message"}} and its variants {"error":"…"}, {"message":"…"}; at most 500 bytes of it.
inline std::string error_message(const nlohmann::json& answer) {
  std::string out;
  if (const auto it = answer.find("error"); it != answer.end()) {
    out = it->is_object() ? text(*it, "message") : it->is_string() ? it->get<std::string>() : std::string();
  }
  if (out.empty()) out = text(answer, "message");
  constexpr std::size_t kMost = 500;
  if (out.size() > kMost) {
    std::size_t end = kMost;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
    out.resize(end);
  }
  return out;
}

}  // namespace aigrid::engine
