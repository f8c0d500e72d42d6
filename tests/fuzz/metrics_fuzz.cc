// Engines' metrics and machine files of any bytes: never a crash.
#include <cstdint>

#include "format/metrics/exposition.h"
#include "format/metrics/proc.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace aigrid::metrics;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  (void)parse_metrics(text);
  (void)parse_cpu(text);
  (void)parse_memory(text);
  (void)parse_disks(text);
  (void)parse_load(text);
  (void)parse_energy_uj(text);
  (void)parse_temperature_c(text);
  return 0;
}
