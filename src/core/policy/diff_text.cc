#include <array>
#include <chrono>
#include <cstdio>

#include "core/policy/diff.h"

namespace aigrid::policy {
namespace {

// As a date is written, with the second where it is not midnight.
std::string date_of(std::int64_t second) {
  const std::chrono::sys_seconds at{std::chrono::seconds(second)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{at - day};
  std::array<char, 40> text{};
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  std::string out(text.data(), static_cast<std::size_t>(size));
  if (at == day) return out;
  const int more = std::snprintf(text.data(), text.size(), "T%02d:%02d:%02dZ", static_cast<int>(time.hours().count()),
                                 static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return out.append(text.data(), static_cast<std::size_t>(more));
}

std::string line(const Shift& shift, const std::vector<std::string>& sites, const char* how) {
  std::string text = shift.since == 0 ? "" : "from " + date_of(shift.since) + " on ";
  text += "makes " + std::to_string(sites.size()) + how + (sites.size() == 1 ? " site" : " sites") + " eligible for ";
  if (!shift.zone.empty()) {
    text += "keys and requests that name zone \"" + shift.zone + "\"";
  } else if (!shift.host.empty()) {
    text += "requests that come by the name " + shift.host;
  } else {
    text += "tenant \"" + shift.tenant + "\"";
    if (!shift.project.empty()) text += ", project \"" + shift.project + "\"";
    if (!shift.key.empty()) text += ", key " + shift.key;
    if (!shift.model.empty()) text += ", model \"" + shift.model + "\"";
    text += shift.actions.size() == grid::kActions ? ", every action"
            : shift.actions.size() == 1            ? ", action"
                                                   : ", actions";
    for (const auto a : shift.actions) {
      if (shift.actions.size() == grid::kActions) break;
      text += (a == shift.actions.front() ? " " : ", ") + std::string(grid::to_string(a));
    }
    text += ", data level " + std::to_string(shift.from_level);
    if (shift.to_level != shift.from_level) text += " to " + std::to_string(shift.to_level);
  }
  for (const auto& name : sites) text += (&name == &sites.front() ? ": " : ", ") + name;
  return text;
}

}  // namespace

std::vector<std::string> to_text(const Shift& shift) {
  std::vector<std::string> out;
  if (!shift.gained.empty()) out.push_back(line(shift, shift.gained, " more"));
  if (!shift.lost.empty()) out.push_back(line(shift, shift.lost, " fewer"));
  return out;
}

}  // namespace aigrid::policy
