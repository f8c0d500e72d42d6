#include "app/gateway/ledger_spool.h"

#include <utility>

#include "app/gateway/worker_spools.h"
#include "format/inner/records.h"
#include "grid/source.h"
#include "io/client/inner_messages.h"

namespace aigrid::gateway {

LedgerSpool::LedgerSpool(io::Env& env, const Place& place, const dispatch::Cadence& cadence)
    : env_(env), cadence_(cadence), source_(grid::source_of(place.gateway, place.worker)), epoch_(place.epoch) {}

Result<std::unique_ptr<LedgerSpool>> LedgerSpool::open(io::Env& env, const Place& place,
                                                       const dispatch::Cadence& cadence) {
  std::unique_ptr<LedgerSpool> out(new LedgerSpool(env, place, cadence));
  AIGRID_TRY(auto own, io::Spool::open(env, spool_path(place.state, place.worker)));
  out->lanes_.push_back(std::make_unique<Lane>(env, std::move(own)));
  AIGRID_TRY(auto left, left_spools(env, place.state, place.worker, place.workers));
  for (auto& spool : left) out->lanes_.push_back(std::make_unique<Lane>(env, std::move(spool)));
  return out;
}

std::string LedgerSpool::next_request_id() {
  return "req_" + source_ + "_" + std::to_string(epoch_) + "_" + std::to_string(++counter_);
}

Result<void> LedgerSpool::append(grid::Record& record) {
  io::Spool& spool = *lanes_.front()->spool;
  record.source = source_;
  record.epoch = epoch_;
  record.sequence = spool.next_sequence();
  AIGRID_TRY([[maybe_unused]] const std::uint64_t sequence, spool.append(inner::encode(record)));
  ++written_;
  return {};
}

Result<void> LedgerSpool::write(grid::Record record) {
  homeless_.push_back(std::move(record));
  return settle();
}

Result<void> LedgerSpool::settle() {
  while (!homeless_.empty()) {
    auto written = append(homeless_.front());
    if (!written.ok() && written.error().code == Code::InvalidArgument) {
      // Too large: the attempts' texts are the only part that others wrote. The account of it must not be lost.
      for (auto& attempt : homeless_.front().attempts) attempt.result.clear();
      homeless_.front().code.clear();
      written = append(homeless_.front());
    }
    if (!written.ok()) return std::move(written).error();
    homeless_.pop_front();
  }
  return {};
}

io::Task<void> LedgerSpool::durable() {
  io::Spool& spool = *lanes_.front()->spool;
  if (written_ > 0) (void)co_await spool.durable(spool.next_sequence() - 1);
}

std::uint64_t LedgerSpool::backlog() const {
  std::uint64_t n = 0;
  for (const auto& lane : lanes_) n += lane->spool->backlog();
  return n;
}

std::string LedgerSpool::refused() const {
  for (const auto& lane : lanes_) {
    if (!lane->refused.empty()) return lane->refused;
  }
  return {};
}

void LedgerSpool::control_is(bool reached) {
  control_ = reached;
  for (const auto& lane : lanes_) lane->news.set();
}

io::Task<void> LedgerSpool::run(Ship ship) {
  io::TaskGroup tasks(env_.executor());
  for (const auto& lane : lanes_) tasks.spawn(ship_all(*lane, ship));
  co_await tasks.join();
}

io::Task<void> LedgerSpool::ship_all(Lane& lane, const Ship& ship) {
  auto again = env_.timer([&lane] { lane.news.set(); });
  for (;;) {
    while (!control_) co_await lane.news.wait();
    lane.spool->rewind();  // what was under way when control went may not have arrived
    bool taken = true;
    while (taken && control_) taken = co_await ship_next(lane, ship);
    if (!control_) continue;
    again->arm(env_.now() + cadence_.records_retry);
    co_await lane.news.wait();
    again->cancel();
  }
}

// False: they stay in the spool, and asking again at once would change nothing.
io::Task<bool> LedgerSpool::ship_next(Lane& lane, const Ship& ship) {
  auto entries = lane.spool->read(cadence_.records.most, cadence_.records.most_bytes);
  if (!entries.ok()) {
    env_.log().fail("spool_unreadable", {{"why", entries.error().message}});
    co_return false;
  }
  if (entries->empty()) {
    co_await lane.spool->readable();
    co_return true;
  }
  std::string body;
  for (const auto& entry : *entries) body += entry.bytes;
  auto reply = co_await ship(std::move(body));
  if (!reply.ok() || reply->status != 200) {
    lane.refused = reply.ok() ? io::problem_of(*reply).message : reply.error().message;
    ++batches_refused_;
    env_.log().warn("records_not_taken", {{"status", reply.ok() ? reply->status : 0}, {"why", lane.refused}});
    co_return false;
  }
  lane.refused.clear();
  auto acked = lane.spool->ack(entries->back().sequence);
  if (!acked.ok()) env_.log().warn("spool_not_acked", {{"why", acked.error().message}});
  co_return true;
}

}  // namespace aigrid::gateway
