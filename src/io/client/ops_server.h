// The ops listener of every process: GET /livez (the loop turns), /readyz (200, or 503 with the reason), /metrics.
// One worker; the callbacks are called on it and must not block. Nothing here is authenticated: bind it to loopback.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "io/env/env.h"

namespace aigrid::io {

struct OpsCallbacks {
  std::function<Result<void>()> ready;   // the error's message is what an admin reads
  std::function<std::string()> metrics;  // OpenMetrics text, ending in "# EOF\n"
  std::function<Task<void>()> refresh{};  // before metrics, where others must be asked first; may be empty
};

// Serves until the listener is closed.
Task<void> serve_ops(Env& env, std::unique_ptr<Listener> listener, OpsCallbacks callbacks);
// Listens and serves; `at` empty: returns at once. Errors: those of listen().
Task<Result<void>> run_ops(Env& env, Address at, OpsCallbacks callbacks);

}  // namespace aigrid::io
