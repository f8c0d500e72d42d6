#include "app/gateway/update_stream.h"

#include <set>

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

std::vector<std::string> agent_sections(const bundle::Held& held, const bundle::Update& update,
                                        const bundle::Manifest& next) {
  constexpr std::string_view kPrefix = "agent/";
  std::set<std::string> nodes;
  const auto note = [&](const std::string& section) {
    if (section.starts_with(kPrefix)) nodes.insert(section.substr(kPrefix.size()));
  };
  for (const auto& [section, text] : update.full) note(section);
  for (const auto& [section, lines] : update.changed) note(section);
  for (const auto& [section, text] : held.sections) {
    const auto before = held.parsed.sections.find(section);
    const auto after = next.sections.find(section);
    if (before != held.parsed.sections.end() && after != next.sections.end() && before->second == after->second) {
      note(section);
    }
  }
  return {nodes.begin(), nodes.end()};
}

}  // namespace aigrid::gateway
