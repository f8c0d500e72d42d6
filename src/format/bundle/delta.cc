#include <algorithm>
#include <set>

#include "format/bundle/bundle.h"
#include "format/bundle/section.h"

namespace aigrid::bundle {

namespace {

Error broken(std::string message) { return {Code::DataLoss, Origin::Upstream, Retry::Same, std::move(message)}; }
Error conflict(std::string message) { return {Code::Conflict, Origin::Upstream, Retry::Same, std::move(message)}; }

bool wanted(Scope scope, std::string_view section, const std::vector<std::string>& nodes) {
  if (in_scope(scope, section, "")) return true;
  return std::any_of(nodes.begin(), nodes.end(), [&](const auto& node) { return in_scope(scope, section, node); });
}

// Both texts are sorted by the same key, so one walk finds the difference. False: a text is no section.
bool compare(std::string_view before, std::string_view after, Update::Lines& out) {
  const auto a = lines_of(before);
  const auto b = lines_of(after);
  if (!a.ok() || !b.ok()) return false;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a->size() || j < b->size()) {
    if (i < a->size() && j < b->size() && (*a)[i] == (*b)[j]) {
      ++i;
      ++j;
      continue;
    }
    const auto ka = i < a->size() ? key_of((*a)[i]) : Result<LineKey>(LineKey{});
    const auto kb = j < b->size() ? key_of((*b)[j]) : Result<LineKey>(LineKey{});
    if (!ka.ok() || !kb.ok()) return false;
    const bool take_a = i < a->size() && (j == b->size() || *ka <= *kb);
    const bool take_b = j < b->size() && (i == a->size() || *kb <= *ka);
    if (take_a) {
      if (!take_b) out.removed.push_back(removal_name(*ka));
      ++i;
    }
    if (take_b) out.added.emplace_back((*b)[j++]);
  }
  return true;
}

std::size_t size_of(const Update::Lines& lines) {
  std::size_t size = lines.base_hash.size();
  for (const auto& r : lines.removed) size += r.size() + 2;
  for (const auto& l : lines.added) size += l.size() + 3;
  return size;
}

// An added line replaces the one of its kind and name.
Result<std::string> change(std::string_view base, const Update::Lines& lines) {
  AIGRID_TRY(const auto held, lines_of(base));
  std::set<std::string> gone(lines.removed.begin(), lines.removed.end());
  for (const auto& line : lines.added) {
    AIGRID_TRY(const auto key, key_of(line));
    if (line.find('\n') != std::string::npos) return broken("bundle update: an added line holds a newline");
    gone.insert(removal_name(key));
  }
  std::vector<std::string_view> result;
  result.reserve(held.size() + lines.added.size());
  std::string name;
  for (const auto line : held) {
    AIGRID_TRY(const auto key, key_of(line));
    name.assign(key.kind).append("/").append(key.name);
    if (gone.find(name) == gone.end()) result.push_back(line);
  }
  for (const auto& line : lines.added) result.push_back(line);
  return join(std::move(result));
}

Result<void> check_order(const Held& held, const Update& update, const Manifest& next) {
  const Manifest& now = held.parsed;
  const bool blank = held.manifest.bytes.empty();
  if (!blank && now.grid != next.grid) {
    return Error{Code::PermissionDenied, Origin::Upstream, Retry::Never,
                 "bundle: grid \"" + next.grid + "\" is not the one held, \"" + now.grid + "\"; keep the copy held"};
  }
  const auto order = [](const Manifest& m) { return std::pair(m.epoch, m.version); };
  if (!blank &&
      (order(next) < order(now) || (order(next) == order(now) && update.manifest.bytes != held.manifest.bytes))) {
    return conflict("bundle: version " + std::to_string(next.epoch) + "." + std::to_string(next.version) +
                    " is not newer than the one held, " + std::to_string(now.epoch) + "." +
                    std::to_string(now.version) + "; keep the copy held");
  }
  if (update.base_version != 0 && (blank || update.base_version != now.version)) {
    return conflict("bundle update: it changes version " + std::to_string(update.base_version) + ", held is " +
                    std::to_string(now.version) + "; ask for a full one");
  }
  return {};
}

// The text of one section after the update; the held one is shared, not copied.
Result<std::shared_ptr<const std::string>> next_text(const Held& held, const Update& update, const std::string& name,
                                                     const std::string& hash) {
  const auto have = held.sections.find(name);
  const auto have_hash = held.parsed.sections.find(name);
  const bool holds = have != held.sections.end() && have_hash != held.parsed.sections.end();
  if (holds && have_hash->second == hash) return have->second;
  std::string text;
  if (const auto full = update.full.find(name); full != update.full.end()) {
    text = full->second;
  } else if (const auto lines = update.changed.find(name); lines != update.changed.end()) {
    if (!holds || have_hash->second != lines->second.base_hash) {
      return conflict("bundle update: section \"" + name +
                      "\" is changed against another text than the one held; "
                      "ask for a full one");
    }
    AIGRID_TRY(text, change(*have->second, lines->second));
  } else {
    return broken("bundle update: section \"" + name + "\" is missing; ask for a full one");
  }
  if (hash_of(text) != hash) {
    return broken("bundle update: section \"" + name + "\" does not have the signed hash; ask for a full one");
  }
  return std::make_shared<const std::string>(std::move(text));
}

// Of a section of an agent: an agent keeps its own, a gateway what it is sent and what it holds as it is.
bool keeps(const Held& held, const Update& update, Scope scope, std::string_view node, const std::string& name,
           const std::string& hash) {
  if (scope == Scope::Agent) return in_scope(scope, name, node);
  if (update.full.contains(name) || update.changed.contains(name)) return true;
  const auto have = held.parsed.sections.find(name);
  return held.sections.contains(name) && have != held.parsed.sections.end() && have->second == hash;
}

Result<void> refuse_foreign(const Update& update, const Held& taken) {
  const auto refuse = [&](const std::string& name) -> Result<void> {
    if (taken.sections.contains(name)) return {};
    return Error{Code::PermissionDenied, Origin::Upstream, Retry::Never,
                 "bundle update: section \"" + name + "\" is not for this reader; keep the copy held"};
  };
  for (const auto& [name, text] : update.full) AIGRID_CHECK_OK(refuse(name));
  for (const auto& [name, lines] : update.changed) AIGRID_CHECK_OK(refuse(name));
  return {};
}

}  // namespace

