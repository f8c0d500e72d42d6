#include "app/gateway/update_stream.h"

namespace aigrid::gateway {

bundle::Update update_for(const std::map<std::string, std::string>& held, std::uint64_t held_version,
                          const bundle::Held* previous, const bundle::Held& target, bundle::Scope scope,
                          const std::vector<std::string>& nodes) {
  std::map<std::string, std::shared_ptr<const std::string>> history;
  if (previous != nullptr) {
    for (const auto& [name, hash] : previous->parsed.sections) {
      if (auto it = previous->sections.find(name); it != previous->sections.end()) history[hash] = it->second;
    }
  }
  return bundle::diff(held, held_version, target, history, scope, nodes);
}

}  // namespace aigrid::gateway
