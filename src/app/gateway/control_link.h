// ControlLink: the gateway's one connection to control, redialled for ever: follows the bundle, sends status, asks what
// the workers want asked. With control gone everything else goes on from what is held. Belongs to the main worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "app/gateway/services.h"
#include "format/bundle/bundle.h"
#include "io/client/inner_ask.h"
#include "io/client/renewal.h"
#include "io/http/h2_connection.h"

namespace aigrid::gateway {

class ControlLink {
 public:
  // What the process's workers have done together.
  struct Totals {
    std::uint64_t bundle_version = 0;  // that all of them hold
    std::uint64_t requests = 0;
    std::string records_error;  // why control took none of the last batch
  };
  struct Hooks {
    std::function<void(std::shared_ptr<const Law>)> adopt;  // every worker has it soon, the main one when it returns
    std::function<void(bool reached)> control_is;           // it came or went
    std::function<Totals()> totals;
  };
  // `services`: the main worker's.
  ControlLink(Services& services, io::Membership& membership, Hooks hooks);

  // The bundle on disk, if there is a good one.
  Result<void> load_held();
  // Writes the bundle to disk if that has not worked yet.
  void save_held();
  // Until the task is destroyed.
  io::Task<void> run();
  io::Task<Result<io::RenewAnswer>> renew(std::string csr);
  // One whole exchange with control; `peer`: whom it is relayed for.
  io::Task<Result<io::InnerAnswer>> exchange(std::string path, std::string body, std::string peer);
  bool connected() const { return connection_ && !connection_->closed(); }
  // A bundle was applied here or at an agent: say so at once.
  void status_changed() { status_due_.set(); }

 private:
  io::Task<void> follow_bundle(std::shared_ptr<io::H2Connection> connection);
  io::Task<void> send_status(std::shared_ptr<io::H2Connection> connection);
  Result<bundle::Held> applied(const bundle::Update& update) const;
  void adopt(bundle::Held held);
  void refused(const std::string& why);
  std::string status_line() const;

  Services& services_;
  io::Env& env_;
  io::Membership& membership_;
  Hooks hooks_;
  std::shared_ptr<io::H2Connection> connection_;
  std::string bundle_error_;
  bool unsaved_ = false;  // the bundle held is not on disk
  io::Event status_due_;
};

}  // namespace aigrid::gateway