Result<void> learn_agents(const Sections& sections, Manifest& manifest) {
  for (auto at = sections.lower_bound(std::string(kShardPrefix));
       at != sections.end() && at->first.starts_with(kShardPrefix); ++at) {
    AIGRID_CHECK_OK(read_shard(*at->second, manifest.sections));
  }
  return {};
}

Update diff(const std::map<std::string, std::string>& held, std::uint64_t held_version, const Held& target,
            const std::map<std::string, std::shared_ptr<const std::string>>& history, Scope scope,
            const std::vector<std::string>& nodes) {
  Update update;
  update.manifest = target.manifest;
  update.base_version = held.empty() ? 0 : held_version;
  for (const auto& [name, hash] : target.parsed.sections) {
    if (!wanted(scope, name, nodes)) continue;
    const auto text = target.sections.find(name);
    const auto before = held.find(name);
    if (text == target.sections.end() || (before != held.end() && before->second == hash)) continue;
    const auto base = before == held.end() ? history.end() : history.find(before->second);
    Update::Lines lines;
    if (update.base_version != 0 && base != history.end() && compare(*base->second, *text->second, lines)) {
      lines.base_hash = before->second;
      if (size_of(lines) < text->second->size()) {
        update.changed[name] = std::move(lines);
        continue;
      }
    }
    update.full[name] = *text->second;
  }
  return update;
}

Result<Held> apply(const Held& held, const Update& update, std::string_view ed25519_public_key, Scope scope,
                   std::string_view node) {
  AIGRID_TRY(Manifest next, verify(update.manifest, ed25519_public_key));
  AIGRID_CHECK_OK(check_order(held, update, next));
  Held out;
  for (const auto& [name, hash] : next.sections) {
    if (!in_scope(scope, name, node)) continue;
    AIGRID_TRY(out.sections[name], next_text(held, update, name, hash));
  }
  AIGRID_CHECK_OK(learn_agents(out.sections, next));
  for (const auto& [name, hash] : next.sections) {
    if (!name.starts_with(kAgentPrefix) || !keeps(held, update, scope, node, name, hash)) continue;
    AIGRID_TRY(out.sections[name], next_text(held, update, name, hash));
  }
  AIGRID_CHECK_OK(refuse_foreign(update, out));
  out.manifest = update.manifest;
  out.parsed = std::move(next);
  return out;
}

}  // namespace aigrid::bundle
