#include "core/audit/distance.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <tuple>

namespace aigrid::audit {

namespace {

constexpr std::string_view kTitle = "aigrid distance";
constexpr double kEarthKm = 6371.0088;
constexpr double kLightKmPerUs = 0.299792458;

bool good_word(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c > ' ' && c != '\x7f'; });
}

bool take_line(std::string_view& rest, std::string_view& line) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return false;
  line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

bool whole_number(std::string_view text, std::int64_t& out) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && at == text.data() + text.size() && out >= 0;
}

// `gateway site µs`
bool take_end(std::string_view line, Distance::End& end) {
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return false;
  end.gateway = std::string(line.substr(0, first));
  end.site = std::string(line.substr(first + 1, second - first - 1));
  return good_word(end.gateway) && good_word(end.site) && whole_number(line.substr(second + 1), end.rtt_us);
}

}  // namespace

std::string format_distance(const Distance& d) {
  const auto end = [](const Distance::End& e) {
    return e.gateway + " " + e.site + " " + std::to_string(e.rtt_us) + "\n";
  };
  return std::string(kTitle) + "\n" + d.grid + "\n" + d.bundle + "\n" + std::to_string(d.unix_ms) + "\n" + end(d.a) +
         end(d.b);
}

Result<Distance> parse_distance(std::string_view text) {
  Distance out;
  std::string_view title, grid, bundle, time, a, b;
  for (auto* line : {&title, &grid, &bundle, &time, &a, &b}) {
    if (!take_line(text, *line)) return invalid("a statement of distance has six lines");
  }
  out.grid = std::string(grid);
  out.bundle = std::string(bundle);
  if (title != kTitle || !text.empty() || !good_word(grid) || !good_word(bundle) || !whole_number(time, out.unix_ms) ||
      !take_end(a, out.a) || !take_end(b, out.b)) {
    return invalid("a statement of distance: title, grid, bundle, time in ms, and twice gateway, site, microseconds");
  }
  return out;
}

Result<Distance> answer_distance(const Distance& proposed, const Distance::End& own, std::int64_t now_unix_ms) {
  if (proposed.b.gateway != own.gateway || proposed.b.site != own.site) {
    return invalid("a statement about gateway \"" + proposed.b.gateway + "\", not about \"" + own.gateway + "\"");
  }
  if (own.rtt_us <= 0 || proposed.a.rtt_us <= 0) return invalid("not measured at both ends yet");
  if (std::abs(proposed.unix_ms - now_unix_ms) > kMostClockSkewMs) {
    return invalid("a statement of " + std::to_string(proposed.unix_ms) + " ms, and it is " +
                   std::to_string(now_unix_ms) + " here: the clocks differ by over a minute");
  }
  Distance out = proposed;
  out.b = own;
  return out;
}

double great_circle_km(const grid::Site& a, const grid::Site& b) {
  const double to_radians = std::numbers::pi / 180;
  const double lat = (b.lat - a.lat) * to_radians;
  const double lon = (b.lon - a.lon) * to_radians;
  const double h = std::pow(std::sin(lat / 2), 2) +
                   std::cos(a.lat * to_radians) * std::cos(b.lat * to_radians) * std::pow(std::sin(lon / 2), 2);
  return 2 * kEarthKm * std::asin(std::min(1.0, std::sqrt(h)));
}

double least_rtt_us(double km) { return 2 * km / kLightKmPerUs; }

std::string judge_signatures(const grid::DistanceLeaf& leaf) {
  const auto d = parse_distance(leaf.statement);
  if (!d.ok()) return d.error().message;
  if (d->a.gateway != leaf.a || d->b.gateway != leaf.b) return "its statement is about other gateways";
  for (const auto& [who, key, signature] :
       {std::tie(leaf.a, leaf.a_key, leaf.a_signature), std::tie(leaf.b, leaf.b_key, leaf.b_signature)}) {
    if (!crypto::verify(key, leaf.statement, signature)) return "the signature of " + who + " does not hold";
  }
  return {};
}

std::string judge_light(const Distance& d, const grid::Site& a, const grid::Site& b) {
  const double km = great_circle_km(a, b);
  const double least = least_rtt_us(km);
  for (const auto& end : {d.a, d.b}) {
    if (static_cast<double>(end.rtt_us) >= least) continue;
    return end.gateway + " measured a round trip of " + std::to_string(end.rtt_us) + " us between " + a.name + " and " +
           b.name + ", which are said to be " + std::to_string(static_cast<std::int64_t>(km)) +
           " km apart: light takes " + std::to_string(static_cast<std::int64_t>(least)) + " us";
  }
  return {};
}

}  // namespace aigrid::audit
