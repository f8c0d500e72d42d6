// Telemetry: what the machine says of itself: CPU, load, memory, disks, temperature, power. Read from /proc and /sys
// through Env's files, now and then; rates take two readings. What is not there is "no reading", never zero; only power
// falls back, to idle + load × (nameplate - idle), marked as estimated. A node's power is that of its packages and its
// GPUs; when the packages cannot be read, what the GPUs say is its least. One worker.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "format/inner/rows.h"
#include "format/metrics/proc.h"
#include "grid/place.h"
#include "io/env/env.h"

namespace aigrid::agent {

class Telemetry {
 public:
  // `root`: where proc/ and sys/ are ("" is "/"). `disk`: a path on the disk whose fill counts.
  Telemetry(io::Env& env, std::string root, std::string disk);

  // `gpus` as Env gives them.
  void read(const std::vector<io::GpuReading>& gpus);
  // Fills the readings of `report`. `node` may be null: no nameplate, no estimate.
  void fill(inner::NodeReport& report, const grid::Node* node) const;

 private:
  std::string text(const std::string& path) const;  // empty: not there
  void read_temperature();
  void read_power(double seconds);
  void take_gpus(const std::vector<io::GpuReading>& gpus);

  io::Env& env_;
  std::string root_;
  std::string disk_;
  std::optional<Time> last_;
  std::optional<metrics::CpuTicks> ticks_;
  std::optional<metrics::DiskBytes> disks_;
  std::map<std::string, std::uint64_t> energy_uj_;  // by counter
  std::optional<double> gpu_power_w_;               // all of them
  inner::NodeReport readings_;
};

}  // namespace aigrid::agent
