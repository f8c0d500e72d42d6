// Files of any bytes as YAML resources: never a crash, every problem has a text, and what decodes is checked whole.
#include <cstdint>
#include <cstdlib>

#include "format/api/check.h"
#include "format/api/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace aigrid::api;
  const auto file = parse_yaml("f", {reinterpret_cast<const char*>(bytes), size});
  for (const auto& p : file.problems) {
    if (to_text(p).empty()) std::abort();
  }
  (void)to_inventory(file.resources);
  return 0;
}
