#include "format/api/query.h"

#include <fmt/format.h>

#include <chrono>

#include "format/json/json.h"

namespace aigrid::api {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return invalid("the query has a % without two hexadecimal digits at " + json::quoted(text.substr(i, 3)) +
                       ": write %25 for a percent sign");
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

// Takes exactly `count` digits off the front; -1: they are not there.
int digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

constexpr std::int64_t kDay = 86400;

// The rest of an instant after its day: ``, `T10:30Z`, `T10:30:00Z`.
std::int64_t seconds_of_day(std::string_view rest) {
  if (rest.empty()) return 0;
  if (!take(rest, 'T')) return -1;
  const int hour = digits(rest, 2);
  const int minute = take(rest, ':') ? digits(rest, 2) : -1;
  const int second = take(rest, ':') ? digits(rest, 2) : 0;
  if (!take(rest, 'Z') || !rest.empty()) return -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return -1;
  return hour * 3600 + minute * 60 + second;
}

std::int64_t instant(std::string_view rest) {
  const int year = digits(rest, 4);
  const int month = take(rest, '-') ? digits(rest, 2) : -1;
  const int day = take(rest, '-') ? digits(rest, 2) : -1;
  if (year < 1970 || month < 1 || day < 1) return -1;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const std::int64_t in_day = seconds_of_day(rest);
  if (!date.ok() || in_day < 0) return -1;
  return std::chrono::sys_days(date).time_since_epoch().count() * kDay + in_day;
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> out;
  while (!query.empty()) {
    const std::size_t amp = query.find('&');
    const std::string_view pair = query.substr(0, amp);
    query = amp == std::string_view::npos ? std::string_view() : query.substr(amp + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    AIGRID_TRY(std::string name, decoded(pair.substr(0, equals)));
    AIGRID_TRY(std::string value, decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1)));
    if (name.ends_with("[]")) name.resize(name.size() - 2);
    out.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

Result<std::int64_t> parse_instant(std::string_view text) {
  constexpr std::size_t kMostDigits = 12;
  const bool number = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  std::int64_t at = -1;
  if (number && text.size() <= kMostDigits) {
    at = 0;
    for (const char c : text) at = at * 10 + (c - '0');
  } else if (!number) {
    at = instant(text);
  }
  if (at >= 0) return at;
  return invalid(json::quoted(text.substr(0, 40)) +
                 " is no instant: write a day such as 2026-11-22, 2026-11-22T10:30:00Z, or seconds since 1970");
}

std::string day_text(std::int64_t unix_s) {
  const std::chrono::sys_days days{std::chrono::days(unix_s / kDay)};
  const std::chrono::year_month_day date(days);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

}  // namespace aigrid::api
