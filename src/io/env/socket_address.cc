#include "io/env/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace aigrid::io {
namespace {

Error bad(const Address& text) {
  return invalid("address \"" + text +
                 "\" is not one: write 127.0.0.1:8080, [::1]:8080 or unix:/path (names are not resolved)");
}

Result<SocketAddress> parse_unix(const Address& text, std::string_view path) {
  SocketAddress out;
  auto* un = reinterpret_cast<sockaddr_un*>(&out.storage);
  if (path.empty()) return bad(text);
  if (path.size() >= sizeof(un->sun_path)) {
    return invalid("socket path \"" + std::string(path) + "\" is longer than " +
                   std::to_string(sizeof(un->sun_path) - 1) + " bytes: use a shorter one");
  }
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, path.data(), path.size());
  out.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return out;
}

}  // namespace

Result<SocketAddress> parse_address(const Address& text) {
  constexpr std::string_view kUnix = "unix:";
  std::string_view rest = text;
  if (rest.starts_with(kUnix)) return parse_unix(text, rest.substr(kUnix.size()));
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return bad(text);
  const std::string_view digits = rest.substr(colon + 1);
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) return bad(text);
  std::string host(rest.substr(0, colon));
  SocketAddress out;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    out.length = sizeof(*in6);
    if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &in6->sin6_addr) != 1) return bad(text);
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    out.length = sizeof(*in);
    if (::inet_pton(AF_INET, host.c_str(), &in->sin_addr) != 1) return bad(text);
  }
  return out;
}

Address to_address(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address.storage);
    ::inet_ntop(AF_INET, &in->sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(in->sin_port));
  }
  if (address.family() == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    ::inet_ntop(AF_INET6, &in6->sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(in6->sin6_port));
  }
  const auto* un = reinterpret_cast<const sockaddr_un*>(&address.storage);
  const std::size_t prefix = offsetof(sockaddr_un, sun_path);
  const std::size_t room = address.length > prefix ? address.length - prefix : 0;
  return "unix:" + std::string(un->sun_path, ::strnlen(un->sun_path, room));
}

Address local_address(int fd) {
  SocketAddress out;
  out.length = sizeof(out.storage);
  if (::getsockname(fd, out.get(), &out.length) != 0) return {};
  return to_address(out);
}

Address remote_address(int fd) {
  SocketAddress out;
  out.length = sizeof(out.storage);
  if (::getpeername(fd, out.get(), &out.length) != 0) return {};
  return to_address(out);
}

}  // namespace aigrid::io
