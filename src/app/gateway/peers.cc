#include "app/gateway/peers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/dispatch/ownership.h"
#include "io/client/backoff.h"
#include "io/client/inner_ask.h"
#include "io/client/inner_dial.h"
#include "io/env/seed.h"
#include "io/http/lines.h"

namespace aigrid::gateway {

Peers::Peers(io::Env& env, Board& board, const Badge& badge, Place place, const dispatch::Cadence& cadence,
             Serve serve, Siblings hooks)
    : env_(env),
      board_(board),
      badge_(badge),
      place_(place),
      cadence_(cadence),
      serve_(std::move(serve)),
      hooks_(std::move(hooks)),
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
    for (const auto& key : {board_.site() + "/" + gateway.name, board_.site()}) {
      if (auto it = link.dial.find(key); it != link.dial.end()) return it->second;
    }
  }
  return gateway.inner_address;
}

void Peers::leave_all() {
  tasks_.cancel();
  serving_.clear();
}

void Peers::reconcile() {
  if (!board_.loaded()) return;
  for (const auto& [gateway, peer] : peers_) {
    const auto* known = find(gateway);
    if (peer.asking && (known == nullptr || known->site != peer.site)) peer.asking->close();
  }
  for (const auto& [dial, connection] : serving_) {
    if (!wanted(dial)) connection->close();
  }
  for (auto& dial : wanted()) {
    if (dialling_.insert(dial).second) tasks_.spawn(keep_dialling(std::move(dial)));
  }
  hooks_.changed();
}

std::vector<Peers::Dial> Peers::wanted() const {
  std::vector<Dial> out;
  for (const auto& g : board_.tables().gateways) {
    if (g.name <= board_.gateway() || g.workers == 0) continue;  // the lower name dials
    out.push_back({g.name, io::kAlpnAsk, place_.worker % g.workers});
    for (std::uint32_t w = place_.worker; w < g.workers; w += place_.workers) {
      out.push_back({g.name, io::kAlpnServe, w});
    }
  }
  return out;
}

bool Peers::wanted(const Dial& dial) const {
  const auto all = wanted();
  return std::find(all.begin(), all.end(), dial) != all.end();
}

io::Task<void> Peers::keep_dialling(Dial dial) {
  io::Backoff backoff(random_seed(env_), {cadence_.redial_least, cadence_.redial_most});
  while (wanted(dial)) {
    const grid::Gateway* peer = find(dial.gateway);
    io::InnerDial what;
    what.to = address_of(*peer);
    what.alpn = dial.alpn;
    what.worker = dial.worker;
    what.grid = badge_.name.grid;
    what.role = Role::Gateway;
    what.site = peer->site;
    what.within = cadence_.dial_within;
    const bool asks = dial.alpn == io::kAlpnAsk;
    if (!asks) what.serve = serve_;
    auto dialled = co_await io::dial_inner(env_, badge_.tls, std::move(what));
    if (dialled.ok()) {
      const Time since = env_.now();
      std::shared_ptr<io::H2Connection> connection = std::move(*dialled);
      if (asks) {
        co_await follow(connection, dial.gateway);
      } else {
        serving_[dial] = connection;
        co_await connection->run();
        serving_.erase(dial);
      }
      // A peer that takes us and drops us at once is no better than one that does not answer.
      if (env_.now() - since >= cadence_.ping_within) backoff.succeeded();
    }
    co_await env_.sleep_for(backoff.failed());
  }
  dialling_.erase(dial);
}

io::Task<void> Peers::follow(std::shared_ptr<io::H2Connection> connection, std::string gateway, std::string via) {
  const grid::Gateway* known = find(gateway);
  if (known == nullptr) {
    connection->close();
    co_return;
  }
  const std::string site = known->site;
  auto& peer = peers_[gateway];
  const bool direct_stands = peer.asking && peer.via.empty();
  if (direct_stands && !via.empty()) {
    connection->close();
    co_return;
  }
  const bool gives_way = peer.asking && !peer.via.empty() && via.empty();  // measure() closes it when it has no streams
  if (peer.asking && !gives_way) peer.asking->close();
  peer.site = site;
  peer.via = via;
  peer.asking = connection;
  peer.link.connected(env_.now());
  publish_link(site);
  if (sibling(peer)) hooks_.changed();
  env_.log().note("peer_connected", {{"gateway", gateway}, {"site", site}, {"via", via}});
  {
    io::TaskGroup tasks(env_.executor());
    tasks.spawn(follow_rows(connection, gateway, site));
    tasks.spawn(measure(connection, gateway));
    co_await connection->run();
  }
  auto& after = peers_[gateway];
  if (after.asking != connection) co_return;  // a newer one took its place
  after.asking.reset();
  after.via.clear();
  after.link.lost(env_.now());
  lost(gateway, site);
}

