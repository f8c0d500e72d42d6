#include "core/policy/dates.h"

#include <array>
#include <string>

namespace aigrid::policy {
namespace {

constexpr std::int64_t kDay = 86400;

// Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
std::int64_t days_from_civil(std::int64_t y, std::int64_t m, std::int64_t d) {
  y -= m <= 2 ? 1 : 0;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const std::int64_t yoe = y - era * 400;
  const std::int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

bool leap(std::int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; }

// The digits of `form` ('d'), everything else literally.
bool read(std::string_view text, std::string_view form, std::array<std::int64_t, 6>& out) {
  if (text.size() != form.size()) return false;
  std::size_t field = 0;
  bool inside = false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != 'd') {
      if (text[i] != form[i]) return false;
      if (inside) ++field;
      inside = false;
      continue;
    }
    if (text[i] < '0' || text[i] > '9') return false;
    out[field] = out[field] * 10 + (text[i] - '0');
    inside = true;
  }
  return true;
}

}  // namespace

Result<std::int64_t> end_of(std::string_view date) {
  if (date.empty()) return kNoEnd;
  std::array<std::int64_t, 6> f{};
  const bool day = read(date, "dddd-dd-dd", f);
  if (!day) f = {};
  if (day || read(date, "dddd-dd-ddTdd:dd:ddZ", f)) {
    constexpr std::array<std::int64_t, 12> kLengths = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool month = f[1] >= 1 && f[1] <= 12;
    const std::int64_t length = !month ? 0 : kLengths[static_cast<std::size_t>(f[1] - 1)] + (f[1] == 2 && leap(f[0]));
    if (f[0] >= 1970 && f[2] >= 1 && f[2] <= length && f[3] < 24 && f[4] < 60 && f[5] < 60) {
      const std::int64_t start = days_from_civil(f[0], f[1], f[2]) * kDay;
      return day ? start + kDay : start + f[3] * 3600 + f[4] * 60 + f[5];
    }
  }
  return invalid("\"" + std::string(date.substr(0, 40)) +
                 "\" is no date: write 2027-03-01 (to the end of that day, UTC) or 2027-03-01T12:00:00Z");
}

}  // namespace aigrid::policy
