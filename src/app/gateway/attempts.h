// Attempts: the tries of one request that are under way, and which of them is heard: two may race, or one be asked
// beside the one that the client gets; what the others send is held until RequestLife has decided. Frames become the
// request's events, and, of the one that the client gets, its answer. It decides nothing. One worker; lives as long as
// its Ingress.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "app/gateway/attempt.h"
#include "app/gateway/bill.h"
#include "app/gateway/client_answer.h"
#include "app/gateway/held_frames.h"
#include "app/gateway/mandate.h"
#include "app/gateway/services.h"
#include "app/gateway/told.h"

namespace aigrid::gateway {

class Attempts final : AttemptSink {
 public:
  Attempts(Services& services, const Admitted& admitted, const Mandate& mandate, Bill& bill, ClientAnswer& answer,
           Events& events);

  // What the one that is about to be asked is to those under way.
  void make_way_for(const dispatch::action::Ask& ask);
  void start(inner::Ask frame);
  // The attempt that was held back goes on, with what it has sent meanwhile.
  void stay();
  // Of those that raced, `winner` is the one that the client gets.
  void settle_race(std::uint32_t winner);
  void give_up(std::uint32_t attempt);
  // The client has taken so much of it: its window opens again.
  void consumed(std::uint32_t attempt, std::size_t bytes);
  // Gives back slots and streams.
  void end();

 private:
  struct Running {
    std::shared_ptr<Attempt> attempt;
    std::string site;
    std::uint32_t from = 0;  // tokens delivered before it was asked
    bool accepted = false;   // by a head that may be: what it sends is for the client
    bool cancelled = false;  // and no more, once it was given up
    HeldFrames early{};      // while it races another
  };

  void on_frame(std::uint32_t attempt, const inner::Frame& frame) override;
  void on_lost(std::uint32_t attempt, const std::string& node, const std::string& why) override;
  bool hold_early(std::uint32_t attempt, Running& from, const inner::Frame& frame);
  void take(std::uint32_t attempt, Running& from, const inner::Frame& frame);
  void take_after_cancel(std::uint32_t attempt, Running& from, const inner::Frame& frame);
  bool head_fits(const Running& from, const inner::Head& head) const;
  void take_head(std::uint32_t attempt, Running& from, const inner::Head& head);
  void take_refusal(std::uint32_t attempt, const inner::Refuse& refuse);
  void take_end(std::uint32_t attempt, const inner::End& end);
  void note_resumed(std::uint32_t attempt, const Running& from) const;
  io::Task<void> run(std::shared_ptr<Attempt> attempt);

  Services& services_;
  const Admitted& admitted_;
  const Mandate& mandate_;
  Bill& bill_;
  ClientAnswer& answer_;
  Events& events_;
  std::map<std::uint32_t, Running> running_;
  std::uint32_t current_ = 0;  // the attempt whose answer the client gets
  std::uint32_t frozen_ = 0;   // the same, while another is asked beside it
  std::uint32_t moved_from_ = 0;
  HeldFrames aside_;     // of the frozen one
  bool racing_ = false;  // two attempts, and nobody knows yet whose answer the client gets
  io::TaskGroup tasks_;
};

}  // namespace aigrid::gateway
