#include "app/gateway/queues.h"

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

dispatch::Ticket Queues::ask(routing::DeploymentIndex deployment, const routing::RouteInput& input,
                             std::vector<routing::Excluded> excluded, Duration remaining,
                             std::function<void(const Answer&)> answer) {
  const dispatch::Ticket ticket = ++last_;
  Lane& at = lane(deployment);
  waiting_[ticket] = Waiting{&at, false, std::move(answer)};
  dispatch::queue_event::Ask ask;
  ask.ticket = ticket;
  ask.input = input;
  ask.excluded = std::move(excluded);
  ask.remaining = remaining;
  feed(at, ask);
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
    if (!tables.deployments[d].sites.contains(board_.here())) continue;
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
