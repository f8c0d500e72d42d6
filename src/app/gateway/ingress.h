// Ingress: phases dispatch, relay and account of one admitted request: feeds a RequestLife with what happens (frames,
// the client, the clock) and has its actions carried out: of attempts by Attempts, of the client by ClientAnswer. It
// decides nothing. One worker; lives as long as its exchange.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "app/gateway/admitted.h"
#include "app/gateway/attempts.h"
#include "app/gateway/bill.h"
#include "app/gateway/client_answer.h"
#include "app/gateway/client_writer.h"
#include "app/gateway/mandate.h"
#include "app/gateway/services.h"
#include "app/gateway/told.h"
#include "core/dispatch/request_life.h"
#include "io/http/server.h"

namespace aigrid::gateway {

class Ingress;
using Ingresses = std::set<Ingress*>;  // those of this worker

class Ingress {
 public:
  Ingress(Services& services, Ingresses& all, io::Exchange& exchange, Admitted& admitted);
  // However it ends, its record is written.
  ~Ingress();
  Ingress(const Ingress&) = delete;
  Ingress& operator=(const Ingress&) = delete;

  // Until the record is written.
  io::Task<void> run();
  // The bundle changed.
  void law_changed() { events_.push({dispatch::event::LawChanged{}}); }
  // The process ends.
  void stop() { events_.push({dispatch::event::Stop{}}); }

 private:
  void feed(Told told);
  void step(const dispatch::Event& event);
  void adopt_law();
  void carry_out(const dispatch::Action& action);
  void ask(const dispatch::action::Ask& ask);
  std::string relay_to(routing::SiteIndex site) const;
  void account(const dispatch::action::Finish& finish);

  Services& services_;
  io::Env& env_;
  io::Exchange& exchange_;
  Admitted& admitted_;
  Bill bill_;
  dispatch::RequestLife life_;
  Ingresses& all_;
  Mandate mandate_;
  Events events_;
  ClientWriter writer_;
  ClientAnswer answer_;
  std::unique_ptr<io::Timer> alarm_;
  Attempts attempts_;
  bool client_gone_ = false;
  bool accounted_ = false;
};

}  // namespace aigrid::gateway
