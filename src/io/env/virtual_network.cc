#include "io/env/virtual_network.h"

#include <algorithm>

#include "io/env/socket_address.h"

namespace aigrid::io {
namespace {

bool named(const Place& place, const std::string& label) { return place.name == label || place.site == label; }

Error refused(const Address& to, std::string_view why) {
  return unavailable("cannot connect to " + to + ": " + std::string(why));
}

Error silent(const Address& to, Duration within) {
  return {Code::DeadlineExceeded, Origin::Upstream, Retry::Elsewhere,
          "cannot connect to " + to + ": no answer within " + std::to_string(to_ms(within)) + " ms"};
}

// The wildcard address with the same port, where one exists.
Address wildcard(const Address& to) {
  if (to.starts_with("unix:")) return to;
  return (to.starts_with('[') ? "[::]" : "0.0.0.0") + to.substr(to.rfind(':'));
}

}  // namespace

class VirtualNetwork::ActiveCut final : Timed {
 public:
  ActiveCut(VirtualNetwork& network, VirtualCore& core, std::string a, std::string b, const Cut& cut)
      : Timed(core.timers), a(std::move(a)), b(std::move(b)), cut(cut), network_(network) {
    if (cut.reset_after != kNeverReset && cut.reset_after.count() > 0) arm_at(core.now + cut.reset_after);
  }
  bool between(const Place& x, const Place& y) const { return one_way(x, y) || one_way(y, x); }

  const std::string a;
  const std::string b;
  const Cut cut;

