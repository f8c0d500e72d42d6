// Not part of any library: purity.py must refuse the archive that holds this.
#include <chrono>
#include <cstdlib>

long impure_example() {
  return std::getenv("HOME") ? 0 : static_cast<long>(std::chrono::steady_clock::now().time_since_epoch().count());
}
