// PublicApi: the OpenAI surface of a gateway: POST /v1/chat/completions, /v1/embeddings, GET /v1/models[/id]. Each
// request goes through its phases here: authenticate, read intent, admit, then Ingress. One worker.
#pragma once

#include <string>

#include "app/gateway/ingress.h"
#include "app/gateway/phases.h"
#include "app/gateway/services.h"
#include "io/http/server.h"

namespace aigrid::gateway {

class PublicApi {
 public:
  explicit PublicApi(Services& services) : services_(services) {}

  io::Task<void> serve(io::Exchange& exchange);
  // How its listener reads; what is not a request is answered in the API's own form.
  io::ServerLimits limits();
  // The requests under way are judged by the new bundle.
  void law_changed();
  // The requests under way end, each with its record and an error that says why.
  void stop();

 private:
  io::Task<void> infer(io::Exchange& exchange, grid::Task task, std::string request_id);
  io::Task<void> show_request(io::Exchange& exchange, std::string which, std::string request_id);
  io::Task<void> models(io::Exchange& exchange, std::string path, std::string request_id);
  io::Task<void> refuse(io::Exchange& exchange, std::string request_id, openai::ApiError refusal,
                        http::Headers extra = {});
  // A request whose caller is known and which has no Ingress: however it ends, a record is written.
  class Owed;
  io::Task<bool> read_question(io::Exchange& exchange, grid::Task task, Admitted& admitted);
  // The same: what it may need is reserved, or it is refused.
  io::Task<bool> reserve(io::Exchange& exchange, Admitted& admitted);
  void account_refusal(const Admitted& admitted, grid::Outcome outcome, const openai::ApiError& refusal);
  std::string protocol_error(int status, std::string_view message, http::Headers& headers);

  Services& services_;
  Ingresses under_way_;
};

}  // namespace aigrid::gateway
