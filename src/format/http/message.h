// HTTP messages without a wire: heads, header lists and request targets, shared by HTTP/1.1 and HTTP/2.
// Plain values, any thread. Header names are stored in lower case; order and repeats are kept.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aigrid::http {

struct Header {
  std::string name;
  std::string value;
  bool operator==(const Header&) const = default;
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> list) {
    for (const auto& h : list) add(h.name, h.value);
  }

  void add(std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value);  // replaces every earlier one
  void remove(std::string_view name);
  // The first value. Names compare without case.
  std::optional<std::string_view> get(std::string_view name) const;
  bool has(std::string_view name) const { return get(name).has_value(); }
  std::size_t count(std::string_view name) const;
  // Does any value of this comma-separated list header hold `token` (without case)?
  bool lists(std::string_view name, std::string_view token) const;

  std::size_t size() const { return list_.size(); }
  bool empty() const { return list_.empty(); }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }
  void clear() { list_.clear(); }
  bool operator==(const Headers&) const = default;

 private:
  std::vector<Header> list_;
};

struct RequestHead {
  std::string method;
  std::string target;  // origin-form ("/path?query") or "*"
  Headers headers;     // the authority is in "host"
  bool operator==(const RequestHead&) const = default;
};

struct ResponseHead {
  int status = 200;
  Headers headers;
  bool operator==(const ResponseHead&) const = default;
};

struct Target {
  std::string path;   // percent-decoded, valid UTF-8, no empty or dot segment
  std::string query;  // as sent, without '?'
};
// Splits and decodes an origin-form target. InvalidArgument for `//`, `/../` (also encoded), %2F, %5C, NUL, control
// characters, bad escapes and invalid UTF-8: a path that two readers could read in two ways is refused.
Result<Target> parse_target(std::string_view target);

bool same_text(std::string_view a, std::string_view b);  // ASCII, without case
std::string lower(std::string_view text);
bool is_token(std::string_view text);        // RFC 9110 token
bool is_field_value(std::string_view text);  // no control characters except tab
bool is_utf8(std::string_view text);         // well formed, shortest forms, no surrogates
std::string_view reason_phrase(int status);

}  // namespace aigrid::http
