// The sites and nodes of the simulator, and what befalls them.
#include <algorithm>
#include <utility>

#include "sim/grid_sim.h"

namespace aigrid::sim {

using dispatch::Event;
using routing::kNone;
namespace event = dispatch::event;
namespace queue_event = dispatch::queue_event;
namespace queue_action = dispatch::queue_action;

namespace {

constexpr std::uint32_t kBurst = 8;  // tokens that come at once

}  // namespace

// An attempt has come to its site. Whether it may be hosted here, the site asks its own law.
void GridSim::host(Ticket ticket, queue_event::Ask ask) {
  const auto it = attempts_.find(ticket);
  if (it == attempts_.end()) return;
  Attempt& a = it->second;
  if (!sites_[a.site].up) return lose(ticket, false);
  if (a.cancelled) return end(ticket, "cancelled", false);
  if (refused_by_law(a, sites_[a.site].version, false)) return refuse(ticket, a.version <= sites_[a.site].version, {});
  const std::uint64_t mood = random_.below(200);
  if (mood == 0) return refuse(ticket, false, {});
  if (mood == 1) {  // it proposes anything: that widens nothing
    const auto any = [this] { return static_cast<SiteIndex>(random_.below(sites_.size())); };
    return refuse(ticket, false, {any(), any(), any()});
  }
  // The others are those that it may be handed on to.
  const auto permit = tables(sites_[a.site].version).residency.permitted(registry_.askers[a.asker].subject());
  ask.input.permitted = permit.ok() ? permit->sites : routing::SiteSet{};
  ask.input.permitted.insert(a.site);
  a.queued = true;
  feed(a.site, a.deployment, ask);
}

bool GridSim::refused_by_law(const Attempt& a, std::uint32_t version, bool at_node) {
  const auto& residency = tables(version).residency;
  const auto subject = registry_.askers[a.asker].subject();
  const auto name = [&](SiteIndex s) -> const std::string& { return tables(version).sites[s].spec.name; };
  if (!residency.permits(subject, name(a.site))) return true;
  return !at_node && !residency.permits(subject, name(a.from_site), policy::kIngressActions);
}

void GridSim::feed(SiteIndex site, routing::DeploymentIndex deployment, const dispatch::QueueEvent& e) {
  const auto it = sites_[site].queues.find(deployment);
  if (it == sites_[site].queues.end()) return wrong("asked at a site that does not serve the deployment");
  const auto actions = it->second.on_event(e, view(site), now_);
  for (const auto& action : std::vector<dispatch::QueueAction>(actions)) {
    if (const auto* granted = std::get_if<queue_action::Grant>(&action)) {
      grant(site, *granted);
    } else if (const auto* refused = std::get_if<queue_action::Refuse>(&action)) {
      if (const auto a = attempts_.find(refused->ticket); a != attempts_.end()) {
        a->second.queued = false;
        std::vector<SiteIndex> better;
        if (refused->better) better.push_back(refused->better->site), ++totals_.handed_on;
        refuse(refused->ticket, false, std::move(better));
      }
    } else if (const auto* alarm = std::get_if<queue_action::SetAlarm>(&action)) {
      if (alarm->at != kNever) {
        at(alarm->at - now_, [this, site, deployment] { feed(site, deployment, queue_event::Alarm{}); });
      }
    }
  }
}

void GridSim::grant(SiteIndex site, const queue_action::Grant& g) {
  const auto it = attempts_.find(g.ticket);
  if (it == attempts_.end()) {  // its asker went in this very turn
    return at(0ms, [this, site, g] { feed(site, g.decision.deployment, queue_event::Ended{g.ticket}); });
  }
  Attempt& a = it->second;
  a.node = g.decision.node;
  Node& node = nodes_[a.node];
  const auto& t = tables(0);
  if (t.nodes[a.node].site != site) return wrong("a queue granted a node of another site");
  if (!node.up) return at(20ms, [this, ticket = g.ticket] { lose(ticket, true); });
  node.running.push_back(g.ticket);
  const auto same = [&](Ticket other) {
    const auto found = attempts_.find(other);
    return found != attempts_.end() && found->second.deployment == a.deployment;
  };
  const auto running = std::count_if(node.running.begin(), node.running.end(), same);
  if (running > t.deployments[a.deployment].spec.slots) wrong("a node has more than its slots");
  if (refused_by_law(a, node.version, true)) {
    return at(1ms, [this, ticket = g.ticket, never = a.version <= node.version] { refuse(ticket, never, {}); });
  }
  if (random_.below(200) == 0) return at(1ms, [this, ticket = g.ticket] { refuse(ticket, false, {}); });
  const auto request = requests_.find(a.request);
  if (request != requests_.end()) {
    request->second.trail.steps.push_back({Part::Ran, site, node.version});
  } else {  // its client left, and the node does not know it yet
    ++totals_.steps;
    on_done_({a.asker, {{Part::Ran, site, node.version}}});
  }
  const bool stalls = random_.below(60) == 0;
  const Duration prefill = from_ms_f(20 + 40 * random_.unit() + (stalls ? 1500 : 0));
  at(prefill, [this, ticket = g.ticket] {
    const auto started = attempts_.find(ticket);
    if (started == attempts_.end() || started->second.cancelled) return;
    const Attempt& a = started->second;
    const auto& runs = nodes_[a.node].running;
    if (std::find(runs.begin(), runs.end(), ticket) == runs.end()) return;
    const auto mode = a.stream ? nodes_[a.node].resume : dispatch::Resume::None;
    reply(ticket, event::Head{a.number, a.node, mode, a.from});
    work(ticket);
  });
}

// The next tokens, until there are as many as the answer has.
void GridSim::work(Ticket ticket) {
  const Duration burst = from_ms_f(20 + 100 * random_.unit());
  at(burst, [this, ticket] {
    const auto it = attempts_.find(ticket);
    if (it == attempts_.end() || it->second.cancelled) return;
    Attempt& a = it->second;
    const auto& runs = nodes_[a.node].running;
    if (std::find(runs.begin(), runs.end(), ticket) == runs.end()) return;
    const auto request = requests_.find(a.request);
    if (request == requests_.end()) return;
    if (random_.below(400) == 0) return end(ticket, "error", true);
    const std::uint32_t so_far = a.from + a.made;
    const std::uint32_t length = request->second.length;
    const std::uint32_t more = std::min(kBurst, length - std::min(length, so_far));
    a.made += more;
    const auto mode = nodes_[a.node].resume;
    if (a.stream && more > 0) reply(ticket, event::Progress{a.number, more * 4U, more, mode});
    if (so_far + more >= length) return end(ticket, "stop", false);
    work(ticket);
  });
}

void GridSim::reply(Ticket ticket, const Event& e) {
  const auto it = attempts_.find(ticket);
  if (it == attempts_.end() || !connected(it->second.from_site, it->second.site)) return;
  // In order: nothing overtakes on one stream.
  const Duration there =
      from_ms_f(static_cast<double>(tables(0).prior_rtt(it->second.from_site, it->second.site)) / 2 + 1);
  at(there, [this, ticket, e] { hear(ticket, e); });
}

// The slot, or the place in the queue, is free again.
void GridSim::forget(Ticket ticket) {
  const auto it = attempts_.find(ticket);
  if (it == attempts_.end()) return;
  Attempt& a = it->second;
  if (a.node != kNone) std::erase(nodes_[a.node].running, ticket);
  if (!std::exchange(a.queued, false)) return;
  const auto site = a.site;
  const auto deployment = a.deployment;
  if (a.node != kNone) return feed(site, deployment, queue_event::Ended{ticket});
  feed(site, deployment, queue_event::Cancelled{ticket});
}

void GridSim::end(Ticket ticket, const std::string& finish, bool failed) {
  const auto it = attempts_.find(ticket);
  if (it == attempts_.end()) return;
  const Attempt a = it->second;
  const bool ran = a.node != kNone;
  const auto& runs = ran ? nodes_[a.node].running : std::vector<Ticket>{};
  if (ran && std::find(runs.begin(), runs.end(), ticket) == runs.end()) return;  // it said so already
  grid::Usage usage;
  if (ran) usage = {10, a.from + a.made, 0};
  reply(ticket, event::End{a.number, usage, finish, failed, a.from});
  forget(ticket);
}

void GridSim::refuse(Ticket ticket, bool never, std::vector<SiteIndex> redirect) {
  const auto it = attempts_.find(ticket);
  if (it == attempts_.end()) return;
  ++totals_.refused;
  event::Refused e;
  e.attempt = it->second.number;
  e.node = it->second.node;
  if (never) {
    e.verdict = event::Refused::Verdict::Never;
    e.status = 403;
    e.code = "data_residency_mismatch";
  }
  if (!redirect.empty()) {
    e.verdict = event::Refused::Verdict::Redirect;
    e.redirect = std::move(redirect);
  }
  reply(ticket, e);
  forget(ticket);
}

void GridSim::lose(Ticket ticket, bool site_lives) {
  const auto it = attempts_.find(ticket);
  if (it == attempts_.end()) return;
  ++totals_.lost;
  const event::Lost e{it->second.number, site_lives ? it->second.node : kNone, "lost"};
  const bool here = it->second.from_site == it->second.site;
  forget(ticket);
  const Duration seen = site_lives && !here ? way(it->second.from_site, it->second.site) : 1ms;
  at(seen, [this, ticket, e] { hear(ticket, e); });
}

void GridSim::drop(Ticket ticket) {
  forget(ticket);
  attempts_.erase(ticket);
}

void GridSim::lose_where(const std::function<bool(const Attempt&)>& hit, bool site_lives) {
  std::vector<Ticket> doomed;
  for (const auto& [ticket, a] : attempts_) {
    if (hit(a)) doomed.push_back(ticket);
  }
  for (const Ticket ticket : doomed) lose(ticket, site_lives);
}

void GridSim::tick() {
  const auto& t = tables(0);
  for (std::size_t d = 0; d < t.deployments.size(); ++d) {
    for (const NodeIndex n : t.deployments[d].nodes) {
      auto& row = rows_.node(t, static_cast<routing::DeploymentIndex>(d), n);
      row.present = row.ready = nodes_[n].up && sites_[t.nodes[n].site].up;
      row.slots = static_cast<std::uint16_t>(t.deployments[d].spec.slots);
      row.running = 0;  // the queue's own count is the one that is right
      row.at = now_;
    }
  }
  for (std::size_t s = 0; s < sites_.size(); ++s) {
    const auto site = static_cast<SiteIndex>(s);
    if (!sites_[s].up) continue;
    for (auto& [deployment, queue] : sites_[s].queues) {
      feed(site, deployment, queue_event::RowsChanged{});
      if (ticks_ % 2 == 0 && now_ >= sites_[s].silent_until) {
        rows_.report(t, deployment, site, queue.row(view(site), now_));
      }
    }
  }
  ++ticks_;
  at(100ms, [this] { tick(); });
}

void GridSim::break_something() {
  const auto& t = tables(0);
  const auto s = static_cast<SiteIndex>(random_.below(sites_.size()));
  const Duration mend = from_ms_f(800 + 3000 * random_.unit());
  switch (random_.below(8)) {
    case 0: {  // a site, and its gateway with all that came in there
      sites_[s].up = false;
      rows_.lost_site(t, s);
      lose_where([s](const Attempt& a) { return a.site == s; }, false);
      std::vector<std::uint64_t> here;
      for (const auto& [id, r] : requests_) {
        if (r.here == s) here.push_back(id);
      }
      std::sort(here.begin(), here.end());
      for (const auto id : here) tell(id, event::Stop{});
      at(mend, [this, s] { sites_[s].up = true; });
      break;
    }
    case 1:
    case 2: {  // a link, for both ends
      const auto other = static_cast<SiteIndex>(random_.below(sites_.size()));
      if (other == s) break;
      sites_[s].links[other].up = sites_[other].links[s].up = false;
      const auto across = [s, other](const Attempt& a) {
        return (a.from_site == s && a.site == other) || (a.from_site == other && a.site == s);
      };
      lose_where(across, false);
      at(mend, [this, s, other] { sites_[s].links[other].up = sites_[other].links[s].up = true; });
      break;
    }
    case 3: sites_[s].silent_until = now_ + mend; break;
    default: {
      const auto n = static_cast<NodeIndex>(random_.below(nodes_.size()));
      nodes_[n].up = false;
      lose_where([n](const Attempt& a) { return a.node == n; }, true);
      at(mend, [this, n] { nodes_[n].up = true; });
    }
  }
  at(from_ms_f(200 + 800 * random_.unit()), [this] { break_something(); });
}

// A bundle does not come everywhere at once.
void GridSim::change_law(std::uint32_t version) {
  for (std::size_t s = 0; s < sites_.size(); ++s) {
    const auto site = static_cast<SiteIndex>(s);
    at(from_ms_f(1500 * random_.unit()), [this, site, version] { adopt(site, version); });
  }
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    at(from_ms_f(1500 * random_.unit()), [this, n, version] { nodes_[n].version = version; });
  }
}

void GridSim::adopt(SiteIndex site, std::uint32_t version) {
  ++totals_.laws;
  const routing::Rebind to{tables(sites_[site].version), tables(version)};
  sites_[site].version = version;
  for (auto& [deployment, queue] : sites_[site].queues) queue.rebind(to);
  std::vector<std::uint64_t> here;
  for (const auto& [id, r] : requests_) {
    if (r.here == site) here.push_back(id);
  }
  std::sort(here.begin(), here.end());
  for (const auto id : here) {
    Request& r = requests_.at(id);
    if (!admit(r, version)) r.input.permitted = {};
    r.life->rebind(r.input, to);
    tell(id, event::LawChanged{});
  }
}

}  // namespace aigrid::sim
