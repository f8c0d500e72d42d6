// NVIDIA GPUs, read through their management library where it is installed. It is opened at run time: nothing links to
// it, and a machine without it has no readings. Names and layouts are those of NVML's stable C interface (developer
// documentation "NVML API Reference"; functions with a version suffix never change). Any thread, one call at a time
// (locked); calls block for milliseconds. Lifetime: no handle outlives the object.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/env/env.h"

namespace aigrid::io {

class Nvml {
 public:
  explicit Nvml(std::string library = "libnvidia-ml.so.1");
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  // Opens the library at the first call that finds it: a driver may be installed later. Empty: none.
  std::vector<GpuReading> read();

 private:
  struct Library;
  std::string name_;
  std::mutex mutex_;
  std::unique_ptr<Library> library_;
};

}  // namespace aigrid::io
