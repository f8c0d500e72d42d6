// HostedAttempt: an attempt that another site's ingress asked us to run here: its frames in, a LocalAttempt, its frames
// out. The window given back to the agent follows what the peer has taken, so one slow client holds 64 KiB, not the
// site.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/gateway/local_attempt.h"
#include "app/gateway/services.h"
#include "io/http/h2_connection.h"

namespace aigrid::gateway {

class HostedAttempt final : AttemptSink {
 public:
  HostedAttempt(Services& services, std::shared_ptr<io::H2Stream> stream);
  // Until the answer is through or the peer is gone.
  io::Task<void> run();

 private:
  struct Outgoing {
    std::string bytes;
    std::size_t payload = 0;  // to give back once written
    bool last = false;
  };
  void on_frame(std::uint32_t attempt, const inner::Frame& frame) override;
  void on_lost(std::uint32_t attempt, const std::string& node, const std::string& why) override;
  io::Task<Result<void>> read_ask();
  io::Task<void> watch_peer();  // for Cancel, and for the loss of the stream
  io::Task<void> run_local();

  Services& services_;
  std::shared_ptr<io::H2Stream> stream_;
  inner::Decoder decoder_;
  std::optional<inner::Ask> ask_;
  std::string body_;
  bool accepted_ = false;  // a head went out
  io::Channel<Outgoing> out_;
  std::unique_ptr<LocalAttempt> local_;
  io::TaskGroup tasks_;
};

}  // namespace aigrid::gateway
