// Sections as canonical lines: {"kind":…,"name":…,"spec":…}, sorted by kind and name, each ended by a newline.
// Private to format/bundle. Pure, any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/api/schema.h"
#include "format/bundle/bundle.h"

namespace aigrid::bundle {

std::string line_of(const api::Noun& noun);  // without its newline

// What a line is sorted and removed by, taken from its beginning without parsing the rest.
struct LineKey {
  std::string_view kind;
  std::string_view name;
  auto operator<=>(const LineKey&) const = default;
};
Result<LineKey> key_of(std::string_view line);
std::string removal_name(const LineKey& key);  // "kind/name"

Result<std::vector<std::string_view>> lines_of(std::string_view section);
std::string join(std::vector<std::string_view> lines);  // sorts

// keys/XX for a kid of hexadecimal digits.
std::string key_section(std::string_view kid);

// Sections of agents, and the shards that hold their hashes: `agents/X` has a line {"kind":"Agent","name":node,"spec":
// {"hash":…}} for each of its nodes.
inline constexpr std::string_view kAgentPrefix = "agent/";
inline constexpr std::string_view kShardPrefix = "agents/";
std::string agent_section(std::string_view node);
std::string agent_shard(std::string_view node);
std::string agent_line(std::string_view node, std::string_view hash);
// Adds `agent/<node>` → hash of every line of a shard.
Result<void> read_shard(std::string_view text, std::map<std::string, std::string>& hashes);
// The same of every shard among the sections, whose own hashes have been checked.
Result<void> learn_agents(const Sections& sections, Manifest& manifest);

}  // namespace aigrid::bundle
