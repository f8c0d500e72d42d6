// InnerService: control's inner listener: HTTP/2 over mTLS, where gateways ask. A peer's certificate decides what it
// may ask: a gateway: bundle, status, records, renew, join (it relays both); an agent: renew; none: join. All else is
// 403, and so is everything from a member that the configuration no longer has; its connections are closed then. One
// file per group of routes. One worker.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "app/control/problem.h"
#include "app/control/services.h"
#include "io/client/inner_messages.h"
#include "io/http/h2_connection.h"

namespace aigrid::control {

class InnerService {
 public:
  explicit InnerService(Services& services) : services_(services), connections_(services.env.executor()) {}
  // Accepts until the listener is closed.
  io::Task<void> run(std::unique_ptr<io::Listener> listener);
  std::size_t connections() const { return connections_.size(); }

 private:
  using Who = std::optional<Spiffe>;
  io::Task<void> serve_connection(std::unique_ptr<io::Stream> raw);
  io::Task<void> close_deleted();
  io::Task<void> serve(std::shared_ptr<io::H2Stream> stream, Who who);
  io::Task<void> join(io::H2Stream& stream);
  io::Task<void> renew(io::H2Stream& stream, Spiffe who);
  io::Task<void> bundle(io::H2Stream& stream, Spiffe who);
  io::Task<void> records(io::H2Stream& stream, Spiffe who);
  io::Task<void> audit(io::H2Stream& stream, Spiffe who);
  io::Task<void> work(io::H2Stream& stream, Spiffe who);
  // Whom a gateway relays for: an agent of its own site. Nothing: it may not.
  static std::optional<Spiffe> relayed_agent(const io::H2Stream& stream, const Spiffe& gateway);
  io::Task<void> status(io::H2Stream& stream, Spiffe who);
  io::Task<void> keep_workers(std::string gateway, std::uint32_t workers);

  io::Task<Result<std::string>> read_body(io::H2Stream& stream);
  io::Task<void> answer(io::H2Stream& stream, int status, std::string body);
  io::Task<void> refuse(io::H2Stream& stream, int status, std::string_view code, std::string_view message);

  Services& services_;
  std::map<io::H2Connection*, Spiffe> live_;  // of members; before connections_, whose frames leave it
  io::TaskGroup connections_;
};

}  // namespace aigrid::control
