#include "app/gateway/queues.h"

#include <utility>

#include "app/gateway/seed.h"

namespace aigrid::gateway {

Queues::Queues(io::Env& env, Board& board, const dispatch::QueueLimits& limits)
    : env_(env), board_(board), limits_(limits) {}

Queues::Lane& Queues::lane(routing::DeploymentIndex deployment) {
  auto [it, fresh] = lanes_.try_emplace(deployment);
  if (fresh) {
    it->second.queue = std::make_unique<dispatch::SiteQueue>(deployment, limits_, random_seed(env_));
    it->second.timer = env_.timer([this, deployment] { feed(deployment, dispatch::queue_event::Alarm{}); });
  }
  return it->second;
}

dispatch::Ticket Queues::ask(routing::DeploymentIndex deployment, const routing::RouteInput& input,
                             std::vector<routing::Excluded> excluded, Duration remaining,
                             std::function<void(const Answer&)> answer) {
  const dispatch::Ticket ticket = ++last_;
  waiting_[ticket] = Waiting{board_.structure(), deployment, false, std::move(answer)};
  dispatch::queue_event::Ask ask;
  ask.ticket = ticket;
  ask.input = input;
  ask.excluded = std::move(excluded);
  ask.remaining = remaining;
  feed(deployment, ask);
  return ticket;
}

void Queues::release(dispatch::Ticket ticket) {
  auto it = waiting_.find(ticket);
  if (it == waiting_.end()) return;
  const Waiting gone = std::move(it->second);
  waiting_.erase(it);
  if (gone.structure != structure_) return;  // its queue is no more; the node's own report tells what runs
  if (gone.granted) {
    feed(gone.deployment, dispatch::queue_event::Ended{ticket});
  } else {
    feed(gone.deployment, dispatch::queue_event::Cancelled{ticket});
  }
}

void Queues::rows_changed() {
  if (!board_.loaded()) return;
  if (board_.structure() != structure_) start_anew();
  for (auto& [deployment, unused] : lanes_) feed(deployment, dispatch::queue_event::RowsChanged{});
  refresh_rows();
}

void Queues::start_anew() {
  structure_ = board_.structure();
  lanes_.clear();
  std::vector<dispatch::Ticket> homeless;
  for (const auto& [ticket, waiting] : waiting_) {
    if (!waiting.granted) homeless.push_back(ticket);
  }
  Answer again;
  again.again = true;
  for (const auto ticket : homeless) settle(ticket, again);
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
  for (const auto& [deployment, lane] : lanes_) n += lane.queue->waiting();
  return n;
}

void Queues::feed(routing::DeploymentIndex deployment, const dispatch::QueueEvent& event) {
  Lane& at = lane(deployment);
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
