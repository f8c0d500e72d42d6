#include "format/metrics/proc.h"

#include <charconv>
#include <vector>

namespace aigrid::metrics {

namespace {

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto begin = line.find_first_not_of(" \t\r\n");
    if (begin == std::string_view::npos) return out;
    line.remove_prefix(begin);
    const auto end = line.find_first_of(" \t\r\n");
    out.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return out;
    line.remove_prefix(end);
  }
}

template <class T>
std::optional<T> read(std::string_view word) {
  T value{};
  const auto r = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || r.ec != std::errc() || r.ptr != word.data() + word.size()) return std::nullopt;
  return value;
}

template <class T>
std::optional<T> only(std::string_view file) {
  const auto all = words(file);
  return all.size() == 1 ? read<T>(all[0]) : std::nullopt;
}

bool digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool starts(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

bool whole_disk(std::string_view name) {
  for (const auto prefix : {"sd", "vd", "xvd", "hd"}) {
    if (starts(name, prefix)) return !name.empty() && (name.back() < '0' || name.back() > '9');
  }
  if (starts(name, "nvme") || starts(name, "mmcblk")) {
    const auto p = name.rfind('p');
    return p == std::string_view::npos || !digits(name.substr(p + 1));
  }
  return false;
}

}  // namespace

std::optional<CpuTicks> parse_cpu(std::string_view text) {
  while (!text.empty()) {
    const auto w = words(take_line(text));
    if (w.empty() || w[0] != "cpu") continue;
    if (w.size() < 5) return std::nullopt;
    CpuTicks out;
    // user nice system idle iowait irq softirq steal; guest times stand in user already.
    for (std::size_t i = 1; i < w.size() && i <= 8; ++i) {
      const auto ticks = read<std::uint64_t>(w[i]);
      if (!ticks) return std::nullopt;
      out.total += *ticks;
      if (i != 4 && i != 5) out.busy += *ticks;
    }
    return out;
  }
  return std::nullopt;
}

std::optional<double> cpu_busy(const CpuTicks& before, const CpuTicks& now) {
  if (now.total <= before.total || now.busy < before.busy) return std::nullopt;
  const double share = static_cast<double>(now.busy - before.busy) / static_cast<double>(now.total - before.total);
  return share > 1 ? 1 : share;
}

std::optional<Memory> parse_memory(std::string_view text) {
  std::optional<std::uint64_t> total;
  std::optional<std::uint64_t> available;
  while (!text.empty()) {
    const auto w = words(take_line(text));
    if (w.size() < 2) continue;
    if (w[0] == "MemTotal:") total = read<std::uint64_t>(w[1]);
    if (w[0] == "MemAvailable:") available = read<std::uint64_t>(w[1]);
  }
  if (!total || !available || *available > *total || *total > UINT64_MAX / 1024) return std::nullopt;
  return Memory{*total * 1024, *available * 1024};
}

std::optional<DiskBytes> parse_disks(std::string_view text) {
  constexpr std::uint64_t kSector = 512;
  DiskBytes out;
  bool any = false;
  while (!text.empty()) {
    const auto w = words(take_line(text));
    if (w.size() < 10 || !whole_disk(w[2])) continue;
    const auto read_sectors = read<std::uint64_t>(w[5]);
    const auto written_sectors = read<std::uint64_t>(w[9]);
    if (!read_sectors || !written_sectors) continue;
    out.read += *read_sectors * kSector;
    out.written += *written_sectors * kSector;
    any = true;
  }
  return any ? std::optional(out) : std::nullopt;
}

std::optional<double> parse_load(std::string_view text) {
  const auto w = words(text);
  const auto load = w.empty() ? std::nullopt : read<double>(w[0]);
  return load && *load >= 0 && *load < 1e9 ? load : std::nullopt;
}

std::optional<std::uint64_t> parse_energy_uj(std::string_view file) { return only<std::uint64_t>(file); }

std::optional<double> watts(std::uint64_t before, std::uint64_t now, std::uint64_t range, double seconds) {
  if (!(seconds > 0)) return std::nullopt;
  if (now < before && (range == 0 || before > range)) return std::nullopt;
  const std::uint64_t used = now >= before ? now - before : range - before + now;
  return static_cast<double>(used) / 1e6 / seconds;
}

std::optional<double> parse_temperature_c(std::string_view file) {
  const auto milli = only<std::int64_t>(file);
  // Outside of what silicon survives it is a sensor that is not connected.
  if (!milli || *milli < -60'000 || *milli > 250'000 || *milli == 0) return std::nullopt;
  return static_cast<double>(*milli) / 1000;
}

}  // namespace aigrid::metrics
