// GridSim: the state machines that route in production (core/dispatch over core/routing and core/policy) on a bare
// queue of virtual time: gateways, queues and nodes of one Registry, whose law changes while requests run and reaches
// each part at another moment. Nodes and sites die, links are cut, places drain, nodes refuse, rows go stale, clients
// leave. From a seed; one seed, one history. What it checks itself: one Finish a request, no slot given twice, an
// answer goes on from exactly what was delivered. Who may do what is the Checker's to say. One thread; the registry
// outlives it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "core/dispatch/request_life.h"
#include "core/dispatch/site_queue.h"
#include "core/routing/snapshot.h"
#include "sim/trail.h"

namespace aigrid::sim {

struct Totals {
  std::uint64_t requests = 0;
  std::uint64_t steps = 0;
  std::uint64_t refused_at_the_door = 0;  // before there was a life
  std::array<std::uint64_t, 6> ended{};   // by grid::Outcome
  std::uint64_t attempts = 0;
  std::uint64_t hedges = 0;
  std::uint64_t moves = 0;
  std::uint64_t resumes = 0;
  std::uint64_t handed_on = 0;     // attempts, by a queue to a site where it is shorter
  std::uint64_t lost = 0;          // attempts
  std::uint64_t refused = 0;       // attempts, by a site or node whose law or will it was
  std::uint64_t laws = 0;          // changes that reached a part
  std::vector<std::string> wrong;  // what must not be, in words; at most a few

  void add(const Totals& other);
};

class GridSim {
 public:
  using OnDone = std::function<void(const Trail&)>;
  GridSim(const Registry& registry, std::uint64_t seed, std::uint64_t requests, OnDone on_done);

  void run();  // to the end of the last request
  const Totals& totals() const { return totals_; }
  std::uint64_t digest() const { return digest_; }  // of the history

 private:
  using SiteIndex = routing::SiteIndex;
  using NodeIndex = routing::NodeIndex;
  using Ticket = dispatch::Ticket;
  struct Scheduled {
    Time time;
    std::uint64_t order = 0;
    std::function<void()> run;
    bool operator<(const Scheduled& o) const { return std::tie(o.time, o.order) < std::tie(time, order); }
  };
  struct Node {
    bool up = true;
    std::vector<Ticket> running;
    dispatch::Resume resume = dispatch::Resume::None;
    std::uint32_t version = 0;  // of its own bundle
  };
  struct Site {
    bool up = true;
    std::uint32_t version = 0;
    Time silent_until{};  // its rows do not reach the others
    std::vector<routing::LinkRow> links;
    std::map<routing::DeploymentIndex, dispatch::SiteQueue> queues;
  };
  struct Attempt {
    std::uint64_t request = 0;
    std::uint32_t number = 0;
    SiteIndex from_site = 0;
    SiteIndex site = 0;
    NodeIndex node = routing::kNone;
    routing::DeploymentIndex deployment = routing::kNone;
    std::uint32_t asker = 0;
    std::uint32_t version = 0;  // of the asker's law
    std::uint32_t from = 0;
    std::uint32_t made = 0;
    bool stream = false;
    bool cancelled = false;  // by the ingress
    bool queued = false;     // the site's queue knows it
  };
  struct Request {
    std::unique_ptr<dispatch::RequestLife> life;
    SiteIndex here = 0;
    Trail trail;
    routing::RouteInput input;
    bool stream = false;
    std::uint32_t length = 0;     // tokens of its answer
    std::uint32_t delivered = 0;  // of a stream
    std::uint64_t alarm = 0;      // generation of the newest
    std::uint32_t current = 0;    // the attempt whose answer the client gets
    std::uint32_t frozen = 0;     // the same, while another is asked beside it
    bool racing = false;
    std::vector<dispatch::Event> aside;  // of the frozen one
    Attempt aside_of;
    int depth = 0;  // of events that are told while actions are carried out
    std::map<std::uint32_t, Ticket> attempts;
  };

  void at(Duration in, std::function<void()> run) { events_.push({now_ + in, ++order_, std::move(run)}); }
  Duration way(SiteIndex a, SiteIndex b);
  bool connected(SiteIndex a, SiteIndex b) const;
  const routing::Tables& tables(std::uint32_t version) const { return *registry_.versions[version]; }
  routing::Snapshot view(SiteIndex site);
  void wrong(const std::string& what);
  void note(std::uint64_t what) { digest_ = (digest_ ^ what) * 1099511628211ULL; }

  // The ingress.
  void arrive(std::uint64_t id);
  bool admit(Request& r, std::uint32_t version);
  bool enter(Request& r);
  void tell(std::uint64_t id, const dispatch::Event& event);
  void ask(std::uint64_t id, Request& r, const dispatch::action::Ask& a);
  void cancel(Request& r, std::uint32_t number);
  void hear(Ticket ticket, dispatch::Event event);
  void take(Request& r, const Attempt& a, const dispatch::Event& event);
  void finish(std::uint64_t id, Request& r, const dispatch::action::Finish& f);
  void carry_out(std::uint64_t id, Request& r, const dispatch::Action& action);
  // The site and its nodes.
  void host(Ticket ticket, dispatch::queue_event::Ask ask);
  bool refused_by_law(const Attempt& a, std::uint32_t version, bool at_node);
  void feed(SiteIndex site, routing::DeploymentIndex deployment, const dispatch::QueueEvent& event);
  void grant(SiteIndex site, const dispatch::queue_action::Grant& g);
  void work(Ticket ticket);
  void end(Ticket ticket, const std::string& finish, bool failed);
  void refuse(Ticket ticket, bool never, std::vector<SiteIndex> redirect);
  void reply(Ticket ticket, const dispatch::Event& event);
  void lose(Ticket ticket, bool site_lives);
  void drop(Ticket ticket);  // nobody asks for it any more
  void forget(Ticket ticket);
  // The grid.
  void tick();
  void break_something();
  void lose_where(const std::function<bool(const Attempt&)>& hit, bool site_lives);
  void change_law(std::uint32_t version);
  void adopt(SiteIndex site, std::uint32_t version);

  const Registry& registry_;
  OnDone on_done_;
  Random random_;
  dispatch::Budget budget_;
  Time now_{};
  std::uint64_t order_ = 0;
  std::uint64_t left_ = 0;
  std::uint64_t ticks_ = 0;
  Ticket tickets_ = 0;
  std::uint64_t digest_ = 14695981039346656037ULL;
  Totals totals_;
  std::priority_queue<Scheduled> events_;
  std::unordered_map<std::uint64_t, Request> requests_;
  std::map<Ticket, Attempt> attempts_;
  routing::Rows rows_;
  std::vector<Site> sites_;
  std::vector<Node> nodes_;
};

}  // namespace aigrid::sim
