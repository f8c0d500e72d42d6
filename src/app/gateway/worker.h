// Worker: one event loop of a gateway, with all that a request needs: its own board, queues, connections to agents and
// peers, public listener, spools. Workers share nothing that changes: the law, a badge and questions come by message,
// and what the process has once is asked through its office. Made, used and destroyed on its own thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/gateway/inner_server.h"
#include "app/gateway/public_api.h"
#include "app/gateway/quotas.h"
#include "app/gateway/relays.h"
#include "app/gateway/services.h"
#include "io/http/web.h"

namespace aigrid::gateway {

// What a worker says of itself from time to time.
struct WorkerReport {
  Meters meters;
  std::uint64_t bundle_version = 0;
  std::string records_error;
  std::string trouble;  // why no request can be taken here; empty: it can
};

class Worker {
 public:
  struct Plan {
    std::uint32_t number = 0;  // 0: the main one
    std::uint64_t epoch = 0;
    Badge badge;
    // News of agents (see Agents): for the main one only.
    std::function<void()> agents_news;
    // Called regularly, and when a law was adopted.
    std::function<void(WorkerReport)> report;
    // No clients can come in here, and never will.
    std::function<void(const Error&)> failed;
  };
  // `office` may be filled in until run(). Errors: those of the disk and of the public listener's certificate.
  static Result<std::unique_ptr<Worker>> make(io::Env& env, const GatewayOptions& options, Plan plan,
                                              const Office& office);
  ~Worker() { end(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Services& services() { return services_; }
  io::Door door() const { return reception_.door(); }
  // The workers of this process, this one among them. Once, before the first law.
  void meet(Crew crew);
  // Returns when it has met them.
  io::Task<void> met();
  void wear(Badge badge) { badge_ = std::move(badge); }
  void adopt(std::shared_ptr<const Law> law);
  WorkerReport report() const;
  std::string trouble() const;
  std::size_t waiting() const { return queues_.waiting(); }

  // Where clients come in; a worker that the bundle does not name yet, as the process had fewer before, lets none in.
  using Listen = std::function<Result<std::unique_ptr<io::Listener>>()>;
  // When the others have no requests left either: until then each gives what the others' need.
  using Barrier = std::function<io::Task<void>()>;
  // Serves until the Env asks to stop and running requests have ended; what they wrote is durable then.
  io::Task<void> run(Listen listen, Barrier barrier);
  // For the others' barrier: returns when the main worker has called dismiss().
  io::Task<void> dismissed();
  void dismiss() {
    dismissed_ = true;
    come_.set();
  }
  // Ends all that runs at once.
  void end();

 private:
  Worker(io::Env& env, const GatewayOptions& options, Plan plan, const Office& office, io::WrapFn public_wrap,
         std::unique_ptr<LedgerSpool> ledger);
  io::Task<void> serve_public(Listen listen);
  io::Task<void> drain(Time until);
  io::Task<void> look_after();
  io::Task<void> tell_rows();
  io::Task<void> stop_rest();
  io::Task<Result<void>> give_leaves(std::vector<std::string> leaves);
  io::Task<Result<io::InnerAnswer>> ship(std::string body);

  io::Env& env_;
  const GatewayOptions& options_;
  const std::uint32_t number_;
  const Office& office_;
  const std::function<void(WorkerReport)> report_;
  const std::function<void(const Error&)> failed_;
  Badge badge_;
  Crew crew_;
  io::Event come_;  // the others are known, or the end
  bool dismissed_ = false;
  io::WrapFn public_wrap_;
  std::unique_ptr<LedgerSpool> ledger_;
  Meters meters_;
  Board board_;
  Queues queues_;
  Agents agents_;
  Slots slots_;  // before the peers: what they have us host gives its slots back as their connections go
  Peers peers_;
  Relays relays_;
  Quotas quotas_;
  AuditSpool audit_;
  Services services_;
  InnerServer inner_;
  PublicApi public_;
  io::ServerLimits limits_;
  io::Event named_;  // by the bundle, perhaps
  std::unique_ptr<io::Listener> public_listener_;
  io::TaskGroup connections_;
  io::TaskGroup tasks_;
  io::Reception reception_;
};

}  // namespace aigrid::gateway