void Peers::lost(const std::string& gateway, const std::string& site) {
  env_.log().warn("peer_lost", {{"gateway", gateway}, {"site", site}});
  if (site == board_.site()) return hooks_.changed();
  publish_link(site);
  for (const auto& [name, peer] : peers_) {
    if (peer.site == site && reaches(name)) return;  // the site's other gateways are still there
  }
  board_.site_lost(site);
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
    if (site == board_.site()) {
      hooks_.reported(gateway, *report);
    } else {
      board_.site_reported(*report, env_.now());
    }
  }
  connection->close();
}

io::Task<void> Peers::measure(std::shared_ptr<io::H2Connection> connection, std::string gateway) {
  for (;;) {
    auto round = co_await connection->ping(cadence_.ping_within);
    auto& peer = peers_[gateway];
    const bool in_use = peer.asking == connection;
    const bool over = !in_use && connection->streams() <= 1;  // only that of its rows
    if (!round.ok() || over) {
      if (in_use) peer.link.missed(env_.now());
      if (!connection->closed()) connection->close();
      co_return;
    }
    if (in_use) {
      peer.link.measured(*round, env_.now());
      publish_link(peer.site);
    }
    co_await env_.sleep_for(cadence_.ping_every);
  }
}

// The nearest of its gateways that can be reached, a direct way before one by a third: a request may be forbidden that.
const Peers::Peer* Peers::best_of(const std::string& site) const {
  const Peer* best = nullptr;
  const auto before = [](const Peer& a, const Peer& b) {
    if (a.link.row().up != b.link.row().up) return a.link.row().up;
    if (a.via.empty() != b.via.empty()) return a.via.empty();
    return a.link.row().rtt_ms < b.link.row().rtt_ms;
  };
  for (const auto& [gateway, peer] : peers_) {
    if (peer.site == site && (best == nullptr || before(peer, *best))) best = &peer;
  }
  return best;
}

void Peers::publish_link(const std::string& site) {
  if (site == board_.site()) return;
  if (const Peer* best = best_of(site)) board_.link_measured(site, best->link.row(), best->via);
}

Result<std::shared_ptr<io::H2Stream>> Peers::open_attempt(const std::string& site) {
  // Only by the way that routing was told of, and judged.
  const Peer* best = best_of(site);
  std::vector<const std::string*> there;
  for (const auto& [gateway, peer] : peers_) {
    if (peer.site == site && peer.via == best->via && reaches(gateway)) there.push_back(&gateway);
  }
  const std::string* next = dispatch::next_in_turn(asked_last_, there);
  if (next == nullptr) return unavailable("no connection to a gateway of site \"" + site + "\"");
  asked_last_ = *next;
  return open_to(asked_last_, "/inner/attempt");
}

std::vector<grid::Gateway> Peers::siblings() const {
  std::vector<grid::Gateway> out;
  if (!board_.loaded()) return out;
  for (const auto& g : board_.tables().gateways) {
    if (g.site == board_.site() && reaches(g.name)) out.push_back(g);
  }
  return out;
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

Result<std::shared_ptr<io::H2Stream>> Peers::open_direct(const std::string& gateway, std::string path) {
  if (!reaches(gateway) || !peers_.at(gateway).via.empty()) {
    return unavailable("no direct connection to gateway \"" + gateway + "\"");
  }
  return open_to(gateway, std::move(path));
}

std::vector<Peers::LinkSeen> Peers::links() const {
  std::vector<LinkSeen> out;
  for (const auto& [gateway, peer] : peers_) {
    if (sibling(peer)) continue;
    auto row = peer.link.row();
    row.up = row.up && peer.via.empty();
    out.push_back({gateway, peer.site, row, peer.via});
  }
  return out;
}

}  // namespace aigrid::gateway
