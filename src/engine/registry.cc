#include "engine/registry.h"

#include "engine/llama_cpp.h"
#include "engine/openai.h"

namespace aigrid::engine {

const Driver& driver_of(grid::Driver driver) {
  static const LlamaCpp llama_cpp;
  static const OpenAi open_ai;
  switch (driver) {
    case grid::Driver::LlamaCpp: return llama_cpp;
    case grid::Driver::OpenAi: return open_ai;
  }
  return open_ai;
}

}  // namespace aigrid::engine
