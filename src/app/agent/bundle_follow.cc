#include "app/agent/bundle_follow.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "io/client/update_stream.h"

namespace aigrid::agent {

namespace {

// One that does not say it is taken at the newest.
std::uint64_t said_version(const http::Headers& headers) {
  std::uint64_t out = UINT64_MAX;
  if (const auto said = headers.get(io::kHeldVersion)) {
    (void)std::from_chars(said->data(), said->data() + said->size(), out);
  }
  return out;
}

// What one gateway holds, for as long as its stream lasts.
class GatewayHolds {
 public:
  GatewayHolds(std::multiset<std::uint64_t>& all, std::uint64_t version) : all_(all), own_(all.insert(version)) {}
  GatewayHolds(const GatewayHolds&) = delete;
  GatewayHolds& operator=(const GatewayHolds&) = delete;
  ~GatewayHolds() { all_.erase(own_); }
  void now(std::uint64_t version) {
    all_.erase(own_);
    own_ = all_.insert(version);
  }

 private:
  std::multiset<std::uint64_t>& all_;
  std::multiset<std::uint64_t>::iterator own_;
};

}  // namespace

BundleFollow::BundleFollow(io::Env& env, std::string state, std::string node, std::string key)
    : env_(env), state_(std::move(state)), node_(std::move(node)), key_(std::move(key)) {}

Result<void> BundleFollow::load() {
  AIGRID_TRY(std::string bytes, env_.files().read_all(path()));
  AIGRID_TRY(bundle::Held held, bundle::decode_held(bytes, key_));
  return adopt(std::move(held), false);
}

Result<void> BundleFollow::take(const bundle::Update& update) {
  if (view_ && update.manifest.bytes == held_.manifest.bytes) return {};  // another gateway was quicker
  AIGRID_TRY(bundle::Held held, bundle::apply(held_, update, key_, bundle::Scope::Agent, node_));
  return adopt(std::move(held), true);
}

void BundleFollow::renew() {
  if (view_ && unix_seconds(env_.wall()) >= view_->residency.good_until()) (void)adopt(held_, false);
}

Result<void> BundleFollow::adopt(bundle::Held held, bool save) {
  auto view = std::make_shared<View>();
  AIGRID_TRY(view->inventory, bundle::inventory(held));
  AIGRID_TRY(view->residency, policy::Residency::compile(view->inventory, unix_seconds(env_.wall())));
  if (save) {
    // A full disk must not keep a revocation from working: the bundle counts now and is missing only after a restart.
    auto saved = env_.files().replace(path(), bundle::encode(held));
    if (!saved.ok()) env_.log().fail("bundle_not_saved", {{"why", saved.error().message}});
  }
  held_ = std::move(held);
  view_ = std::move(view);
  env_.log().note("bundle_applied", {{"version", held_.parsed.version}, {"from_disk", !save}});
  if (changed_) changed_();
  return {};
}

io::Task<void> BundleFollow::serve(std::shared_ptr<io::H2Stream> stream) {
  GatewayHolds gateway(gateways_hold_, said_version(stream->request().headers));
  if (!stream->respond({200, {}}).ok()) co_return;
  const std::string held =
      nlohmann::json{{"version", version()}, {"sections", bundle::held_hashes(held_)}}.dump() + "\n";
  auto said = co_await stream->write(held);
  if (!said.ok()) co_return;
  io::UpdateReader updates(*stream, io::kMaxUpdateToAgent);
  for (;;) {
    auto update = co_await updates.next();
    if (update.ok() && !update->has_value()) break;
    Result<void> taken = update.ok() ? take(**update) : Result<void>(update.error());
    if (taken.ok()) gateway.now(version());
    nlohmann::json answer;
    if (taken.ok()) {
      answer = {{"applied", version()}};
    } else {
      if (stream->failure()) co_return;
      env_.log().warn("bundle_refused", {{"why", taken.error().message}, {"held", version()}});
      answer = {{"refused", version()}, {"why", taken.error().message}};
    }
    const std::string line = answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    said = co_await stream->write(line);
    if (!said.ok()) co_return;
  }
  (void)stream->end();
}

}  // namespace aigrid::agent
