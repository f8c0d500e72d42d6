#include "format/bundle/section.h"

#include <algorithm>

#include "base/crypto/encode.h"
#include "base/crypto/hash.h"
#include "format/api/inventory.h"
#include "format/api/resource.h"
#include "format/bundle/bundle.h"
#include "format/json/json.h"

namespace aigrid::bundle {

namespace {

constexpr std::string_view kKindMark = R"({"kind":")";
constexpr std::string_view kNameMark = R"(,"name":")";

Error broken(std::string message) { return {Code::DataLoss, Origin::Upstream, Retry::Same, std::move(message)}; }

// Up to the closing quote of a JSON string; npos: none.
std::size_t closing_quote(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i;
    }
  }
  return std::string_view::npos;
}

using Lines = std::map<std::string, std::vector<std::string>>;

const char* section_of(api::Kind kind) {
  switch (kind) {
    case api::Kind::Operator:
    case api::Kind::Site: return "sites";
    case api::Kind::Node:
    case api::Kind::Gateway:
    case api::Kind::Link: return "peers";
    case api::Kind::Zone:
    case api::Kind::Policy:
    case api::Kind::Tenant:
    case api::Kind::Project: return "policy";
    case api::Kind::Model:
    case api::Kind::Deployment: return "models";
    case api::Kind::PriceBook: return "prices";
    case api::Kind::ApiKey: break;
  }
  return "keys";
}

// What an agent needs: its node, what that serves, and the gateways of its site, each of which it dials.
void add_agents(const grid::Inventory& all, Lines& out) {
  std::map<std::string_view, const grid::Model*> models;
  for (const auto& m : all.models) models[m.name] = &m;
  std::map<std::string_view, std::vector<const grid::Deployment*>> by_node;
  for (const auto& d : all.deployments) {
    for (const auto& node : d.nodes) by_node[node].push_back(&d);
  }
  std::map<std::string_view, std::vector<std::string>> gateways;
  for (const auto& g : all.gateways) gateways[g.site].push_back(line_of(g));
  for (const auto& node : all.nodes) {
    auto& lines = out[agent_section(node.name)];
    lines.push_back(line_of(node));
    const auto& doors = gateways[node.site];
    lines.insert(lines.end(), doors.begin(), doors.end());
    for (const auto* d : by_node[node.name]) {
      lines.push_back(line_of(*d));
      if (const auto m = models.find(d->model); m != models.end()) lines.push_back(line_of(*m->second));
    }
  }
}

void add_shards(const grid::Inventory& all, Sections& sections) {
  Lines shards;
  for (const auto& node : all.nodes) {
    const auto hash = hash_of(*sections.at(agent_section(node.name)));
    shards[agent_shard(node.name)].push_back(agent_line(node.name, hash));
  }
  for (const auto& [name, list] : shards) {
    sections[name] = std::make_shared<const std::string>(join({list.begin(), list.end()}));
  }
}

}  // namespace

std::string line_of(const api::Noun& noun) {
  std::string out(kKindMark);
  out += api::to_string(api::kind_of(noun));
  out += '"';
  out += kNameMark.substr(0, kNameMark.size() - 1);
  out += json::quoted(api::name_of(noun));
  out += R"(,"spec":)";
  out += json::dump(api::to_json(noun, api::Layout::Compact));
  out += '}';
  return out;
}

Result<LineKey> key_of(std::string_view line) {
  std::string_view rest = line;
  LineKey key;
  if (rest.substr(0, kKindMark.size()) == kKindMark) {
    rest.remove_prefix(kKindMark.size());
    const auto kind_end = closing_quote(rest);
    if (kind_end != std::string_view::npos) {
      key.kind = rest.substr(0, kind_end);
      rest.remove_prefix(kind_end + 1);
      if (rest.substr(0, kNameMark.size()) == kNameMark) {
        rest.remove_prefix(kNameMark.size());
        const auto name_end = closing_quote(rest);
        if (name_end != std::string_view::npos) {
          key.name = rest.substr(0, name_end);
          return key;
        }
      }
    }
  }
  return broken("bundle section: a line does not begin with kind and name: " + json::quoted(line.substr(0, 60)));
}

std::string removal_name(const LineKey& key) { return std::string(key.kind) + "/" + std::string(key.name); }

Result<std::vector<std::string_view>> lines_of(std::string_view section) {
  std::vector<std::string_view> out;
  while (!section.empty()) {
    const auto end = section.find('\n');
    if (end == std::string_view::npos) return broken("bundle section: the last line has no newline; it is truncated");
    out.push_back(section.substr(0, end));
    section.remove_prefix(end + 1);
  }
  return out;
}

std::string join(std::vector<std::string_view> lines) {
  std::vector<std::pair<LineKey, std::string_view>> keyed;
  keyed.reserve(lines.size());
  std::size_t size = 0;
  for (const auto line : lines) {
    keyed.emplace_back(key_of(line).value_or(LineKey{}), line);
    size += line.size() + 1;
  }
  std::sort(keyed.begin(), keyed.end());
  keyed.erase(std::unique(keyed.begin(), keyed.end()), keyed.end());
  std::string out;
  out.reserve(size);
  for (const auto& [key, line] : keyed) {
    out += line;
    out += '\n';
  }
  return out;
}

std::string key_section(std::string_view kid) {
  const auto first = crypto::from_hex(kid.substr(0, 2));
  const auto byte = first.ok() && !first->empty() ? static_cast<unsigned char>(first->front()) : 0U;
  return "keys/" + crypto::hex(std::string(1, static_cast<char>(byte & (kKeyShards - 1))));
}

std::string agent_section(std::string_view node) { return std::string(kAgentPrefix).append(node); }

std::string agent_shard(std::string_view node) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  static_assert(kDigits.size() == kAgentShards);
  const auto hash = crypto::sha256(node);
  return std::string(kShardPrefix) + kDigits[static_cast<unsigned char>(hash[0]) % kAgentShards];
}

std::string agent_line(std::string_view node, std::string_view hash) {
  return std::string(kKindMark) + "Agent\"" + std::string(kNameMark.substr(0, kNameMark.size() - 1)) +
         json::quoted(node) + R"(,"spec":{"hash":)" + json::quoted(hash) + "}}";
}

Result<void> read_shard(std::string_view text, std::map<std::string, std::string>& hashes) {
  AIGRID_TRY(const auto lines, lines_of(text));
  for (const auto line : lines) {
    AIGRID_TRY(const json::Json value, json::parse(line));
    json::Reader reader(value, "agents");
    std::string kind;
    std::string name;
    std::map<std::string, std::string> spec;
    reader.get("kind", kind).get("name", name).get("spec", spec);
    AIGRID_CHECK_OK(reader.result());
    if (kind != "Agent" || name.empty()) return broken("bundle section: a line of agents/ names no agent");
    hashes[agent_section(name)] = spec["hash"];
  }
  return {};
}

Sections compile(const grid::Inventory& everything) {
  Lines lines;
  for (const char* name : {"sites", "policy", "models", "prices", "peers"}) lines[name];
  api::for_each_list(everything, [&lines](api::Kind kind, const auto& list) {
    for (const auto& n : list) {
      if constexpr (requires { n.kid; }) {
        lines[key_section(n.kid)].push_back(line_of(n));
      } else {
        lines[section_of(kind)].push_back(line_of(n));
      }
    }
  });
  add_agents(everything, lines);
  Sections out;
  for (const auto& [name, list] : lines) {
    out[name] = std::make_shared<const std::string>(join({list.begin(), list.end()}));
  }
  add_shards(everything, out);
  return out;
}

}  // namespace aigrid::bundle
