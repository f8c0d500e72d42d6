// Log: where a process writes what happened, one structured line at a time. Passed in, never global. A line never holds
// prompt or answer text, nor a secret. Implementations: io/env (JSON lines to standard error or a file), tests
// (memory). Thread contract: one Log per worker.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace aigrid {

enum class Level : std::uint8_t { Debug, Note, Warning, Failure };

struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  LogField(std::string_view n, std::string_view v) : name(n), value(v) {}
  LogField(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  LogField(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  LogField(std::string_view n, bool v) : name(n), value(v) {}
  LogField(std::string_view n, double v) : name(n), value(v) {}
  template <class I>
    requires std::is_integral_v<I>
  LogField(std::string_view n, I v) : name(n), value(static_cast<std::int64_t>(v)) {}
};

class Log {
 public:
  virtual ~Log() = default;
  // `event` is a stable snake_case name (`request_done`, `bundle_applied`).
  virtual void write(Level level, std::string_view event, std::initializer_list<LogField> fields) = 0;

  void note(std::string_view event, std::initializer_list<LogField> f = {}) { write(Level::Note, event, f); }
  void warn(std::string_view event, std::initializer_list<LogField> f = {}) { write(Level::Warning, event, f); }
  void fail(std::string_view event, std::initializer_list<LogField> f = {}) { write(Level::Failure, event, f); }
};

}  // namespace aigrid
