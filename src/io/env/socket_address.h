// SocketAddress: an Address as the kernel wants it. Literals only: "1.2.3.4:80", "[::1]:80", "unix:/path". Plain value.
#pragma once

#include <sys/socket.h>

#include "base/result.h"
#include "io/env/env.h"

namespace aigrid::io {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

Result<SocketAddress> parse_address(const Address& text);
Address to_address(const SocketAddress& address);
// Of this end or of the other; "unix:" for an unnamed one.
Address local_address(int fd);
Address remote_address(int fd);

}  // namespace aigrid::io
