#include "io/env/json_log.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <cmath>

namespace aigrid::io {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Length of the UTF-8 sequence at the front of `s`, or 0 (RFC 3629: no overlong forms, no surrogates).
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = byte(0);
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || length > s.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  if (lead == 0xE0 && byte(1) < 0xA0) return 0;
  if (lead == 0xED && byte(1) > 0x9F) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

void append_control(std::string& out, unsigned char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += kHex[c >> 4U];
      out += kHex[c & 15U];
  }
}

template <class N>
void append_number(std::string& out, N n) {
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), n).ptr;
  out.append(text.data(), end);
}

void append_padded(std::string& out, std::int64_t n, int width) {
  std::string digits = std::to_string(n);
  for (int i = static_cast<int>(digits.size()); i < width; ++i) out += '0';
  out += digits;
}

// RFC 3339, milliseconds, UTC.
void append_time(std::string& out, WallTime wall) {
  using namespace std::chrono;
  const sys_time<nanoseconds> at(wall.time_since_epoch());
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<milliseconds>(at - day));
  append_padded(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, clock.hours().count(), 2);
  out += ':';
  append_padded(out, clock.minutes().count(), 2);
  out += ':';
  append_padded(out, clock.seconds().count(), 2);
  out += '.';
  append_padded(out, clock.subseconds().count(), 3);
  out += 'Z';
}

std::string_view word(Level level) {
  switch (level) {
    case Level::Debug: return "debug";
    case Level::Note: return "note";
    case Level::Warning: return "warning";
    case Level::Failure: return "failure";
  }
  return "failure";
}

struct AppendValue {
  std::string& out;
  void operator()(std::string_view v) const { append_json_string(out, v); }
  void operator()(std::int64_t v) const { append_number(out, v); }
  void operator()(double v) const {
    if (std::isfinite(v)) {
      append_number(out, v);
    } else {
      out += "null";
    }
  }
  void operator()(bool v) const { out += v ? "true" : "false"; }
};

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    const std::size_t length = utf8_length(text);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text.front();
    } else if (c < 0x20 || c == 0x7F) {
      append_control(out, c);
    } else if (length == 0) {
      out += kReplacement;
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

void JsonLog::write(Level level, std::string_view event, std::initializer_list<LogField> fields) {
  if (level < least_) return;
  line_ = "{\"time\":\"";
  append_time(line_, clock_.wall());
  line_ += "\",\"level\":\"";
  line_ += word(level);
  line_ += "\",\"event\":";
  append_json_string(line_, event);
  for (const auto& field : fields) {
    line_ += ',';
    append_json_string(line_, field.name);
    line_ += ':';
    std::visit(AppendValue{line_}, field.value);
  }
  line_ += "}\n";
  sink_(line_);
}

LogSink standard_error_sink() {
  return [](std::string_view line) {
    // A log line that cannot be written has nowhere better to go.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  };
}

}  // namespace aigrid::io
