// What Linux says of a machine, as text in /proc and /sys, into numbers. Pure: the caller reads the files (through
// Env). A reading that is not there or makes no sense is nullopt, never zero. Totals count since boot; rates take two
// of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace aigrid::metrics {

// /proc/stat, first line: clock ticks of all CPUs.
struct CpuTicks {
  std::uint64_t busy = 0;
  std::uint64_t total = 0;
};
std::optional<CpuTicks> parse_cpu(std::string_view proc_stat);
// Busy share 0..1 between two readings.
std::optional<double> cpu_busy(const CpuTicks& before, const CpuTicks& now);

struct Memory {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;
  std::uint64_t used_bytes() const { return total_bytes - available_bytes; }
};
std::optional<Memory> parse_memory(std::string_view proc_meminfo);

// /proc/diskstats: whole disks only (no partitions, loops, RAM disks, device-mapper copies).
struct DiskBytes {
  std::uint64_t read = 0;
  std::uint64_t written = 0;
};
std::optional<DiskBytes> parse_disks(std::string_view proc_diskstats);

// /proc/loadavg: the one-minute figure.
std::optional<double> parse_load(std::string_view proc_loadavg);

// /sys/class/powercap/*/energy_uj and max_energy_range_uj: a counter that wraps.
std::optional<std::uint64_t> parse_energy_uj(std::string_view file);
// Watts between two readings; nullopt: no time passed, or it wrapped and the range is unknown (0).
std::optional<double> watts(std::uint64_t before_uj, std::uint64_t now_uj, std::uint64_t range_uj, double seconds);

// /sys/class/hwmon/*/temp*_input: millidegrees.
std::optional<double> parse_temperature_c(std::string_view file);

}  // namespace aigrid::metrics
