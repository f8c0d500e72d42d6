#include "format/api/inventory.h"

#include <algorithm>
#include <set>

#include "format/api/resource.h"
#include "format/bundle/bundle.h"
#include "format/bundle/section.h"
#include "format/json/json.h"

namespace aigrid::bundle {

namespace {

Error broken(std::string message) { return {Code::DataLoss, Origin::Upstream, Retry::Same, std::move(message)}; }

bool holds_keys(std::string_view section) { return section.substr(0, 5) == "keys/"; }
bool for_agent(std::string_view section) { return section.starts_with(kAgentPrefix); }

Result<void> read_line(std::string_view line, grid::Inventory& out) {
  AIGRID_TRY(const auto key, key_of(line));
  const auto kind = api::parse_kind(key.kind);
  if (!kind) return {};
  auto value = json::parse(line);
  if (!value.ok()) return broken("bundle: a line is no JSON: " + value.error().message);
  const auto name = value->find("name");
  const auto spec = value->find("spec");
  if (name == value->end() || !name->is_string() || spec == value->end()) {
    return broken("bundle: a line has no name or spec: " + json::quoted(line.substr(0, 60)));
  }
  api::Resource resource;
  resource.kind = *kind;
  resource.name = name->get<std::string>();
  resource.spec = std::move(*spec);
  std::vector<api::Problem> problems;
  auto noun = api::decode(resource, problems, api::Unknown::Skip);
  if (!noun) return broken("bundle: " + api::to_text(problems.front()));
  api::add(out, std::move(*noun));
  return {};
}

Result<void> read_section(std::string_view text, grid::Inventory& out) {
  AIGRID_TRY(const auto lines, lines_of(text));
  for (const auto line : lines) AIGRID_CHECK_OK(read_line(line, out));
  return {};
}

void finish(const Held& held, grid::Inventory& out) {
  out.grid = held.parsed.grid;
  out.version = held.parsed.version;
  api::sort_by_name(out);
  api::for_each_list(out, [](api::Kind, auto& list) {
    // An agent's section repeats models and deployments shared by several nodes.
    const auto same = [](const auto& a, const auto& b) {
      if constexpr (requires { a.kid; }) {
        return a.kid == b.kid;
      } else {
        return a.name == b.name;
      }
    };
    list.erase(std::unique(list.begin(), list.end(), same), list.end());
  });
}

// Everything but keys. A reader that holds `models` needs no agent's excerpt of it.
Result<void> read_plain(const Held& held, grid::Inventory& out) {
  const bool whole = held.sections.find("models") != held.sections.end();
  for (const auto& [name, text] : held.sections) {
    if (holds_keys(name) || name.starts_with(kShardPrefix) || (whole && for_agent(name))) continue;
    AIGRID_CHECK_OK(read_section(*text, out));
  }
  return {};
}

}  // namespace

Result<grid::Inventory> inventory(const Held& held) {
  grid::Inventory out;
  AIGRID_CHECK_OK(read_plain(held, out));
  for (const auto& [name, text] : held.sections) {
    if (holds_keys(name)) AIGRID_CHECK_OK(read_section(*text, out));
  }
  finish(held, out);
  return out;
}

Result<grid::Inventory> inventory(const Held& held, const Held& before, const grid::Inventory& known) {
  const auto changed = changed_sections(before, held);
  const std::set<std::string> differs(changed.begin(), changed.end());
  const bool plain = std::any_of(changed.begin(), changed.end(), [](const auto& name) { return !holds_keys(name); });
  grid::Inventory out;
  if (plain) {
    AIGRID_CHECK_OK(read_plain(held, out));
  } else {
    out = known;
    out.keys.clear();
  }
  out.keys.reserve(known.keys.size() + 16);
  for (const auto& key : known.keys) {
    if (differs.find(key_section(key.kid)) == differs.end()) out.keys.push_back(key);
  }
  for (const auto& name : changed) {
    const auto text = held.sections.find(name);
    if (holds_keys(name) && text != held.sections.end()) AIGRID_CHECK_OK(read_section(*text->second, out));
  }
  finish(held, out);
  return out;
}

}  // namespace aigrid::bundle
