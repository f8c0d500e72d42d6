// Result<T>: a value or an Error. Errors are values; they carry who is at fault and whether another try can help.
// Thread contract: plain values. Lifetime: owns its message.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace aigrid {

// A code exists only where some caller reacts to it differently.
enum class Code : std::uint8_t {
  InvalidArgument,
  Unauthenticated,
  PermissionDenied,
  NotFound,
  AlreadyExists,
  Conflict,           // lost an optimistic-concurrency race
  ResourceExhausted,  // limit, quota, disk full
  Unavailable,        // peer down, refused, reset
  DeadlineExceeded,
  Cancelled,   // we gave up on purpose
  WouldBlock,  // only from non-blocking primitives; never leaves io
  DataLoss,    // corrupt or truncated bytes
  Unimplemented,
  Internal,
};

enum class Origin : std::uint8_t { Client, Upstream, Self };

// May the same work be tried again? `Elsewhere`: on another node or site.
enum class Retry : std::uint8_t { Never, Same, Elsewhere };

struct Error {
  Code code = Code::Internal;
  Origin origin = Origin::Self;
  Retry retry = Retry::Never;
  std::string message;  // lower case: what failed, the value, the rule, what to do
};

std::string_view to_string(Code code);

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  using Base::Base;
  Result() = default;
  Result(Error error) : Base(tl::unexpected(std::move(error))) {}  // NOLINT: implicit on purpose
  bool ok() const { return this->has_value(); }
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
  using Base = tl::expected<void, Error>;

 public:
  using Base::Base;
  Result() = default;
  Result(Error error) : Base(tl::unexpected(std::move(error))) {}  // NOLINT: implicit on purpose
  bool ok() const { return this->has_value(); }
};

inline Error invalid(std::string message) {
  return {Code::InvalidArgument, Origin::Client, Retry::Never, std::move(message)};
}
inline Error unavailable(std::string message) {
  return {Code::Unavailable, Origin::Upstream, Retry::Elsewhere, std::move(message)};
}
inline Error internal(std::string message) { return {Code::Internal, Origin::Self, Retry::Never, std::move(message)}; }

}  // namespace aigrid

// Evaluates an expression giving Result<…>; on error returns the Error from the enclosing function (AIGRID_TRY) or
// coroutine (AIGRID_CO_TRY). `var` is declared as the value.
#define AIGRID_CONCAT_(a, b) a##b
#define AIGRID_CONCAT(a, b) AIGRID_CONCAT_(a, b)
#define AIGRID_TRY_(tmp, var, ret, ...)      \
  auto tmp = (__VA_ARGS__);                  \
  if (!tmp.ok()) ret std::move(tmp).error(); \
  var = std::move(*tmp)
#define AIGRID_TRY(var, ...) AIGRID_TRY_(AIGRID_CONCAT(try_, __LINE__), var, return, __VA_ARGS__)
#define AIGRID_CO_TRY(var, ...) AIGRID_TRY_(AIGRID_CONCAT(try_, __LINE__), var, co_return, __VA_ARGS__)
#define AIGRID_CHECK_OK(...) \
  if (auto check_ = (__VA_ARGS__); !check_.ok()) return std::move(check_).error()
#define AIGRID_CO_CHECK_OK(...) \
  if (auto check_ = (__VA_ARGS__); !check_.ok()) co_return std::move(check_).error()
