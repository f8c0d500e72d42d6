#include "sim/grid_sim.h"

#include <algorithm>
#include <utility>

#include "core/resilience/hedge.h"
#include "core/resilience/trust.h"

namespace aigrid::sim {

using dispatch::Event;
using routing::kNone;
namespace event = dispatch::event;
namespace action = dispatch::action;

namespace {

constexpr std::uint64_t kSpacingUs = 60'000;  // between requests, over the number of sites

}  // namespace

void Totals::add(const Totals& o) {
  requests += o.requests;
  steps += o.steps;
  refused_at_the_door += o.refused_at_the_door;
  for (std::size_t i = 0; i < ended.size(); ++i) ended[i] += o.ended[i];
  attempts += o.attempts;
  hedges += o.hedges;
  moves += o.moves;
  resumes += o.resumes;
  handed_on += o.handed_on;
  lost += o.lost;
  refused += o.refused;
  laws += o.laws;
  wrong.insert(wrong.end(), o.wrong.begin(), o.wrong.end());
}

GridSim::GridSim(const Registry& registry, std::uint64_t seed, std::uint64_t requests, OnDone on_done)
    : registry_(registry), on_done_(std::move(on_done)), random_(seed), left_(requests) {
  const auto& t = tables(0);
  rows_.rebind(routing::Tables{}, t);
  sites_.resize(t.sites.size());
  nodes_.resize(t.nodes.size());
  for (auto& n : nodes_) n.resume = static_cast<dispatch::Resume>(random_.below(10) < 6 ? 2 : random_.below(2));
  for (auto& s : sites_) {
    s.links.resize(t.sites.size());
    for (auto& l : s.links) l.up = true;
  }
  for (std::size_t d = 0; d < t.deployments.size(); ++d) {
    const auto index = static_cast<routing::DeploymentIndex>(d);
    for (const auto s : t.deployments[d].site_list) {
      sites_[s].queues.try_emplace(index, index, dispatch::QueueLimits{.depth = 64}, random_.next());
    }
  }
  const Duration spacing = std::chrono::microseconds(kSpacingUs / sites_.size());
  for (std::uint64_t i = 0; i < requests; ++i) {
    events_.push({now_ + static_cast<std::int64_t>(i) * spacing, ++order_, [this, i] { arrive(i); }});
  }
  const Duration whole = static_cast<std::int64_t>(requests) * spacing;
  for (std::uint32_t v = 1; v < registry.versions.size(); ++v) {
    at(whole * static_cast<std::int64_t>(v) / static_cast<std::int64_t>(registry.versions.size()),
       [this, v] { change_law(v); });
  }
  at(0ms, [this] { tick(); });
  at(500ms, [this] { break_something(); });
}

void GridSim::run() {
  while (left_ > 0 && !events_.empty()) {
    const auto next = events_.top();
    events_.pop();
    now_ = next.time;
    next.run();
  }
  if (left_ > 0) wrong(std::to_string(left_) + " requests never ended");
}

void GridSim::wrong(const std::string& what) {
  if (totals_.wrong.size() < 5) totals_.wrong.push_back(what);
}

Duration GridSim::way(SiteIndex a, SiteIndex b) {
  const double jitter = random_.unit();
  return from_ms_f(static_cast<double>(tables(0).prior_rtt(a, b)) / 2 + jitter);
}

bool GridSim::connected(SiteIndex a, SiteIndex b) const { return a == b || sites_[a].links[b].up; }

routing::Snapshot GridSim::view(SiteIndex site) {
  auto snapshot = rows_.snapshot(tables(sites_[site].version), site);
  snapshot.links = sites_[site].links.data();
  return snapshot;
}

// ---- the ingress

// What the phases before dispatch do. False: refused where it came in.
bool GridSim::admit(Request& r, std::uint32_t version) {
  const Asker& asker = registry_.askers[r.trail.asker];
  const auto& t = tables(version);
  const auto tenant = t.find_tenant(asker.tenant);
  const auto model = t.find_model(asker.model);
  if (!tenant || !model) return false;
  const auto permit = t.residency.permitted(asker.subject());
  if (!permit.ok() || !permit->ingress.contains(r.here)) return false;
  r.input.tenant = *tenant;
  r.input.model = *model;
  r.input.permitted = permit->sites;
  return true;
}

// A client that may not come in at one door tries two others.
bool GridSim::enter(Request& r) {
  constexpr int kDoors = 3;
  for (int tried = 0; tried < kDoors; ++tried) {
    r.here = static_cast<SiteIndex>(random_.below(sites_.size()));
    if (sites_[r.here].up && admit(r, sites_[r.here].version)) return true;
  }
  return false;
}

void GridSim::arrive(std::uint64_t id) {
  ++totals_.requests;
  Request r;
  r.trail.asker = static_cast<std::uint32_t>(random_.below(registry_.askers.size()));
  r.stream = random_.below(3) != 0;
  r.length = static_cast<std::uint32_t>(8 + random_.below(32));
  r.input.prompt_tokens = static_cast<std::uint32_t>(10 + random_.below(100));
  r.input.max_output_tokens = random_.below(2) == 0 ? r.length : 0;
  const std::uint64_t tier = random_.below(grid::kTiers.size() + 2);  // half of them in haste: those are asked twice
  r.input.tier = tier < grid::kTiers.size() ? static_cast<grid::Tier>(tier) : grid::Tier::Realtime;
  if (!enter(r)) {
    ++totals_.refused_at_the_door;
    --left_;
    return;
  }
  r.trail.steps.push_back({Part::Ingress, r.here, sites_[r.here].version});
  r.life = std::make_unique<dispatch::RequestLife>(budget_, r.input, random_.next(), r.stream);
  requests_.emplace(id, std::move(r));
  resilience::requested(rows_.hedging);
  const bool leaves = random_.below(30) == 0;
  const Duration stay = from_ms_f(random_.unit() * 1500);
  if (leaves) at(stay, [this, id] { tell(id, event::ClientGone{}); });
  tell(id, event::Start{});
}

void GridSim::tell(std::uint64_t id, const Event& e) {
  const auto it = requests_.find(id);
  if (it == requests_.end() || !it->second.life) return;
  // Copied: carrying out an action may feed the next event.
  Request& r = it->second;
  const std::vector<dispatch::Action> actions = r.life->on_event(e, view(r.here), now_);
  ++r.depth;
  for (const auto& a : actions) carry_out(id, r, a);
  if (--r.depth == 0 && r.life->done()) {
    const Request over = std::move(it->second);
    requests_.erase(it);
    for (const auto& [number, ticket] : over.attempts) {
      at(2ms, [this, t = ticket] { drop(t); });
    }
  }
}

void GridSim::carry_out(std::uint64_t id, Request& r, const dispatch::Action& a) {
  if (const auto* asked = std::get_if<action::Ask>(&a)) {
    ask(id, r, *asked);
  } else if (const auto* given_up = std::get_if<action::Cancel>(&a)) {
    cancel(r, given_up->attempt);
  } else if (std::holds_alternative<action::Stay>(a)) {
    r.frozen = 0;
    for (const auto& e : std::exchange(r.aside, {})) take(r, r.aside_of, e);
  } else if (const auto* seen = std::get_if<action::Observed>(&a)) {
    auto& trust = rows_.site_trust[seen->site];
    if (seen->fault) return resilience::failed(trust, now_);
    resilience::answered(trust, seen->after, seen->predicted_ms, now_);
    resilience::answered(rows_.hedging, seen->after, seen->predicted_ms);
  } else if (const auto* alarm = std::get_if<action::SetAlarm>(&a)) {
    const auto generation = ++r.alarm;
    if (alarm->at == kNever) return;
    at(alarm->at - now_, [this, id, generation] {
      const auto it = requests_.find(id);
      if (it != requests_.end() && it->second.alarm == generation) tell(id, event::Alarm{});
    });
  } else if (const auto* won = std::get_if<action::Won>(&a)) {
    r.current = won->attempt;
    r.racing = false;
  } else if (const auto* done = std::get_if<action::Finish>(&a)) {
    finish(id, r, *done);
  }
}

void GridSim::ask(std::uint64_t id, Request& r, const action::Ask& a) {
  if (a.hedge) {
    r.racing = true;
    ++totals_.hedges;
    resilience::hedged(rows_.hedging);
  } else if (a.beside) {
    r.frozen = r.current;
    ++totals_.moves;
  } else {
    r.frozen = 0;
    r.racing = false;
    r.aside.clear();
    if (r.delivered > 0) ++totals_.resumes;
  }
  ++totals_.attempts;
  const Ticket ticket = ++tickets_;
  const SiteIndex site = a.decision.site;
  Attempt attempt;
  attempt.request = id;
  attempt.number = a.attempt;
  attempt.from_site = r.here;
  attempt.site = site;
  attempt.deployment = a.decision.deployment;
  attempt.asker = r.trail.asker;
  attempt.version = sites_[r.here].version;
  attempt.from = r.stream ? r.delivered : 0;
  attempt.stream = r.stream;
  r.trail.steps.push_back({Part::Asked, site, attempt.version});
  r.attempts[a.attempt] = ticket;
  attempts_[ticket] = attempt;
  rows_.asked(tables(0), a.decision.deployment, site);
  resilience::dispatched(rows_.site_trust[site], now_);
  dispatch::queue_event::Ask queued;
  queued.ticket = ticket;
  queued.input = r.input;
  queued.excluded = r.life->excluded();
  std::erase_if(queued.excluded, [&](const routing::Excluded& e) { return e.site != site || e.node == kNone; });
  queued.remaining = a.remaining;
  if (!connected(r.here, site)) return at(1ms, [this, ticket] { lose(ticket, false); });
  at(way(r.here, site), [this, ticket, queued = std::move(queued)] { host(ticket, queued); });
}

void GridSim::cancel(Request& r, std::uint32_t number) {
  const auto it = r.attempts.find(number);
  const auto a = it == r.attempts.end() ? attempts_.end() : attempts_.find(it->second);
  if (a == attempts_.end()) return;
  a->second.cancelled = true;
  at(way(r.here, a->second.site), [this, t = it->second] { end(t, "cancelled", false); });
}

// What a site says of an attempt has come to the ingress.
void GridSim::hear(Ticket ticket, Event e) {
  const auto it = attempts_.find(ticket);
  if (it == attempts_.end()) return;
  const Attempt a = it->second;
  const bool last = std::holds_alternative<event::End>(e) || std::holds_alternative<event::Lost>(e) ||
                    std::holds_alternative<event::Refused>(e);
  const auto request = requests_.find(a.request);
  if (last) attempts_.erase(it);
  if (request == requests_.end()) return;
  Request& r = request->second;
  if (a.cancelled && !std::holds_alternative<event::End>(e) && !std::holds_alternative<event::Lost>(e)) return;
  if (!a.cancelled && a.number == r.frozen) {
    r.aside.push_back(std::move(e));
    r.aside_of = a;
    return;
  }
  take(r, a, e);
}

void GridSim::take(Request& r, const Attempt& a, const Event& e) {
  const std::uint64_t id = a.request;
  if (const auto* head = std::get_if<event::Head>(&e)) {
    const bool goes_on = a.from == 0 || head->resume != dispatch::Resume::None;
    if (goes_on && !r.racing) {
      r.current = a.number;
      r.frozen = 0;
      r.aside.clear();
    }
    if (goes_on && r.stream && a.from != r.delivered && !a.cancelled) {
      wrong("an answer goes on from " + std::to_string(a.from) + " with " + std::to_string(r.delivered) + " delivered");
    }
    return tell(id, e);
  }
  if (const auto* progress = std::get_if<event::Progress>(&e)) {
    if (a.number != r.current) return;
    const event::Delivered delivered{a.number, progress->bytes};
    if (r.stream) r.delivered += progress->tokens;
    tell(id, e);
    return tell(id, delivered);
  }
  tell(id, e);
}

void GridSim::finish(std::uint64_t id, Request& r, const action::Finish& f) {
  --left_;
  ++totals_.ended[static_cast<std::size_t>(f.outcome)];
  note(id * 8 + static_cast<std::uint64_t>(f.outcome));
  note(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  totals_.steps += r.trail.steps.size();
  const bool whole = f.outcome == grid::Outcome::Finished && r.stream;
  if (whole && (r.delivered != r.length || f.usage.completion_tokens != r.length)) {
    wrong("a stream of " + std::to_string(r.length) + " tokens ended well with " + std::to_string(r.delivered) +
          " delivered and " + std::to_string(f.usage.completion_tokens) + " in its record");
  }
  on_done_(r.trail);
}

}  // namespace aigrid::sim
