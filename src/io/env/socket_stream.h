// SocketStream: a TCP or unix-socket Stream on a Reactor. Readiness flags follow epoll's edges: a flag falls only when
// the kernel said EAGAIN (or a short read, which for a stream socket means the same). Belongs to the reactor's thread.
#pragma once

#include "io/env/reactor.h"

namespace aigrid::io {

class SocketStream final : public Stream, Watch {
 public:
  // Takes over `fd` (non-blocking). `connected` is false while a connect is under way.
  SocketStream(Reactor& reactor, int fd, bool connected, Address remote);
  ~SocketStream() override;

  Result<std::size_t> try_read(std::span<char> into) override;
  Result<std::size_t> try_write(std::span<const std::string_view> pieces) override;
  void on_readable(Waiter* waiter) override;
  void on_writable(Waiter* waiter) override;
  void shutdown_write() override;
  void close() override;
  const Peer& peer() const override { return peer_; }
  int release_fd() override;

  // While connecting: has the kernel reported an outcome? Then: both directions may be tried.
  bool connect_done() const { return writable_; }
  void assume_connected() { readable_ = writable_ = true; }
  // errno of epoll registration, or 0.
  int registration_error() const { return registration_error_; }

 private:
  // A waiter that asks while the flag is up is woken from the run list, never from inside its own call.
  class Nudge final : public Ready {
   public:
    explicit Nudge(SocketStream& stream) : stream_(stream) {}

   private:
    void run() noexcept override { stream_.wake(); }
    SocketStream& stream_;
  };

  void ready(std::uint32_t events) noexcept override;
  void wake() noexcept;
  void leave();

  Reactor& reactor_;
  int fd_;
  int registration_error_ = 0;
  bool readable_;
  bool writable_;
  bool hangup_ = false;
  Waiter* reader_ = nullptr;
  Waiter* writer_ = nullptr;
  bool* gone_ = nullptr;
  Nudge nudge_{*this};
  Peer peer_;
};

// dial() of EpollEnv.
Task<Result<std::unique_ptr<Stream>>> dial_socket(Env& env, Reactor& reactor, Address to, Duration within);

}  // namespace aigrid::io
