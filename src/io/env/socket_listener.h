// SocketListener: accepts on a TCP or unix socket. Without free file descriptors it pauses instead of spinning.
// Belongs to the reactor's thread; the Env outlives it.
#pragma once

#include "io/env/reactor.h"
#include "io/env/socket_address.h"

namespace aigrid::io {

class SocketListener final : public Listener, Watch {
 public:
  // Takes over a listening, non-blocking `fd`.
  SocketListener(Env& env, Reactor& reactor, int fd, Address address);
  ~SocketListener() override;

  Task<Result<std::unique_ptr<Stream>>> accept() override;
  const Address& address() const override { return address_; }
  void close() override;
  int registration_error() const { return registration_error_; }

 private:
  void ready(std::uint32_t events) noexcept override;
  Env& env_;
  Reactor& reactor_;
  int fd_;
  int registration_error_ = 0;
  Address address_;
  Event changed_;
};

// listen() of EpollEnv.
Result<std::unique_ptr<Listener>> listen_socket(Env& env, Reactor& reactor, const Address& at,
                                                const ListenOptions& options);

}  // namespace aigrid::io
