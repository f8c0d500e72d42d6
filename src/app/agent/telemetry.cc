#include "app/agent/telemetry.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace aigrid::agent {

namespace {

inner::Reading reading(double value) { return {true, value, false}; }

inner::Reading rate(std::uint64_t before, std::uint64_t now, double seconds) {
  if (seconds <= 0 || now < before) return {};
  return reading(static_cast<double>(now - before) / seconds);
}

}  // namespace

Telemetry::Telemetry(io::Env& env, std::string root, std::string disk)
    : env_(env), root_(root.empty() ? "/" : std::move(root)), disk_(std::move(disk)) {
  if (!root_.ends_with('/')) root_ += '/';
}

std::string Telemetry::text(const std::string& path) const {
  auto read = env_.files().read_all(root_ + path);
  return read.ok() ? std::move(*read) : std::string();
}

void Telemetry::read(const std::vector<io::GpuReading>& gpus) {
  const Time now = env_.now();
  const double seconds = last_ ? std::chrono::duration<double>(now - *last_).count() : 0;
  last_ = now;
  const auto ticks = metrics::parse_cpu(text("proc/stat"));
  readings_.cpu = {};
  if (ticks && ticks_) {
    if (const auto busy = metrics::cpu_busy(*ticks_, *ticks)) readings_.cpu = reading(*busy);
  }
  ticks_ = ticks;
  readings_.memory_total_bytes = readings_.memory_used_bytes = {};
  if (const auto memory = metrics::parse_memory(text("proc/meminfo"))) {
    readings_.memory_total_bytes = reading(static_cast<double>(memory->total_bytes));
    readings_.memory_used_bytes = reading(static_cast<double>(memory->used_bytes()));
  }
  const auto disks = metrics::parse_disks(text("proc/diskstats"));
  readings_.disk_read_bytes_per_s = readings_.disk_write_bytes_per_s = {};
  if (disks && disks_) {
    readings_.disk_read_bytes_per_s = rate(disks_->read, disks->read, seconds);
    readings_.disk_write_bytes_per_s = rate(disks_->written, disks->written, seconds);
  }
  disks_ = disks;
  readings_.disk_fill = {};
  const auto free = env_.files().free_bytes(disk_);
  const auto total = env_.files().total_bytes(disk_);
  if (free.ok() && total.ok() && *total > 0) {
    readings_.disk_fill = reading(1 - static_cast<double>(std::min(*free, *total)) / static_cast<double>(*total));
  }
  read_temperature();
  read_power(seconds);
  take_gpus(gpus);
}

void Telemetry::take_gpus(const std::vector<io::GpuReading>& gpus) {
  const auto if_read = [](const auto& value) {
    return value ? reading(static_cast<double>(*value)) : inner::Reading{};
  };
  readings_.gpus.clear();
  gpu_power_w_.reset();
  for (const auto& gpu : gpus) {
    inner::GpuReport out{gpu.name,
                         if_read(gpu.busy),
                         if_read(gpu.memory_used_bytes),
                         if_read(gpu.memory_total_bytes),
                         if_read(gpu.power_w),
                         if_read(gpu.temperature_c)};
    if (gpu.power_w) gpu_power_w_ = gpu_power_w_.value_or(0) + *gpu.power_w;
    auto& hottest = readings_.temperature_c;
    if (out.temperature_c.has && (!hottest.has || hottest.value < out.temperature_c.value)) {
      hottest = out.temperature_c;
    }
    readings_.gpus.push_back(std::move(out));
  }
  if (readings_.power_w.has) readings_.power_w.value += gpu_power_w_.value_or(0);
}

// The hottest sensor: that is the one that throttles.
void Telemetry::read_temperature() {
  readings_.temperature_c = {};
  const std::string folder = "sys/class/hwmon/";
  auto chips = env_.files().list(root_ + folder);
  if (!chips.ok()) return;
  for (const auto& chip : *chips) {
    auto files = env_.files().list(root_ + folder + chip);
    if (!files.ok()) continue;
    for (const auto& file : *files) {
      if (!file.starts_with("temp") || !file.ends_with("_input")) continue;
      const auto degrees = metrics::parse_temperature_c(text(folder + chip + "/" + file));
      if (!degrees) continue;
      auto& out = readings_.temperature_c;
      out = reading(out.has ? std::max(out.value, *degrees) : *degrees);
    }
  }
}

// The sum over packages; their parts (intel-rapl:0:1) are in them already.
void Telemetry::read_power(double seconds) {
  readings_.power_w = {};
  const std::string folder = "sys/class/powercap/";
  auto zones = env_.files().list(root_ + folder);
  if (!zones.ok()) return;
  for (const auto& zone : *zones) {
    if (std::count(zone.begin(), zone.end(), ':') != 1) continue;
    const auto now = metrics::parse_energy_uj(text(folder + zone + "/energy_uj"));
    if (!now) continue;
    const auto before = energy_uj_.find(zone);
    if (before != energy_uj_.end()) {
      const auto range = metrics::parse_energy_uj(text(folder + zone + "/max_energy_range_uj"));
      if (const auto w = metrics::watts(before->second, *now, range.value_or(0), seconds)) {
        readings_.power_w = reading(readings_.power_w.value + *w);
      }
    }
    energy_uj_[zone] = *now;
  }
}

void Telemetry::fill(inner::NodeReport& report, const grid::Node* node) const {
  report.cpu = readings_.cpu;
  report.memory_used_bytes = readings_.memory_used_bytes;
  report.memory_total_bytes = readings_.memory_total_bytes;
  report.disk_read_bytes_per_s = readings_.disk_read_bytes_per_s;
  report.disk_write_bytes_per_s = readings_.disk_write_bytes_per_s;
  report.disk_fill = readings_.disk_fill;
  report.temperature_c = readings_.temperature_c;
  report.power_w = readings_.power_w;
  report.gpus = readings_.gpus;
  std::uint32_t slots = 0;
  std::uint32_t running = 0;
  for (const auto& engine : report.engines) {
    if (engine.state != "ready") continue;
    slots += engine.slots;
    running += std::min(engine.running, engine.slots);
  }
  report.load = {};
  if (slots > 0) report.load = reading(static_cast<double>(running) / slots);
  if (!report.power_w.has && node != nullptr && node->nameplate_w > 0) {
    const double load = report.load.has ? report.load.value : 0;
    report.power_w = {true, node->idle_w + load * (node->nameplate_w - node->idle_w), true};
  }
  if (gpu_power_w_ && (!report.power_w.has || (report.power_w.estimated && report.power_w.value < *gpu_power_w_))) {
    report.power_w = {true, *gpu_power_w_, true};
  }
}

}  // namespace aigrid::agent
