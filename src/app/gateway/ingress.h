// Ingress: phases dispatch, relay and account of one admitted request: feeds a RequestLife with what happens (frames,
// the client, the clock) and carries out its actions. It decides nothing. One worker; lives as long as its exchange.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>

#include "app/gateway/attempt.h"
#include "app/gateway/audit_leaf.h"
#include "app/gateway/bill.h"
#include "app/gateway/phases.h"
#include "app/gateway/quotas.h"
#include "app/gateway/services.h"
#include "core/dispatch/request_life.h"
#include "format/openai/delta.h"
#include "io/http/server.h"

namespace aigrid::gateway {

// What the phases before found out.
struct Admitted {
  explicit Admitted(io::Env& env) : evidence(env) {}
  std::string request_id;
  std::string answer_id;
  std::string endpoint;  // "chat.completions" | "embeddings"
  Caller caller;
  Question question;
  Admission admission;
  std::shared_ptr<const std::string> body;
  Quotas::Reservation reservation;
  Evidence evidence;
  Time received{};
  WallTime received_wall{};
};

class Ingress;
using Ingresses = std::set<Ingress*>;  // those of this worker

class Ingress final : AttemptSink {
 public:
  Ingress(Services& services, Ingresses& all, io::Exchange& exchange, Admitted& admitted);
  // However it ends, its record is written.
  ~Ingress();

  // Until the record is written.
  io::Task<void> run();
  // The bundle changed.
  void law_changed() { tell({dispatch::event::LawChanged{}, {}, {}}); }
  // The process ends.
  void stop() { tell({dispatch::event::Stop{}, {}, {}}); }

 private:
  // What happened, with its places by name: the bundle may change before it is fed.
  struct Told {
    dispatch::Event event;
    std::string node;
    std::vector<std::string> sites;
  };
  struct Running {
    std::shared_ptr<Attempt> attempt;
    std::string site;
    std::uint32_t from = 0;            // tokens delivered before it was asked
    bool accepted = false;             // by a head that may be: what it sends is for the client
    bool cancelled = false;            // and no more, once it was given up
    std::vector<std::string> early{};  // its frames while it races another
  };
  // Everything that goes to the client goes through one writer, in order, so that a slow client never stops events.
  struct Start {
    http::Headers headers;
  };
  struct Bytes {
    std::uint32_t attempt = 0;
    std::string bytes;
  };
  struct Last {  // ends a streamed answer
    std::string bytes;
  };
  struct Whole {
    int status = 200;
    http::Headers headers;
    std::string body;
  };
  using Output = std::variant<Start, Bytes, Last, Whole>;

  void on_frame(std::uint32_t attempt, const inner::Frame& frame) override;
  void on_lost(std::uint32_t attempt, const std::string& node, const std::string& why) override;

  void tell(Told told) { events_.push(std::move(told)); }
  void feed(Told told);
  void step(const dispatch::Event& event);
  void adopt_law();
  void stay();
  std::string relay_to(routing::SiteIndex site) const;
  bool hold_early(std::uint32_t attempt, Running& running, const inner::Frame& frame);
  bool head_fits(const Running& running, const inner::Head& head) const;
  void settle_race(std::uint32_t winner);
  void give_up(std::uint32_t attempt);
  void take_head(std::uint32_t attempt, Running& running, const inner::Head& head);
  void take_after_cancel(std::uint32_t attempt, Running& running, const inner::Frame& frame);
  void take_end(std::uint32_t attempt, const inner::End& end);
  // A stream whose last object has come lacks nothing but its count.
  bool whole_stream() const { return streaming_ && !tail_.empty(); }
  void take_refusal(std::uint32_t attempt, const inner::Refuse& refuse);
  void carry_out(const dispatch::Action& action);
  void take_data(std::uint32_t attempt, std::string_view bytes);
  void release(bool all);
  io::Task<void> write_output();
  io::Task<Result<void>> write_one(Output& output);
  void delivered(std::uint32_t attempt, std::size_t bytes);
  void start_attempt(const dispatch::action::Ask& ask);
  io::Task<void> run_attempt(std::shared_ptr<Attempt> attempt);
  void start_answer();
  void fail(const dispatch::action::Fail& failure);
  void complete();
  void close_by_length();
  void account(const dispatch::action::Finish& finish);
  void first_byte();
  http::Headers headers() const;
  std::string grid_object() const;
  std::string_view service_tier() const;  // empty: not asked for
  routing::NodeIndex node_index(const std::string& name) const;
  inner::Ask ask_frame(const dispatch::action::Ask& ask) const;

  Services& services_;
  io::Env& env_;
  io::Exchange& exchange_;
  Admitted& admitted_;
  Bill bill_;
  dispatch::RequestLife life_;
  Ingresses& all_;
  // The admission under the newest bundle; what was promised at the first one (its price) is in admitted_.
  Admission* law_;
  std::unique_ptr<Admission> newer_;
  io::Channel<Told> events_;
  io::Channel<Output> output_;
  std::unique_ptr<io::Timer> alarm_;
  std::map<std::uint32_t, Running> attempts_;
  std::string held_;  // a whole answer's bytes until it is whole; a stream's until they may go out
  dispatch::Delivered given_;
  openai::DeltaText delta_;
  std::string tail_;
  std::string site_;
  std::string node_;
  std::uint32_t current_ = 0;  // the attempt whose answer the client gets
  std::uint32_t frozen_ = 0;   // the same, while another is asked beside it
  std::uint32_t moved_from_ = 0;
  std::vector<std::string> aside_;  // its frames meanwhile
  bool racing_ = false;             // two attempts, and nobody knows yet whose answer the client gets
  bool streaming_ = false;          // the response head went out, or is about to, as a stream
  bool client_gone_ = false;
  bool accounted_ = false;
  Time first_byte_{};
  io::TaskGroup writer_;
  io::TaskGroup tasks_;
};

}  // namespace aigrid::gateway
