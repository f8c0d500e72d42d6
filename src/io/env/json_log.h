// JsonLog: a Log that gives each event to a sink as one line of JSON, newline included:
// {"time":"2026-01-31T12:00:00.123Z","level":"note","event":"listening","address":"127.0.0.1:80"}.
// Thread contract: one per worker; a sink shared by workers must be thread-safe. Bytes that are not UTF-8 become
// U+FFFD.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/time.h"

namespace aigrid::io {

using LogSink = std::function<void(std::string_view line)>;

class JsonLog final : public Log {
 public:
  JsonLog(const Clock& clock, LogSink sink, Level least = Level::Note)
      : clock_(clock), sink_(std::move(sink)), least_(least) {}
  void write(Level level, std::string_view event, std::initializer_list<LogField> fields) override;

 private:
  const Clock& clock_;
  LogSink sink_;
  Level least_;
  std::string line_;
};

// Appends `text` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

// One write(2) to standard error per line, so lines of several workers do not mix.
LogSink standard_error_sink();

}  // namespace aigrid::io
