#include "app/gateway/peers.h"

#include <utility>

#include "io/client/backoff.h"
#include "io/client/inner_ask.h"
#include "io/client/inner_dial.h"
#include "io/env/seed.h"
#include "io/http/lines.h"

namespace aigrid::gateway {

Peers::Peers(io::Env& env, Board& board, io::Membership& membership, const dispatch::Cadence& cadence, Serve serve)
    : env_(env),
      board_(board),
      membership_(membership),
      cadence_(cadence),
      serve_(std::move(serve)),
      tasks_(env.executor()) {}

const grid::Gateway* Peers::find(const std::string& gateway) const {
  if (!board_.loaded()) return nullptr;
  for (const auto& g : board_.tables().gateways) {
    if (g.name == gateway) return &g;
  }
  return nullptr;
}

io::Address Peers::address_of(const grid::Gateway& gateway) const {
  for (const auto& link : board_.tables().links) {
    const bool ours =
        (link.a == board_.site() && link.b == gateway.site) || (link.b == board_.site() && link.a == gateway.site);
    if (!ours) continue;
    if (auto it = link.dial.find(board_.site()); it != link.dial.end()) return it->second;
  }
  return gateway.inner_address;
}

void Peers::reconcile() {
  if (!board_.loaded()) return;
  for (const auto& [gateway, peer] : peers_) {
    const auto* known = find(gateway);
    if (peer.asking && (known == nullptr || known->site != peer.site)) peer.asking->close();
  }
  for (const auto& [gateway, connection] : serving_) {
    if (find(gateway) == nullptr) connection->close();
  }
  for (const auto& g : board_.tables().gateways) {
    if (g.site == board_.site() || g.name <= board_.gateway()) continue;  // the lower name dials
    for (const char* alpn : {io::kAlpnAsk, io::kAlpnServe}) {
      bool& running = dialling_[g.name + " " + alpn];
      if (running) continue;
      running = true;
      tasks_.spawn(keep_dialling(g.name, alpn));
    }
  }
}

io::Task<void> Peers::keep_dialling(std::string gateway, std::string alpn) {
  io::Backoff backoff(random_seed(env_), {cadence_.redial_least, cadence_.redial_most});
  while (const grid::Gateway* peer = find(gateway)) {
    io::InnerDial what;
    what.to = address_of(*peer);
    what.alpn = alpn;
    what.grid = membership_.name().grid;
    what.role = Role::Gateway;
    what.site = peer->site;
    what.within = cadence_.dial_within;
    const bool asks = alpn == io::kAlpnAsk;
    if (!asks) what.serve = serve_;
    auto dialled = co_await io::dial_inner(env_, membership_.tls(), std::move(what));
    if (dialled.ok()) {
      const Time since = env_.now();
      std::shared_ptr<io::H2Connection> connection = std::move(*dialled);
      if (asks) {
        co_await follow(connection, gateway);
      } else {
        serving_[gateway] = connection;
        co_await connection->run();
        serving_.erase(gateway);
      }
      // A peer that takes us and drops us at once is no better than one that does not answer.
      if (env_.now() - since >= cadence_.ping_within) backoff.succeeded();
    }
    co_await env_.sleep_for(backoff.failed());
  }
  dialling_.erase(gateway + " " + alpn);
}

io::Task<void> Peers::follow(std::shared_ptr<io::H2Connection> connection, std::string gateway) {
  const grid::Gateway* known = find(gateway);
  if (known == nullptr) {
    connection->close();
    co_return;
  }
  const std::string site = known->site;
  auto& peer = peers_[gateway];
  if (peer.asking) peer.asking->close();
  peer.site = site;
  peer.asking = connection;
  peer.link.connected(env_.now());
  publish_link(gateway);
  env_.log().note("peer_connected", {{"gateway", gateway}, {"site", site}});
  {
    io::TaskGroup tasks(env_.executor());
    tasks.spawn(follow_rows(connection, gateway, site));
    tasks.spawn(measure(connection, gateway));
    co_await connection->run();
  }
  auto& after = peers_[gateway];
  if (after.asking != connection) co_return;  // a newer one took its place
  after.asking.reset();
  after.link.lost(env_.now());
  publish_link(gateway);
  board_.site_lost(site);
  env_.log().warn("peer_lost", {{"gateway", gateway}, {"site", site}});
}

io::Task<void> Peers::follow_rows(std::shared_ptr<io::H2Connection> connection, std::string gateway, std::string site) {
  auto stream = connection->open({"GET", "/inner/rows", {{"host", gateway}}}, true);
  if (!stream.ok()) co_return;
  if (const auto why = co_await io::refusal_of(**stream)) {
    env_.log().warn("refused_by_peer", {{"peer", gateway}, {"why", *why}});
    connection->close();
    co_return;
  }
  io::LineReader lines(**stream);
  for (;;) {
    auto line = co_await lines.next();
    if (!line.ok() || !line->has_value()) break;
    auto report = inner::decode_site_report(**line);
    if (!report.ok()) {
      env_.log().warn("site_report_refused", {{"gateway", gateway}, {"why", report.error().message}});
      continue;
    }
    report->site = site;  // where it is, the bundle says
    board_.site_reported(*report, env_.now());
  }
  connection->close();
}

io::Task<void> Peers::measure(std::shared_ptr<io::H2Connection> connection, std::string gateway) {
  for (;;) {
    auto round = co_await connection->ping(cadence_.ping_within);
    auto& link = peers_[gateway].link;
    if (!round.ok()) {
      link.missed(env_.now());
      if (!connection->closed()) connection->close();
      co_return;
    }
    link.measured(*round, env_.now());
    publish_link(gateway);
    co_await env_.sleep_for(cadence_.ping_every);
  }
}

void Peers::publish_link(const std::string& gateway) {
  const auto& peer = peers_[gateway];
  board_.link_measured(peer.site, peer.link.row());
}

Result<std::shared_ptr<io::H2Stream>> Peers::open_attempt(const std::string& site) {
  for (auto& [gateway, peer] : peers_) {
    if (peer.site != site || !peer.asking || peer.asking->closed() || peer.asking->draining()) continue;
    return peer.asking->open({"POST", "/inner/attempt", {{"host", gateway}}}, false);
  }
  return unavailable("no connection to a gateway of site \"" + site + "\"");
}

bool Peers::reaches(const std::string& gateway) const {
  const auto found = peers_.find(gateway);
  return found != peers_.end() && found->second.asking && !found->second.asking->closed() &&
         !found->second.asking->draining();
}

Result<std::shared_ptr<io::H2Stream>> Peers::open_to(const std::string& gateway, std::string path) {
  if (!reaches(gateway)) return unavailable("no connection to gateway \"" + gateway + "\"");
  return peers_.at(gateway).asking->open({"POST", std::move(path), {{"host", gateway}}}, false);
}

std::vector<Peers::LinkSeen> Peers::links() const {
  std::vector<LinkSeen> out;
  for (const auto& [gateway, peer] : peers_) out.push_back({peer.site, peer.link.row()});
  return out;
}

}  // namespace aigrid::gateway
