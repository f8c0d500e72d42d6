// ControlLink: the gateway's one connection to control, redialled for ever: follows the bundle, sends status, ships
// records, relays joins and renewals. With control gone everything else goes on from what is held. One worker.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "app/gateway/services.h"
#include "format/bundle/bundle.h"
#include "io/client/inner_ask.h"
#include "io/client/renewal.h"
#include "io/http/h2_connection.h"

namespace aigrid::gateway {

class ControlLink {
 public:
  ControlLink(Services& services, io::Membership& membership);

  // The bundle on disk, if there is a good one.
  Result<void> load_held();
  // Writes the bundle to disk if that has not worked yet.
  void save_held();
  // Called after a bundle was applied.
  void on_bundle(std::function<void()> hook) { on_bundle_ = std::move(hook); }
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
  io::Task<void> ship_records(std::shared_ptr<io::H2Connection> connection);
  Result<bundle::Held> applied(const bundle::Update& update) const;
  void adopt(bundle::Held held);
  void refused(const std::string& why);
  std::string status_line() const;

  Services& services_;
  io::Env& env_;
  io::Membership& membership_;
  std::shared_ptr<io::H2Connection> connection_;
  std::string bundle_error_;
  bool unsaved_ = false;       // the bundle held is not on disk
  std::string records_error_;  // why control took none of the last batch
  std::function<void()> on_bundle_;
  io::Event status_due_;
};

}  // namespace aigrid::gateway
