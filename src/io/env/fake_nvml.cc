// A stand-in for NVIDIA's management library, built as a shared object by the test of nvml.h: two GPUs, with figures as
// recorded from an H200; of the second only the name is known. AIGRID_FAKE_NVML=gone makes it fail to begin.
#include <cstdlib>
#include <cstring>

namespace {
int first = 1;
int second = 2;
struct Utilization {
  unsigned gpu, memory;
};
struct MemoryUse {
  unsigned long long total, free, used;  // NOLINT: the library's types
};
constexpr int kNotSupported = 3;
bool is_first(const void* gpu) { return gpu == &first; }
}  // namespace

extern "C" {
int nvmlInit_v2() {
  const char* how = std::getenv("AIGRID_FAKE_NVML");
  return how != nullptr && std::strcmp(how, "gone") == 0 ? 9 : 0;
}
int nvmlShutdown() { return 0; }
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** gpu) {
  *gpu = index == 0 ? &first : &second;
  return 0;
}
int nvmlDeviceGetName(void* gpu, char* name, unsigned size) {
  std::strncpy(name, is_first(gpu) ? "NVIDIA H200" : "NVIDIA Other", size);
  return 0;
}
int nvmlDeviceGetPowerUsage(void* gpu, unsigned* mw) {
  *mw = 76543;
  return is_first(gpu) ? 0 : kNotSupported;
}
int nvmlDeviceGetTemperature(void* gpu, unsigned sensor, unsigned* degrees) {
  *degrees = 31;
  return is_first(gpu) && sensor == 0 ? 0 : kNotSupported;
}
int nvmlDeviceGetUtilizationRates(void* gpu, Utilization* use) {
  *use = {42, 7};
  return is_first(gpu) ? 0 : kNotSupported;
}
int nvmlDeviceGetMemoryInfo(void* gpu, MemoryUse* bytes) {
  *bytes = {150754820096ULL, 150120431616ULL, 634388480ULL};
  return is_first(gpu) ? 0 : kNotSupported;
}
}
