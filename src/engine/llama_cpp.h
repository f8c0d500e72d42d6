// Driver of llama.cpp's server: `llama-server` on PATH, or our launcher llamacpp_server.py (the same server inside a
// Python wheel). Facts it rests on: a slot's context is ctx / parallel; prompt_tokens_total leaves cached tokens out;
// closing the connection frees the slot; it answers 503 until the model is loaded.
#pragma once

#include "engine/driver.h"
#include "engine/llama_cpp_tokens.h"

namespace aigrid::engine {

class LlamaCpp final : public Driver {
 public:
  std::string_view name() const override { return "llama.cpp"; }
  Capabilities capabilities() const override;
  Result<Launch> launch(const grid::Deployment& deployment, const grid::Model& model,
                        const LaunchContext& context) const override;
  Load load_from_metrics(const Sample& sample) const override;
  Load load_from_slots(std::string_view json) const override;
  Refusal refusal(int status, std::string_view body) const override;
  const TokenResume* tokens() const override { return &tokens_; }

 private:
  LlamaCppTokens tokens_;
};

}  // namespace aigrid::engine
