// PublicApi: the OpenAI surface of a gateway: POST /v1/chat/completions, /v1/embeddings, GET /v1/models[/id]. Each
// request goes through its phases here: authenticate, read intent, admit, then Ingress. One worker.
#pragma once

#include <string>

#include "app/gateway/phases.h"
#include "app/gateway/services.h"
#include "io/http/server.h"

namespace aigrid::gateway {

class PublicApi {
 public:
  explicit PublicApi(Services& services) : services_(services) {}

  io::Task<void> serve(io::Exchange& exchange);

 private:
  io::Task<void> infer(io::Exchange& exchange, grid::Task task, std::string request_id);
  io::Task<void> models(io::Exchange& exchange, std::string path, std::string request_id);
  io::Task<void> refuse(io::Exchange& exchange, std::string request_id, openai::ApiError refusal);
  // The record of a request that was refused before dispatch but after its caller was known.
  void account_refusal(const std::string& request_id, const Caller& caller, const std::string& model, grid::Task task,
                       const openai::ApiError& refusal, Time received);

  Services& services_;
};

}  // namespace aigrid::gateway