 private:
  bool one_way(const Place& x, const Place& y) const { return named(x, a) && (b == "*" ? !named(y, a) : named(y, b)); }
  void due() noexcept override { network_.reset_across(*this); }
  VirtualNetwork& network_;
};

VirtualNetwork::VirtualNetwork(VirtualCore& core) : core_(core) {}
VirtualNetwork::~VirtualNetwork() = default;

void VirtualNetwork::set_link(const std::string& a, const std::string& b, const Link& link) {
  links_[std::minmax(a, b)] = link;
  ++link_version_;
}

Link VirtualNetwork::link(const Place& a, const Place& b) const {
  const auto found = links_.find(std::minmax(a.site, b.site));
  return found == links_.end() ? Link{} : found->second;
}

Duration VirtualNetwork::transit(const Place& a, const Place& b) {
  const Link l = link(a, b);
  if (l.jitter.count() <= 0) return l.delay;
  return l.delay +
         Duration(static_cast<std::int64_t>(core_.random.below(static_cast<std::uint64_t>(l.jitter.count()))));
}

void VirtualNetwork::cut(const std::string& a, const std::string& b, const Cut& how) {
  restore(a, b);
  core_.record("cut", a, b);
  const auto& added = *cuts_.emplace_back(std::make_unique<ActiveCut>(*this, core_, a, b, how));
  if (how.reset_after.count() <= 0) reset_across(added);
}

void VirtualNetwork::restore(const std::string& a, const std::string& b) {
  const auto same = [&](const auto& c) { return (c->a == a && c->b == b) || (c->a == b && c->b == a); };
  if (std::erase_if(cuts_, same) == 0) return;
  core_.record("restore", a, b);
  for (auto& [number, connection] : connections_) {
    for (auto& end : connection->ends) end.resume();
  }
}

const VirtualNetwork::ActiveCut* VirtualNetwork::find_cut(const Place& a, const Place& b) const {
  for (const auto& cut : cuts_) {
    if (cut->between(a, b)) return cut.get();
  }
  return nullptr;
}

void VirtualNetwork::reset_across(const ActiveCut& cut) {
  for (auto& [number, connection] : connections_) {
    if (!cut.between(*connection->ends[0].place, *connection->ends[1].place)) continue;
    connection->reset_both();
    sweep_later(*connection);
  }
}

void VirtualNetwork::drop_process(const void* process) {
  std::vector<VirtualListener*> dead;
  for (auto& [address, listeners] : listeners_) {
    for (auto* listener : listeners) {
      if (listener->who.process == process) dead.push_back(listener);
    }
  }
  // Resets before the listeners drop what nobody accepted, which would end those streams as if all were well.
  for (auto& [number, connection] : connections_) {
    for (auto& end : connection->ends) {
      if (end.owner == process) end.abort();
    }
  }
  for (auto* listener : dead) listener->close();
}

void VirtualNetwork::sweep_later(VirtualConnection& connection) {
  to_sweep_.push_back(connection.number);
  core_.executor.schedule(sweep_);
}

void VirtualNetwork::sweep() {
  const auto numbers = std::move(to_sweep_);
  to_sweep_.clear();
  for (const auto number : numbers) {
    if (const auto found = connections_.find(number); found != connections_.end()) found->second->free_if_done();
  }
}

void VirtualNetwork::remove(VirtualListener& listener) {
  const auto found = listeners_.find(listener.address());
  if (found == listeners_.end()) return;
  std::erase(found->second, &listener);
  if (found->second.empty()) listeners_.erase(found);
}

Result<std::unique_ptr<Listener>> VirtualNetwork::listen(Env&, Caller who, const Address& at,
                                                         const ListenOptions& options) {
  AIGRID_TRY([[maybe_unused]] const SocketAddress checked, parse_address(at));
  Address real = at;
  while (!at.starts_with("unix:") && at.ends_with(":0") && (real == at || listeners_.contains(real))) {
    real = at.substr(0, at.size() - 1) + std::to_string(next_port_++);
  }
  auto& there = listeners_[real];
  const bool shared = std::all_of(there.begin(), there.end(), [](const auto* l) { return l->options.share_port; });
  if (!there.empty() && !(options.share_port && shared)) {
    return Error{Code::AlreadyExists, Origin::Self, Retry::Never,
                 "cannot listen on " + at + ": another process has this address; stop it, or choose another port"};
  }
  auto listener = std::make_unique<VirtualListener>(*this, core_, who, real, options);
  there.push_back(listener.get());
  core_.record("listen", who.place->name, real);
  return Result<std::unique_ptr<Listener>>(std::move(listener));
}

VirtualListener* VirtualNetwork::choose_listener(const Address& to, VirtualListener* before) {
  auto found = listeners_.find(to);
  if (found == listeners_.end()) found = listeners_.find(wildcard(to));
  if (found == listeners_.end()) return nullptr;
  if (std::find(found->second.begin(), found->second.end(), before) != found->second.end()) return before;
  return found->second[turns_[found->first]++ % found->second.size()];
}

std::unique_ptr<Stream> VirtualNetwork::connect(Caller who, VirtualListener& listener, const Address& to) {
  const std::uint64_t number = ++last_connection_;
  auto& connection = *(connections_[number] = std::make_unique<VirtualConnection>(*this, core_, number));
  auto& near = connection.ends[0];
  auto& far = connection.ends[1];
  near.owner = who.process;
  near.place = who.place;
  near.peer.address = to;
  far.owner = listener.who.process;
  far.place = listener.who.place;
  far.peer.address = who.place->ip + ":" + std::to_string(1024 + number % 64000);
  core_.record("connect", number, who.place->name, far.place->name, to);
  auto client = std::make_unique<VirtualStream>(near);
  listener.arrive(std::make_unique<VirtualStream>(far));
  return client;
}

Task<Result<std::unique_ptr<Stream>>> VirtualNetwork::dial(Env& env, Caller who, Address to, Duration within) {
  using Out = Result<std::unique_ptr<Stream>>;
  AIGRID_CO_TRY([[maybe_unused]] const SocketAddress checked, parse_address(to));
  core_.record("dial", who.place->name, to);
  const Time deadline = core_.now + within;
  VirtualListener* target = choose_listener(to, nullptr);
  // Nobody there: it is the dialler's own site that says so.
  const Place& place = target ? *target->who.place : *who.place;
  const Duration there = transit(*who.place, place);
  const Duration back = transit(*who.place, place);
  const ActiveCut* cut = find_cut(*who.place, place);
  if (cut && !cut->cut.dials_time_out) {
    co_await env.sleep_until(std::min(deadline, core_.now + Link{}.delay));
    co_return refused(to, "no route to host");
  }
  if (cut || core_.now + there + back > deadline) {
    co_await env.sleep_until(deadline);
    co_return silent(to, within);
  }
  co_await env.sleep_for(there);
  VirtualListener* listener = choose_listener(to, target);
  const bool open = listener && !listener->full() && !is_cut(*who.place, *listener->who.place);
  std::unique_ptr<Stream> stream;
  if (open) stream = connect(who, *listener, to);
  co_await env.sleep_for(back);
  if (!stream) co_return refused(to, listener ? "not accepted" : "connection refused");
  co_return Out(std::move(stream));
}

Task<Result<std::unique_ptr<Stream>>> VirtualListener::accept() {
  using Out = Result<std::unique_ptr<Stream>>;
  while (waiting_.empty()) {
    if (closed_) {
      co_return Error{Code::Cancelled, Origin::Self, Retry::Never, "no longer listening on " + address_};
    }
    co_await changed_.wait();
  }
  std::unique_ptr<Stream> stream = std::move(waiting_.front());
  waiting_.pop_front();
  core_.record("accept", who.place->name, address_);
  co_return Out(std::move(stream));
}

void VirtualListener::arrive(std::unique_ptr<Stream> stream) {
  waiting_.push_back(std::move(stream));
  changed_.set();
}

void VirtualListener::close() {
  if (closed_) return;
  closed_ = true;
  network_.remove(*this);
  waiting_.clear();
  changed_.set();
}

}  // namespace aigrid::io
