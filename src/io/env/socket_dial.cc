#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "io/env/socket_address.h"
#include "io/env/socket_stream.h"
#include "io/env/system_error.h"

namespace aigrid::io {
namespace {

struct ConnectedWaiter final : Waiter {
  explicit ConnectedWaiter(Event& e) : event(e) {}
  void wake() noexcept override { event.set(); }
  Event& event;
};

int pending_error(int fd) {
  int number = 0;
  socklen_t length = sizeof(number);
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length) != 0) return errno;
  return number;
}

Error too_late(const Address& to, Duration within) {
  return {Code::DeadlineExceeded, Origin::Upstream, Retry::Elsewhere,
          "cannot connect to " + to + ": no answer within " + std::to_string(to_ms(within)) + " ms"};
}

// A full backlog of a unix socket is EAGAIN with nothing to wait for.
constexpr Duration kBacklogPause = 5ms;

}  // namespace

Task<Result<std::unique_ptr<Stream>>> dial_socket(Env& env, Reactor& reactor, Address to, Duration within) {
  using Out = Result<std::unique_ptr<Stream>>;
  AIGRID_CO_TRY(const SocketAddress address, parse_address(to));
  const Time deadline = env.now() + within;
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return system_error(errno, "cannot connect to " + to);
  auto guard = std::make_unique<SocketStream>(reactor, fd, false, to);
  if (guard->registration_error() != 0) co_return system_error(guard->registration_error(), "cannot connect to " + to);
  int error = 0;
  for (;;) {
    error = ::connect(fd, address.get(), address.length) == 0 ? 0 : errno;
    if (error != EAGAIN) break;
    if (env.now() >= deadline) co_return too_late(to, within);
    co_await env.sleep_for(kBacklogPause);
  }
  if (error == EINPROGRESS || error == EINTR) {
    Event connected(reactor.executor());
    ConnectedWaiter waiter(connected);
    guard->on_writable(&waiter);
    auto alarm = env.timer([&connected] { connected.set(); });
    alarm->arm(deadline);
    co_await connected.wait();
    guard->on_writable(nullptr);
    error = pending_error(fd);
    if (error == 0 && !guard->connect_done()) co_return too_late(to, within);
  }
  if (error != 0) co_return system_error(error, "cannot connect to " + to);
  guard->assume_connected();
  co_return Out(std::unique_ptr<Stream>(std::move(guard)));
}

}  // namespace aigrid::io
