#include "app/gateway/relays.h"

#include <utility>

#include "app/gateway/inner_server.h"
#include "core/routing/relay.h"
#include "io/client/inner_dial.h"
#include "io/env/seed.h"
#include "io/http/tunnel.h"

namespace aigrid::gateway {

Relays::Relays(io::Env& env, Board& board, Peers& peers, const Badge& badge, const dispatch::Cadence& cadence)
    : env_(env), board_(board), peers_(peers), badge_(badge), cadence_(cadence), tasks_(env.executor()) {}

io::Task<void> Relays::run() {
  for (;;) {
    co_await env_.sleep_for(cadence_.relay_look);
    if (!board_.loaded()) continue;
    for (const auto& g : board_.tables().gateways) {
      if (g.site == board_.site() || peers_.reaches(g.name)) continue;
      Sought& sought = sought_for(g.name);
      if (sought.under_way || env_.now() < sought.next) continue;
      sought.under_way = true;
      tasks_.spawn(reach(g.name, g.site));
    }
  }
}

Relays::Sought& Relays::sought_for(const std::string& gateway) {
  if (const auto it = sought_.find(gateway); it != sought_.end()) return it->second;
  const io::BackoffLimits limits{cadence_.redial_least, cadence_.redial_most};
  // A link that is only being made is not dead.
  return sought_
      .emplace(gateway, Sought{io::Backoff(random_seed(env_), limits), env_.now() + cadence_.relay_look, false})
      .first->second;
}

io::Task<void> Relays::reach(std::string gateway, std::string site) {
  for (const auto& [third, via] : thirds(site)) {
    if (peers_.reaches(gateway)) break;
    auto connection = co_await dial(gateway, site, third, via);
    if (!connection.ok()) continue;
    sought_.at(gateway).backoff.succeeded();
    co_await peers_.follow(std::move(*connection), gateway, via);
    break;
  }
  Sought& sought = sought_.at(gateway);
  sought.under_way = false;
  sought.next = env_.now() + sought.backoff.failed();
}

std::vector<std::pair<std::string, std::string>> Relays::thirds(const std::string& site) const {
  std::vector<std::pair<std::string, std::string>> out;
  const auto& tables = board_.tables();
  const auto target = tables.find_site(site);
  if (!target) return out;
  for (const auto via : routing::relay_sites(board_.snapshot(), *target)) {
    for (const auto& g : tables.gateways) {
      if (g.site == tables.sites[via].spec.name && peers_.reaches(g.name)) out.emplace_back(g.name, g.site);
    }
  }
  return out;
}

io::Task<Result<std::shared_ptr<io::H2Connection>>> Relays::dial(std::string gateway, std::string site,
                                                                 std::string third, std::string via) {
  const Time until = env_.now() + cadence_.dial_within;
  auto asked = peers_.open_direct(third, "/inner/relay/" + gateway);
  if (!asked.ok()) co_return std::move(asked).error();
  auto taken = co_await accepted(*asked);
  if (!taken.ok()) co_return std::move(taken).error();
  io::InnerDial what;
  what.to = gateway + " through " + third;
  what.grid = badge_.name.grid;
  what.role = Role::Gateway;
  what.site = site;
  what.within = std::max(Duration{}, until - env_.now());
  auto raw = io::tunnel(env_, std::move(*asked), via);
  auto secured = co_await io::secure_inner(env_, badge_.tls, std::move(raw), std::move(what));
  if (!secured.ok()) co_return std::move(secured).error();
  co_return std::shared_ptr<io::H2Connection>(std::move(*secured));
}

io::Task<void> Relays::serve(std::shared_ptr<io::H2Stream> stream, std::string gateway) {
  auto onward = peers_.open_direct(gateway, "/inner/relayed");
  const Result<void> there = onward.ok() ? co_await accepted(*onward) : Result<void>(onward.error());
  if (!there.ok()) {
    co_await answer_problem(std::move(stream), 502, "no_way_there", there.error().message);
    co_return;
  }
  if (!stream->respond({200, {}}).ok()) co_return;
  co_await io::pass_on(env_, std::move(stream), std::move(*onward));
}

io::Task<Result<void>> Relays::accepted(std::shared_ptr<io::H2Stream> stream) {
  auto alarm = env_.timer([stream] { stream->reset(); });
  alarm->arm(env_.now() + cadence_.dial_within);
  auto head = co_await stream->head();
  alarm->cancel();
  if (!head.ok()) co_return std::move(head).error();
  if (head->status != 200) co_return unavailable("it does not pass on to there");
  co_return Result<void>{};
}

}  // namespace aigrid::gateway
