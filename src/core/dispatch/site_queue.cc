#include "core/dispatch/site_queue.h"

#include <algorithm>
#include <cmath>

#include "core/estimate/ttft.h"

namespace aigrid::dispatch {

using routing::Filter;
using routing::kNone;
using routing::NodeIndex;
using routing::Snapshot;

namespace {

constexpr float kSmoothing = 0.2F;  // weight of the newest service time

}  // namespace

SiteQueue::SiteQueue(routing::DeploymentIndex deployment, const QueueLimits& limits, std::uint64_t seed)
    : deployment_(deployment), limits_(limits), random_(seed) {}

const std::vector<QueueAction>& SiteQueue::on_event(const QueueEvent& event, const Snapshot& snapshot, Time now) {
  actions_.clear();
  granted_on_.resize(std::max(granted_on_.size(), snapshot.tables->nodes.size()));
  std::visit([&](const auto& e) { on(e, snapshot, now); }, event);
  serve(snapshot, now);
  set_alarm();
  return actions_;
}

void SiteQueue::rebind(const routing::Rebind& to) {
  deployment_ = to.deployment(deployment_);
  granted_on_.assign(to.to.nodes.size(), 0);
  for (auto& g : granted_) {
    g.node = to.node(g.node);
    if (g.node != kNone) ++granted_on_[g.node];
  }
  for (auto& w : waiting_) {
    w.input = to.input(w.input);
    to.excluded(w.excluded);
  }
}

void SiteQueue::on(const queue_event::Ask& e, const Snapshot& snapshot, Time now) {
  if (hand_on(e, snapshot, now)) return;
  const Duration yields = limits_.yields.at(static_cast<std::size_t>(e.input.tier));
  Waiting w{e.ticket, e.input, e.excluded, now + std::min(e.remaining, limits_.max_wait), now, now + yields};
  w.input.excluded = {};
  if (waiting_.size() >= limits_.depth) {
    const std::string why = std::to_string(waiting_.size()) + " requests wait here already";
    if (w.until == now || w.due >= waiting_.back().due) return refuse(w.ticket, Filter::Capacity, why);
    refuse(waiting_.back().ticket, Filter::Capacity, why + ", of tiers above");
    waiting_.pop_back();
  }
  const auto before = [](Time due, const Waiting& other) { return due < other.due; };
  const auto at = std::upper_bound(waiting_.begin(), waiting_.end(), w.due, before);
  waiting_.insert(at, std::move(w));
}

bool SiteQueue::hand_on(const queue_event::Ask& e, const Snapshot& snapshot, Time now) {
  if (e.input.hops > 0 || deployment_ == kNone) return false;
  if (waiting_.empty() && free_slots(snapshot, now) > 0) return false;
  const auto here = row(snapshot, now);
  const auto better = routing::better_place(snapshot, deployment_, e.input, here, now, random_);
  if (!better) return false;
  refuse(e.ticket, Filter::Capacity, "the queue here is longer than elsewhere");
  std::get<queue_action::Refuse>(actions_.back()).better = better;
  return true;
}

void SiteQueue::on(const queue_event::Cancelled& e, const Snapshot&, Time) {
  std::erase_if(waiting_, [&](const Waiting& w) { return w.ticket == e.ticket; });
}

void SiteQueue::on(const queue_event::Ended& e, const Snapshot&, Time now) {
  const auto it =
      std::find_if(granted_.begin(), granted_.end(), [&](const Granted& g) { return g.ticket == e.ticket; });
  if (it == granted_.end()) return;
  const auto took = static_cast<float>(to_ms_f(now - it->since));
  service_ms_ = std::isnan(service_ms_) ? took : service_ms_ + kSmoothing * (took - service_ms_);
  if (it->node < granted_on_.size() && granted_on_[it->node] > 0) --granted_on_[it->node];
  granted_.erase(it);
}

void SiteQueue::on(const queue_event::Held& e, const Snapshot&, Time now) {
  if (e.node >= granted_on_.size()) return;
  ++granted_on_[e.node];
  granted_.push_back({e.ticket, e.node, now});
}

void SiteQueue::serve(const Snapshot& snapshot, Time now) {
  bool full = deployment_ != kNone && free_slots(snapshot, now) == 0;
  std::deque<Waiting> left;
  for (auto& w : waiting_) {
    const auto before = granted_.size();
    if (!settle(w, snapshot, now, full)) left.push_back(std::move(w));
    if (granted_.size() != before) full = free_slots(snapshot, now) == 0;
  }
  waiting_.swap(left);
}

bool SiteQueue::settle(Waiting& w, const Snapshot& snapshot, Time now, bool full) {
  if (deployment_ == kNone) {
    refuse(w.ticket, Filter::Capacity, "the deployment is no longer here");
    return true;
  }
  w.input.excluded = w.excluded;
  w.input.granted = granted_on_;
  if (!routing::any_ready_node(snapshot, deployment_, w.input, now)) {
    const auto d = routing::choose_node(snapshot, deployment_, w.input, now, random_, nullptr);
    refuse(w.ticket, d.refused_by, std::string("no node here can take it: ") + d.rule);
    return true;
  }
  if (!full) {
    const auto d = routing::choose_node(snapshot, deployment_, w.input, now, random_, nullptr);
    if (d.ok()) {
      ++granted_on_[d.node];
      granted_.push_back({w.ticket, d.node, now});
      actions_.push_back(queue_action::Grant{w.ticket, d});
      return true;
    }
  }
  if (now < w.until) return false;
  refuse(w.ticket, Filter::Capacity, "no slot came free within " + std::to_string(to_ms(now - w.since)) + " ms");
  return true;
}

void SiteQueue::refuse(Ticket ticket, Filter by, std::string message) {
  actions_.push_back(queue_action::Refuse{ticket, by, std::move(message), std::nullopt});
}

void SiteQueue::set_alarm() {
  Time next = kNever;
  for (const auto& w : waiting_) next = std::min(next, w.until);
  if (next == alarm_) return;
  alarm_ = next;
  actions_.push_back(queue_action::SetAlarm{next});
}

std::uint32_t SiteQueue::free_slots(const Snapshot& snapshot, Time now) const {
  std::uint32_t n = 0;
  routing::RouteInput any;
  any.permitted.insert(snapshot.here);
  for (const NodeIndex node : snapshot.tables->deployments[deployment_].nodes) {
    if (!routing::node_ready(snapshot, deployment_, node, any, now)) continue;
    const auto& r = snapshot.node_row(deployment_, node);
    const std::uint32_t given = node < granted_on_.size() ? granted_on_[node] : 0U;
    const std::uint32_t used = std::max<std::uint32_t>({given, std::uint32_t{r.running} + r.queued, r.own_running});
    n += r.slots - std::min<std::uint32_t>(used, r.slots);
  }
  return n;
}

float SiteQueue::mean_service_ms(const Snapshot& snapshot) const {
  if (!std::isnan(service_ms_)) return service_ms_;
  const auto& spec = snapshot.tables->deployments[deployment_].spec;
  const auto rates =
      estimate::rates(routing::kUnknown, routing::kUnknown,
                      {static_cast<float>(spec.prefill_tokens_per_s), static_cast<float>(spec.decode_tokens_per_s)});
  return estimate::service_ms({0, estimate::expected_output(0, spec.max_output_tokens)}, rates);
}

routing::SiteRow SiteQueue::row(const Snapshot& snapshot, Time now) const {
  routing::SiteRow out;
  out.present = true;
  out.at = now;
  if (deployment_ == kNone) return out;
  routing::RouteInput any;
  any.permitted.insert(snapshot.here);
  float prefill = 0;
  float decode = 0;
  int prefills = 0;
  int decodes = 0;
  for (const NodeIndex node : snapshot.tables->deployments[deployment_].nodes) {
    if (!routing::node_ready(snapshot, deployment_, node, any, now)) continue;
    const auto& r = snapshot.node_row(deployment_, node);
    ++out.ready_nodes;
    out.slots = static_cast<std::uint16_t>(out.slots + r.slots);
    if (!std::isnan(r.prefill_tokens_per_s)) prefill += r.prefill_tokens_per_s, ++prefills;
    if (!std::isnan(r.decode_tokens_per_s)) decode += r.decode_tokens_per_s, ++decodes;
  }
  const std::uint32_t free = free_slots(snapshot, now);
  out.free_slots = static_cast<std::uint16_t>(free);
  out.queued = static_cast<std::uint16_t>(std::min<std::size_t>(waiting_.size(), 0xffff));
  if (prefills > 0) out.prefill_tokens_per_s = prefill / static_cast<float>(prefills);
  if (decodes > 0) out.decode_tokens_per_s = decode / static_cast<float>(decodes);
  const auto queued = static_cast<std::uint32_t>(waiting_.size());
  out.wait_ms = estimate::wait_ms(
      {.wait_ms = routing::kUnknown, .slots = out.slots, .free_slots = queued > 0 ? 0 : free, .queued = queued},
      mean_service_ms(snapshot));
  return out;
}

}  // namespace aigrid::dispatch
