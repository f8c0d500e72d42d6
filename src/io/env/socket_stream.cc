#include "io/env/socket_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "io/env/socket_address.h"
#include "io/env/system_error.h"

namespace aigrid::io {
namespace {

Error would_block() { return {Code::WouldBlock, Origin::Self, Retry::Same, {}}; }
Error closed_here() { return {Code::Cancelled, Origin::Self, Retry::Never, "the connection was closed on this side"}; }

}  // namespace

SocketStream::SocketStream(Reactor& reactor, int fd, bool connected, Address remote)
    : reactor_(reactor), fd_(fd), readable_(connected), writable_(connected) {
  peer_.address = std::move(remote);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // fails on unix sockets, which do not delay
  registration_error_ = reactor_.add(fd_, *this, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
}

SocketStream::~SocketStream() {
  if (gone_) *gone_ = true;
  leave();
}

void SocketStream::leave() {
  if (fd_ < 0) return;
  reactor_.remove(fd_, *this);
  ::close(fd_);
  fd_ = -1;
}

void SocketStream::close() {
  leave();
  if (reader_ || writer_) reactor_.executor().schedule(nudge_);
  readable_ = writable_ = true;
}

int SocketStream::release_fd() {
  if (fd_ < 0) return -1;
  reactor_.remove(fd_, *this);
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

Result<std::size_t> SocketStream::try_read(std::span<char> into) {
  if (fd_ < 0) return closed_here();
  if (!readable_) return would_block();
  for (;;) {
    const ssize_t got = ::recv(fd_, into.data(), into.size(), 0);
    if (got >= 0) {
      // The end of the stream is a new edge unless it was seen already.
      if (got > 0 && static_cast<std::size_t>(got) < into.size()) readable_ = hangup_;
      return static_cast<std::size_t>(got);
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      readable_ = false;
      return would_block();
    }
    return system_error(errno, "cannot read from " + peer_.address);
  }
}

Result<std::size_t> SocketStream::try_write(std::span<const std::string_view> pieces) {
  if (fd_ < 0) return closed_here();
  if (!writable_) return would_block();
  std::array<iovec, 64> vectors{};
  msghdr message{};
  message.msg_iov = vectors.data();
  for (const auto piece : pieces) {
    if (message.msg_iovlen == vectors.size()) break;
    if (!piece.empty()) vectors[message.msg_iovlen++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  for (;;) {
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      writable_ = false;
      return would_block();
    }
    return system_error(errno, "cannot write to " + peer_.address);
  }
}

void SocketStream::on_readable(Waiter* waiter) {
  reader_ = waiter;
  if (waiter && readable_) reactor_.executor().schedule(nudge_);
}

void SocketStream::on_writable(Waiter* waiter) {
  writer_ = waiter;
  if (waiter && writable_) reactor_.executor().schedule(nudge_);
}

void SocketStream::shutdown_write() {
  if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
}

void SocketStream::ready(std::uint32_t events) noexcept {
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hangup_ = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
  wake();
}

void SocketStream::wake() noexcept {
  bool gone = false;  // a waiter may destroy this stream
  gone_ = &gone;
  if (readable_ && reader_) reader_->wake();
  if (gone) return;
  if (writable_ && writer_) writer_->wake();
  if (!gone) gone_ = nullptr;
}

}  // namespace aigrid::io
