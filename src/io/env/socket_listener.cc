#include "io/env/socket_listener.h"

#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>

#include "io/env/socket_stream.h"
#include "io/env/system_error.h"

namespace aigrid::io {
namespace {

constexpr std::string_view kUnix = "unix:";
// How long to leave connections in the backlog when no file descriptor is free.
constexpr Duration kPause = 50ms;

bool out_of_room(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

// A socket file that nobody answers on is left over from a process that is gone.
bool is_stale(const SocketAddress& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool refused = ::connect(fd, address.get(), address.length) != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return refused;
}

int bind_socket(int fd, const SocketAddress& address, const Address& at, const ListenOptions& options) {
  const int on = 1;
  if (address.family() != AF_UNIX) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (options.share_port && ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) return errno;
    if (address.family() == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  if (::bind(fd, address.get(), address.length) == 0) return 0;
  const int error = errno;
  if (error != EADDRINUSE || address.family() != AF_UNIX || !is_stale(address)) return error;
  ::unlink(at.c_str() + kUnix.size());
  return ::bind(fd, address.get(), address.length) == 0 ? 0 : errno;
}

Error cannot_listen(const Address& at, int error) {
  Error out = system_error(error, "cannot listen on " + at);
  if (error == EADDRINUSE) {
    out.message = "cannot listen on " + at + ": another process has this address; stop it, or choose another " +
                  (at.starts_with(kUnix) ? "path" : "port");
  }
  return out;
}

}  // namespace

SocketListener::SocketListener(Env& env, Reactor& reactor, int fd, Address address)
    : env_(env), reactor_(reactor), fd_(fd), address_(std::move(address)), changed_(reactor.executor()) {
  registration_error_ = reactor_.add(fd_, *this, EPOLLIN);
}

SocketListener::~SocketListener() { close(); }

void SocketListener::close() {
  if (fd_ < 0) return;
  reactor_.remove(fd_, *this);
  ::close(fd_);
  fd_ = -1;
  if (address_.starts_with(kUnix)) ::unlink(address_.c_str() + kUnix.size());
  changed_.set();
}

void SocketListener::ready(std::uint32_t) noexcept { changed_.set(); }

Task<Result<std::unique_ptr<Stream>>> SocketListener::accept() {
  using Out = Result<std::unique_ptr<Stream>>;
  bool warned = false;
  for (;;) {
    if (fd_ < 0) co_return Error{Code::Cancelled, Origin::Self, Retry::Never, "no longer listening on " + address_};
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      auto stream = std::make_unique<SocketStream>(reactor_, fd, true, remote_address(fd));
      if (stream->registration_error() == 0) co_return Out(std::unique_ptr<Stream>(std::move(stream)));
      continue;
    }
    const int error = errno;
    if (error == EAGAIN) {
      co_await changed_.wait();
    } else if (out_of_room(error)) {
      if (!warned) {
        env_.log().warn("accept_paused", {{"address", address_}, {"reason", system_error(error, "accept").message}});
      }
      warned = true;
      co_await env_.sleep_for(kPause);
    } else if (error == EBADF || error == EINVAL || error == ENOTSOCK) {
      co_return system_error(error, "cannot accept on " + address_);
    }  // anything else is the failure of one connection that is gone already
  }
}

Result<std::unique_ptr<Listener>> listen_socket(Env& env, Reactor& reactor, const Address& at,
                                                const ListenOptions& options) {
  AIGRID_TRY(const SocketAddress address, parse_address(at));
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return system_error(errno, "cannot listen on " + at);
  int error = bind_socket(fd, address, at, options);
  if (error == 0 && ::listen(fd, options.backlog) != 0) error = errno;
  if (error != 0) {
    ::close(fd);
    return cannot_listen(at, error);
  }
  auto out = std::make_unique<SocketListener>(env, reactor, fd, address.family() == AF_UNIX ? at : local_address(fd));
  if (out->registration_error() != 0) return system_error(out->registration_error(), "cannot listen on " + at);
  return Result<std::unique_ptr<Listener>>(std::unique_ptr<Listener>(std::move(out)));
}

}  // namespace aigrid::io
