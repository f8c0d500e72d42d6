#include "io/env/nvml.h"

#include <dlfcn.h>

#include <array>
#include <utility>

namespace aigrid::io {

namespace {

constexpr int kSuccess = 0;
constexpr unsigned kCoreSensor = 0;
constexpr unsigned kMostGpus = 64;

struct Utilization {
  unsigned gpu = 0;  // percent
  unsigned memory = 0;
};
struct MemoryUse {
  unsigned long long total = 0;  // NOLINT: the library's types
  unsigned long long free = 0;   // NOLINT
  unsigned long long used = 0;   // NOLINT
};
using Device = void*;

}  // namespace

struct Nvml::Library {
  void* handle = nullptr;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*count)(unsigned*) = nullptr;
  int (*device)(unsigned, Device*) = nullptr;
  int (*name)(Device, char*, unsigned) = nullptr;
  int (*power_mw)(Device, unsigned*) = nullptr;
  int (*temperature)(Device, unsigned, unsigned*) = nullptr;
  int (*utilization)(Device, Utilization*) = nullptr;
  int (*memory)(Device, MemoryUse*) = nullptr;
  bool begun = false;

  explicit Library(void* opened) : handle(opened) {}
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    if (begun) shutdown();
    ::dlclose(handle);
  }

  template <class F>
  bool find(F& function, const char* symbol) {
    function = reinterpret_cast<F>(::dlsym(handle, symbol));
    return function != nullptr;
  }
  bool begin() {
    begun = find(init, "nvmlInit_v2") && find(shutdown, "nvmlShutdown") && find(count, "nvmlDeviceGetCount_v2") &&
            find(device, "nvmlDeviceGetHandleByIndex_v2") && init() == kSuccess;
    // What an old library lacks is a reading less.
    find(name, "nvmlDeviceGetName");
    find(power_mw, "nvmlDeviceGetPowerUsage");
    find(temperature, "nvmlDeviceGetTemperature");
    find(utilization, "nvmlDeviceGetUtilizationRates");
    find(memory, "nvmlDeviceGetMemoryInfo");
    return begun;
  }
  GpuReading read(Device gpu) const {
    GpuReading out;
    std::array<char, 97> text{};
    if (name && name(gpu, text.data(), text.size() - 1) == kSuccess) out.name = text.data();
    unsigned value = 0;
    if (power_mw && power_mw(gpu, &value) == kSuccess) out.power_w = value / 1000.0;
    if (temperature && temperature(gpu, kCoreSensor, &value) == kSuccess) out.temperature_c = value;
    Utilization use;
    if (utilization && utilization(gpu, &use) == kSuccess && use.gpu <= 100) out.busy = use.gpu / 100.0;
    MemoryUse bytes;
    if (memory && memory(gpu, &bytes) == kSuccess && bytes.used <= bytes.total) {
      out.memory_used_bytes = bytes.used;
      out.memory_total_bytes = bytes.total;
    }
    return out;
  }
};

Nvml::Nvml(std::string library) : name_(std::move(library)) {}
Nvml::~Nvml() = default;

std::vector<GpuReading> Nvml::read() {
  const std::lock_guard lock(mutex_);
  if (!library_) {
    void* opened = ::dlopen(name_.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (opened == nullptr) return {};
    auto library = std::make_unique<Library>(opened);
    if (!library->begin()) return {};
    library_ = std::move(library);
  }
  unsigned count = 0;
  std::vector<GpuReading> out;
  if (library_->count(&count) != kSuccess) {
    library_.reset();  // a driver that was replaced: begin anew at the next reading
    return out;
  }
  for (unsigned i = 0; i < count && i < kMostGpus; ++i) {
    Device gpu = nullptr;
    // A GPU that fell off the bus keeps its place, without readings.
    out.push_back(library_->device(i, &gpu) == kSuccess ? library_->read(gpu) : GpuReading{});
  }
  return out;
}

}  // namespace aigrid::io
