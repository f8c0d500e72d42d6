// VirtualNetwork: links and cuts between places, who listens where, and the connections. An address is one for the
// whole world, whoever listens there: hosts need not have IP addresses of their own.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "io/env/virtual_connection.h"
#include "io/env/virtual_core.h"

namespace aigrid::io {

class VirtualListener;

// Who dials or listens: a simulated process on a host.
struct Caller {
  const void* process;
  const Place* place;
};

class VirtualNetwork {
 public:
  explicit VirtualNetwork(VirtualCore& core);
  ~VirtualNetwork();

  Task<Result<std::unique_ptr<Stream>>> dial(Env& env, Caller who, Address to, Duration within);
  Result<std::unique_ptr<Listener>> listen(Env& env, Caller who, const Address& at, const ListenOptions& options);
  // The process is dead: its listeners close, its connections are reset.
  void drop_process(const void* process);

  void set_link(const std::string& a, const std::string& b, const Link& link);
  Link link(const Place& a, const Place& b) const;
  std::uint64_t link_version() const { return link_version_; }
  void cut(const std::string& a, const std::string& b, const Cut& cut);
  void restore(const std::string& a, const std::string& b);
  bool is_cut(const Place& a, const Place& b) const { return find_cut(a, b) != nullptr; }

  // For connections and listeners.
  void forget(VirtualConnection& connection) { connections_.erase(connection.number); }
  void sweep_later(VirtualConnection& connection);
  void remove(VirtualListener& listener);

 private:
  class ActiveCut;
  class Sweep final : public Ready {
   public:
    explicit Sweep(VirtualNetwork& network) : network_(network) {}

   private:
    void run() noexcept override { network_.sweep(); }
    VirtualNetwork& network_;
  };

  const ActiveCut* find_cut(const Place& a, const Place& b) const;
  void reset_across(const ActiveCut& cut);
  // `before`: chosen earlier; kept while it listens.
  VirtualListener* choose_listener(const Address& to, VirtualListener* before);
  std::unique_ptr<Stream> connect(Caller who, VirtualListener& listener, const Address& to);
  Duration transit(const Place& a, const Place& b);
  void sweep();

  VirtualCore& core_;
  std::map<std::pair<std::string, std::string>, Link> links_;
  std::uint64_t link_version_ = 1;
  std::vector<std::unique_ptr<ActiveCut>> cuts_;
  std::map<Address, std::vector<VirtualListener*>> listeners_;
  std::map<std::uint64_t, std::unique_ptr<VirtualConnection>> connections_;
  std::vector<std::uint64_t> to_sweep_;
  Sweep sweep_{*this};
  std::uint64_t last_connection_ = 0;
  std::map<Address, std::uint64_t> turns_;  // round robin over each shared port
  unsigned next_port_ = 20000;
};

class VirtualListener final : public Listener {
 public:
  VirtualListener(VirtualNetwork& network, VirtualCore& core, Caller who, Address at, const ListenOptions& options)
      : who(who), options(options), network_(network), core_(core), address_(std::move(at)), changed_(core.executor) {}
  ~VirtualListener() override { close(); }
  Task<Result<std::unique_ptr<Stream>>> accept() override;
  const Address& address() const override { return address_; }
  void close() override;
  void arrive(std::unique_ptr<Stream> stream);
  bool full() const { return waiting_.size() >= static_cast<std::size_t>(options.backlog); }

  const Caller who;
  const ListenOptions options;

 private:
  VirtualNetwork& network_;
  VirtualCore& core_;
  Address address_;
  std::deque<std::unique_ptr<Stream>> waiting_;
  Event changed_;
  bool closed_ = false;
};

}  // namespace aigrid::io
