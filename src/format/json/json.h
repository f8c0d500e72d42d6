// Json: reading JSON without exceptions: bounded depth, every type and range checked, one error that says where.
// Plain functions and values, any thread. Errors: InvalidArgument (not JSON, too deep, wrong type or range).
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace aigrid::json {

using Json = nlohmann::json;

inline constexpr unsigned kMaxDepth = 64;

Result<Json> parse(std::string_view text, unsigned max_depth = kMaxDepth);
// Compact, keys sorted, bytes that are no UTF-8 replaced: never fails.
std::string dump(const Json& value);
// `a number`, `text`, `a list` …
std::string_view type_name(const Json& value);
// JSON string literal of `text`, quotes included.
std::string quoted(std::string_view text);

// Reads the members of one object into variables; an absent or null member leaves the variable alone, a wrong one
// leaves the first error in result(). Borrowed: the value must outlive the reader.
class Reader {
 public:
  explicit Reader(const Json& value, std::string where = "");

  Reader& get(const char* name, std::string& out);
  Reader& get(const char* name, bool& out);
  Reader& get(const char* name, double& out);
  Reader& get(const char* name, std::vector<std::string>& out);
  Reader& get(const char* name, std::map<std::string, std::string>& out);
  template <class I>
    requires(std::is_integral_v<I> && !std::is_same_v<I, bool>)
  Reader& get(const char* name, I& out) {
    if constexpr (std::is_signed_v<I>) {
      std::int64_t v = out;
      whole(name, v, std::numeric_limits<I>::min(), std::numeric_limits<I>::max());
      out = static_cast<I>(v);
    } else {
      std::uint64_t v = out;
      natural(name, v, std::numeric_limits<I>::max());
      out = static_cast<I>(v);
    }
    return *this;
  }
  // The member if it is a list (else nullptr, and an error if it is there and is none).
  const Json* list(const char* name);
  const Json* object(const char* name);
  const Json* find(const char* name) const;
  void fail(const char* name, std::string_view rule, const Json* got);
  void adopt(Result<void> other);

  bool ok() const { return error_.empty(); }
  Result<void> result() const;

 private:
  void whole(const char* name, std::int64_t& out, std::int64_t min, std::int64_t max);
  void natural(const char* name, std::uint64_t& out, std::uint64_t max);

  const Json* value_ = nullptr;
  std::string where_;
  std::string error_;
};

}  // namespace aigrid::json
