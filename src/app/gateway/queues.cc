#include "app/gateway/queues.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "io/env/seed.h"

namespace aigrid::gateway {

Queues::Queues(io::Env& env, Board& board, const dispatch::QueueLimits& limits)
    : env_(env), board_(board), limits_(limits) {}

Queues::Lane& Queues::lane(routing::DeploymentIndex deployment) {
  auto& slot = lanes_[deployment];
  if (!slot) {
    slot = std::make_unique<Lane>();
    Lane* made = slot.get();
    made->queue = std::make_unique<dispatch::SiteQueue>(deployment, limits_, random_seed(env_));
    made->timer = env_.timer([this, made] { feed(*made, dispatch::queue_event::Alarm{}); });
  }
  return *slot;
}

Result<dispatch::QueueEvent> Queues::event_of(dispatch::Ticket ticket, const inner::SlotAsk& ask,
                                              routing::DeploymentIndex& at) const {
  if (!board_.loaded()) return unavailable("this gateway has no bundle yet");
  const auto& tables = board_.tables();
  const auto deployment = tables.find_deployment(ask.deployment);
  if (!deployment) return unavailable("deployment \"" + ask.deployment + "\" is not in this site's bundle");
  at = *deployment;
  if (!ask.held.empty()) {
    const auto node = tables.find_node(ask.held);
    return dispatch::QueueEvent(dispatch::queue_event::Held{ticket, node ? *node : routing::kNone});
  }
  const auto tenant = tables.find_tenant(ask.tenant);
  if (!tenant) return unavailable("tenant \"" + ask.tenant + "\" is not in this site's bundle");
  const auto model = tables.find_model(ask.model);
  if (!model) return unavailable("model \"" + ask.model + "\" is not in this site's bundle");
  dispatch::queue_event::Ask out;
  out.ticket = ticket;
  out.input.tenant = *tenant;
  out.input.model = *model;
  out.input.permitted = permitted(ask);
  out.input.prompt_tokens = ask.prompt_tokens;
  out.input.max_output_tokens = ask.max_output_tokens;
  out.input.hops = ask.hops;
  out.input.tier = static_cast<grid::Tier>(std::min<std::size_t>(ask.tier, grid::kTiers.size() - 1));
  for (const auto& name : ask.excluded_nodes) {
    if (auto node = tables.find_node(name)) out.excluded.push_back({board_.here(), *node});
  }
  out.remaining = std::chrono::milliseconds(ask.remaining_ms);
  return dispatch::QueueEvent(std::move(out));
}

// This site was chosen, and the node decides residency again by itself; the others are those it may be handed on to.
policy::SiteSet Queues::permitted(const inner::SlotAsk& ask) const {
  policy::Subject subject{ask.tenant, ask.project, ask.model, {}, &ask.zones, ask.data_level, &ask.regimes};
  subject.second = unix_seconds(env_.wall());
  auto permit = board_.tables().residency.permitted(subject);
  policy::SiteSet sites = permit.ok() ? permit->sites : policy::SiteSet{};
  sites.insert(board_.here());
  return sites;
}

dispatch::Ticket Queues::ask(const inner::SlotAsk& ask, std::function<void(const Answer&)> answer) {
  const dispatch::Ticket ticket = ++last_;
  routing::DeploymentIndex deployment = routing::kNone;
  auto event = event_of(ticket, ask, deployment);
  if (!event.ok()) {
    answer({false, {}, event.error().message, {}});
    return ticket;
  }
  Lane& at = lane(deployment);
  waiting_[ticket] = Waiting{&at, false, std::move(answer)};
  const std::string held = ask.held;  // the answer may come from inside, and with it the end of `ask`
  feed(at, *event);
  if (!held.empty()) settle(ticket, {true, held, {}, {}});
  return ticket;
}

void Queues::release(dispatch::Ticket ticket) {
  auto it = waiting_.find(ticket);
  if (it == waiting_.end()) return;
  const Waiting gone = std::move(it->second);
  waiting_.erase(it);
  if (gone.lane == nullptr) return;
  if (gone.granted) {
    feed(*gone.lane, dispatch::queue_event::Ended{ticket});
  } else {
    feed(*gone.lane, dispatch::queue_event::Cancelled{ticket});
  }
}

void Queues::rows_changed() {
  if (!board_.loaded()) return;
  adopt_bundle();
  for (auto& [deployment, lane] : lanes_) feed(*lane, dispatch::queue_event::RowsChanged{});
  refresh_rows();
}

void Queues::adopt_bundle() {
  const auto before = std::exchange(tables_, board_.current()->tables);
  if (!before || before == tables_) return;
  const routing::Rebind to{*before, *tables_};
  std::map<routing::DeploymentIndex, std::unique_ptr<Lane>> kept;
  std::vector<std::unique_ptr<Lane>> gone;
  for (auto& [deployment, lane] : lanes_) {
    lane->queue->rebind(to);
    const auto now_at = lane->queue->deployment();
    if (now_at == routing::kNone) {
      gone.push_back(std::move(lane));
    } else {
      kept[now_at] = std::move(lane);
    }
  }
  lanes_.swap(kept);
  for (auto& lane : gone) {
    feed(*lane, dispatch::queue_event::RowsChanged{});  // refuses what waits
    for (auto& [ticket, waiting] : waiting_) {
      if (waiting.lane == lane.get()) waiting.lane = nullptr;
    }
  }
}

void Queues::refresh_rows() {
  if (!board_.loaded()) return;
  const auto& tables = board_.tables();
  for (std::size_t d = 0; d < tables.deployments.size(); ++d) {
    if (!tables.deployments[d].sites.contains(board_.here()) || !owned_(tables.deployments[d].spec.name)) continue;
    const auto index = static_cast<routing::DeploymentIndex>(d);
    board_.own_site_row(index, lane(index).queue->row(board_.snapshot(), env_.now()));
  }
}

std::size_t Queues::waiting() const {
  std::size_t n = 0;
  for (const auto& [deployment, lane] : lanes_) n += lane->queue->waiting();
  return n;
}

void Queues::feed(Lane& at, const dispatch::QueueEvent& event) {
  // Copied: settling a ticket may feed this queue again.
  const std::vector<dispatch::QueueAction> actions = at.queue->on_event(event, board_.snapshot(), env_.now());
  for (const auto& action : actions) {
    if (const auto* grant = std::get_if<dispatch::queue_action::Grant>(&action)) {
      Answer granted;
      granted.granted = true;
      granted.node = board_.tables().nodes[grant->decision.node].spec.name;
      settle(grant->ticket, granted);
    } else if (const auto* refuse = std::get_if<dispatch::queue_action::Refuse>(&action)) {
      Answer refused;
      refused.message = refuse->message;
      if (refuse->better) refused.better = hand_on(*refuse->better);
      settle(refuse->ticket, refused);
    } else if (const auto* alarm = std::get_if<dispatch::queue_action::SetAlarm>(&action)) {
      if (alarm->at == kNever) {
        at.timer->cancel();
      } else {
        at.timer->arm(alarm->at);
      }
    }
  }
}

// Counted at once, or the next ones would all be handed on to the same place.
std::string Queues::hand_on(const routing::Place& to) {
  const auto& tables = board_.tables();
  const std::string& site = tables.sites[to.site].spec.name;
  board_.dispatched(tables.deployments[to.deployment].spec.name, site, env_.now());
  return site;
}

void Queues::settle(dispatch::Ticket ticket, const Answer& answer) {
  auto it = waiting_.find(ticket);
  if (it == waiting_.end()) return;
  auto tell = it->second.answer;
  if (answer.granted) {
    it->second.granted = true;
  } else {
    waiting_.erase(it);
  }
  tell(answer);
}

}  // namespace aigrid::gateway
