// ManagementClient: the CLI's and up's client of control's /api/v1, one HTTP/1.1 connection a call, over TLS where its
// address says https://. One worker.
// Errors: Unavailable, DeadlineExceeded, DataLoss; an HTTP error status is not an Error but an Answer.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "format/http/message.h"
#include "io/env/env.h"

namespace aigrid::io {

struct ManagementAnswer {
  int status = 0;
  http::Headers headers;
  std::string body;
  bool ok() const { return status >= 200 && status < 300; }
};

class ManagementClient {
 public:
  // `address`: see io/http/web.h. `ca`: PEM file of the certificates to trust; empty: those of this machine.
  ManagementClient(Env& env, std::string address, std::string admin_key, std::string ca = {});

  // `target` with its query: "/api/v1/sites?watch=1". `headers` may add If-Match and the like.
  Task<Result<ManagementAnswer>> call(std::string method, std::string target, std::string body = {},
                                      http::Headers headers = {}, Duration within = 30s);
  // Streams a watch: `line` gets each line of JSON until it returns false, the server ends, or an error.
  Task<Result<ManagementAnswer>> watch(std::string target, std::function<bool(std::string_view)> line);

 private:
  Env& env_;
  std::string address_;
  std::string admin_key_;
  std::string ca_;
};

// Code and sentence of a problem+json (or other) answer, for people: `409 conflict: … (remedy)`.
std::string describe_problem(const ManagementAnswer& answer);

}  // namespace aigrid::io
