#include "app/control/catalog.h"

#include "format/json/json.h"

namespace aigrid::control {

namespace {

io::ResourceWrite write_of(const api::Resource& resource, const api::Noun& noun, const WriteAsk& ask) {
  const bool bare = resource.labels.empty();
  return {ask.create ? io::ResourceWrite::Mode::Create : io::ResourceWrite::Mode::Put,
          std::string(api::to_string(resource.kind)),
          resource.name,
          json::dump(api::to_json(noun)),
          bare ? std::string() : json::dump(resource.labels),
          ask.if_version};
}

std::vector<io::ResourceWrite> writes_of(const WriteAsk& ask, const std::vector<api::Noun>& nouns) {
  std::vector<io::ResourceWrite> writes;
  for (std::size_t i = 0; i < ask.change.puts.size(); ++i)
    writes.push_back(write_of(ask.change.puts[i], nouns[i], ask));
  for (const auto& [kind, name] : ask.change.deletes) {
    writes.push_back(
        {io::ResourceWrite::Mode::Delete, std::string(api::to_string(kind)), name, "", "", ask.if_version});
  }
  return writes;
}

Result<std::shared_ptr<const CatalogEntry>> entry_of(io::StoredResource stored) {
  const auto kind = api::parse_kind(stored.kind);
  if (!kind) return internal("the database holds kind " + stored.kind + ", which this version does not know");
  AIGRID_TRY(auto spec, json::parse(stored.spec));
  api::Resource resource{*kind, stored.name, api::Json::object(), std::move(spec), {}};
  std::vector<api::Problem> problems;
  auto noun = api::decode(resource, problems, api::Unknown::Skip);
  if (!noun) return internal("the database holds an unreadable " + stored.kind + " " + stored.name);
  return std::make_shared<const CatalogEntry>(CatalogEntry{std::move(stored), std::move(*noun)});
}

}  // namespace

io::Task<Result<void>> Catalog::load() {
  std::function<Result<io::ResourceList>(io::Database&)> read = [](io::Database& db) -> Result<io::ResourceList> {
    io::ResourceTable table(db);
    AIGRID_CHECK_OK(table.prepare());
    return table.list("");
  };
  auto list = co_await door_.run(std::move(read));
  if (!list.ok()) co_return std::move(list).error();
  for (auto& stored : list->items) {
    auto entry = entry_of(std::move(stored));
    if (!entry.ok()) co_return std::move(entry).error();
    entries_[{api::kind_of((*entry)->noun), (*entry)->stored.name}] = *entry;
  }
  revision_ = list->revision;
  co_return Result<void>();
}

std::shared_ptr<const CatalogEntry> Catalog::find(api::Kind kind, const std::string& name) const {
  const auto found = entries_.find({kind, name});
  return found == entries_.end() ? nullptr : found->second;
}

CatalogEntries Catalog::list(api::Kind kind) const {
  CatalogEntries out;
  for (auto it = entries_.lower_bound({kind, ""}); it != entries_.end() && it->first.first == kind; ++it)
    out.push_back(it->second);
  return out;
}

CatalogEntries Catalog::everything() const {
  CatalogEntries out;
  out.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) out.push_back(entry);
  return out;
}

CatalogEntries Catalog::without_keys() const {
  CatalogEntries out;
  for (const auto& [key, entry] : entries_) {
    if (key.first == api::Kind::ApiKey) break;  // the last kind
    out.push_back(entry);
  }
  return out;
}

namespace {

// A change that opens sites wants two people; one that only closes them wants none but who makes it.
std::optional<api::Problem> unapproved(const WriteAsk& ask, const Checked& checked) {
  if (!ask.two_admins || !checked.widens || ask.dry_run || ask.approved) return std::nullopt;
  constexpr std::size_t kMostLines = 20;
  api::Problem problem;
  problem.message = "this change widens, and only " + ask.by + " wants it";
  for (std::size_t i = 0; i < std::min(kMostLines, checked.law.size()); ++i) {
    problem.message += (i == 0 ? ": " : "; ") + checked.law[i];
  }
  if (!ask.no_approval.empty()) problem.message += "; " + ask.no_approval;
  problem.remedy = "have another admin approve it: aigrid apply --approve-with KEY, or the header x-aigrid-approval";
  return problem;
}

}  // namespace

io::Task<Result<WriteDone>> Catalog::write(WriteAsk ask) {
  io::Turns::Turn turn(turns_);
  co_await turn.mine();
  auto asked = std::make_shared<const WriteAsk>(std::move(ask));
  auto checked = std::make_shared<Checked>();
  auto check = [held = without_keys(), keys = list(api::Kind::ApiKey), asked, checked,
                second = unix_seconds(env_.wall())] { *checked = check_change(held, keys, asked->change, second); };
  co_await env_.blocking(std::move(check));
  WriteDone done;
  if (!checked->problems.empty()) {
    done.problems = std::move(checked->problems);
    co_return done;
  }
  if (auto problem = unapproved(*asked, *checked)) {
    done.problems.push_back(std::move(*problem));
    co_return done;
  }
  done.law = std::move(checked->law);
  auto writes = writes_of(*asked, checked->nouns);
  const std::int64_t now_ms = unix_ms(env_.wall());
  std::function<Result<io::WriteOutcome>(io::Database&)> store =
      [writes = std::move(writes), now_ms, dry = asked->dry_run, by = asked->by](io::Database& db) {
        return io::ResourceTable(db).write(writes, now_ms, dry, by);
      };
  auto outcome = co_await door_.run(std::move(store));
  if (!outcome.ok()) co_return std::move(outcome).error();
  if (!asked->dry_run) take_over(*outcome, std::move(checked->nouns));
  done.outcome = std::move(*outcome);
  co_return done;
}

void Catalog::take_over(const io::WriteOutcome& outcome, std::vector<api::Noun> nouns) {
  if (outcome.revision == revision_) return;
  for (std::size_t i = 0; i < outcome.results.size(); ++i) {
    const auto& result = outcome.results[i];
    const Key key{*api::parse_kind(result.resource.kind), result.resource.name};
    if (result.action == io::WriteResult::Action::Deleted) {
      entries_.erase(key);
    } else {
      entries_[key] = std::make_shared<const CatalogEntry>(CatalogEntry{result.resource, std::move(nouns[i])});
    }
  }
  revision_ = outcome.revision;
  for (Watch* watch : watches_) watch->changed.set();
}

}  // namespace aigrid::control
