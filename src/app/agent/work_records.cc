#include "app/agent/work_records.h"

#include <utility>

#include "format/inner/records.h"
#include "io/client/backoff.h"
#include "io/client/inner_ask.h"
#include "io/env/seed.h"
#include "io/store/epoch.h"

namespace aigrid::agent {

Result<std::unique_ptr<WorkRecords>> WorkRecords::open(io::Env& env, const std::string& state, std::string node,
                                                       std::string site, const placement::AgentCadence& cadence) {
  std::unique_ptr<WorkRecords> out(new WorkRecords(env, std::move(node), std::move(site), cadence));
  AIGRID_TRY(out->epoch_, io::raise_epoch(env.files(), state + "/epoch", env.wall()));
  AIGRID_TRY(out->spool_, io::Spool::open(env, state + "/spool"));
  return out;
}

void WorkRecords::write(grid::AgentRecord record) {
  record.source = node_;
  record.epoch = epoch_;
  record.site = site_;
  record.ended_unix_ms = unix_ms(env_.wall());
  homeless_.push_back(std::move(record));
  settle();
  if (homeless_.size() <= cadence_.homeless_records) return;
  homeless_.pop_front();
  if (lost_++ == 0) env_.log().fail("work_records_lost", {{"why", "the disk is full, and so is the room in memory"}});
}

void WorkRecords::settle() {
  while (!homeless_.empty()) {
    homeless_.front().sequence = spool_->next_sequence();
    if (!spool_->append(inner::encode(homeless_.front())).ok()) return;
    homeless_.pop_front();
  }
}

io::Task<void> WorkRecords::ship(Dial dial) {
  io::Backoff backoff(io::random_seed(env_));
  for (;;) {
    spool_->rewind();  // to what was read and not taken
    co_await spool_->readable();
    auto connection = co_await dial();
    if (connection.ok()) {
      io::TaskGroup running(env_.executor());
      running.spawn((*connection)->run());
      const bool some = co_await ship_on(**connection);
      running.cancel();
      if (some) backoff.succeeded();
    }
    co_await env_.sleep_for(backoff.failed());
  }
}

// Until one batch is not taken: control may be gone, and records wait. Whether any was.
io::Task<bool> WorkRecords::ship_on(io::H2Connection& connection) {
  bool some = false;
  for (;;) {
    settle();
    auto entries = spool_->read(cadence_.record_batch, cadence_.record_batch_bytes);
    if (!entries.ok()) {
      env_.log().fail("spool_unreadable", {{"why", entries.error().message}});
      co_return some;
    }
    if (entries->empty()) {
      co_await spool_->readable();
      continue;
    }
    std::string body;
    for (const auto& entry : *entries) body += entry.bytes;
    auto answer = co_await io::ask_inner(env_, connection, "/inner/records", std::move(body));
    if (!answer.ok() || answer->status != 200) {
      const std::string why = answer.ok() ? io::problem_of(*answer).message : answer.error().message;
      env_.log().warn("work_records_not_taken", {{"why", why}});
      co_return some;
    }
    some = true;
    if (auto acked = spool_->ack(entries->back().sequence); !acked.ok()) {
      env_.log().warn("spool_not_acked", {{"why", acked.error().message}});
    }
  }
}

}  // namespace aigrid::agent
