#include "app/control/publisher.h"

namespace aigrid::control {

namespace {

bundle::Held compile(const CatalogEntries& entries, const std::string& grid, std::uint64_t epoch, std::uint64_t version,
                     const std::string& seed) {
  bundle::Held held;
  held.sections = bundle::compile(inventory_of(entries, grid, version));
  held.parsed = bundle::manifest_of(held.sections, grid, epoch, version);
  held.manifest = bundle::sign(held.parsed, seed);
  return held;
}

}  // namespace

io::Task<void> Publisher::run() {
  for (;;) {
    // Revision 0 is an empty grid: there is nothing to tell, and version 0 means nothing held.
    if (catalog_.revision() == (current_ ? current_->parsed.version : 0)) {
      co_await watch_.changed.wait();
      co_await env_.sleep_for(limits_.gather_changes);
      continue;
    }
    const Result<void> done = co_await publish();
    if (done.ok()) continue;
    env_.log().fail("bundle_not_published", {{"why", done.error().message}});
    co_await env_.sleep_for(limits_.publish_retry);
  }
}

io::Task<Result<void>> Publisher::publish() {
  const std::uint64_t version = catalog_.revision();
  auto held = std::make_shared<bundle::Held>();
  auto work = [held, entries = catalog_.everything(), grid = authority_.grid(), epoch = authority_.epoch(), version,
               seed = authority_.bundle_seed()] { *held = compile(entries, grid, epoch, version, seed); };
  co_await env_.blocking(std::move(work));
  // What we could not read ourselves is not sent to anybody.
  auto again = bundle::verify(held->manifest, authority_.bundle_key());
  if (!again.ok()) co_return std::move(again).error();
  keep(std::move(held));
  env_.log().note("bundle_published", {{"version", version}});
  for (Reader* reader : readers_) reader->published.set();
  co_return Result<void>();
}

void Publisher::keep(std::shared_ptr<const bundle::Held> held) {
  current_ = std::move(held);
  versions_.push_back(current_);
  // Texts are shared between versions: each counts once. The newest version is always kept.
  std::map<std::string, std::shared_ptr<const std::string>> texts;
  std::size_t bytes = 0;
  std::size_t kept = 0;
  for (auto version = versions_.rbegin(); version != versions_.rend(); ++version) {
    for (const auto& [name, text] : (*version)->sections) {
      if (texts.emplace((*version)->parsed.sections.at(name), text).second) bytes += text->size();
    }
    if (++kept == limits_.history_versions || bytes > limits_.history_bytes) break;
  }
  while (versions_.size() > kept) versions_.pop_front();
  texts_ = std::move(texts);
}

bundle::Update Publisher::update_from(const std::map<std::string, std::string>& held, std::uint64_t version,
                                      const std::vector<std::string>& nodes) const {
  return bundle::diff(held, version, *current_, texts_, bundle::Scope::Gateway, nodes);
}

}  // namespace aigrid::control
