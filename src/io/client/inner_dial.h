// Dials a member of the grid: connection, TLS with our certificate, the ALPN that fixes who asks, and a check of who
// answered. What comes back is an HTTP/2 connection ready for use.
// Thread contract: one worker. Errors: Unavailable, DeadlineExceeded; PermissionDenied where the peer is not who it
// must be.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/spiffe.h"
#include "io/env/env.h"
#include "io/http/h2_connection.h"

namespace aigrid::io {

class TlsContext;

inline constexpr const char* kAlpnAsk = "aigrid/1";      // the dialler asks, the acceptor answers
inline constexpr const char* kAlpnServe = "aigrid/1-r";  // the dialler answers

// A gateway's connections belong to one of its workers each; the dialler says to which with the ALPN: `aigrid/1~2` is
// `aigrid/1` with worker 2.
std::string alpn_for(std::string_view alpn, std::uint32_t worker);
struct InnerAlpn {
  std::string alpn;  // kAlpnAsk or kAlpnServe; empty: another
  std::uint32_t worker = 0;
};
InnerAlpn parse_alpn(std::string_view text);

struct InnerDial {
  Address to;
  std::string alpn = kAlpnAsk;
  std::uint32_t worker = 0;  // of a gateway that has several
  std::string grid;          // the peer's must be the same
  std::optional<Role> role;  // the peer's; nullopt: control or gateway
  std::string site;          // the peer's; empty: any
  Duration within = 5s;      // for all of it
  ServeStream serve;         // kAlpnServe: answers what the peer asks
  H2Options h2;
};

Task<Result<std::unique_ptr<H2Connection>>> dial_inner(Env& env, std::shared_ptr<const TlsContext> tls, InnerDial what);
// The same over a stream that is there; `what.to` is only for messages.
Task<Result<std::unique_ptr<H2Connection>>> secure_inner(Env& env, std::shared_ptr<const TlsContext> tls,
                                                         std::unique_ptr<Stream> raw, InnerDial what);

// Is `identity` (a spiffe text, perhaps empty) one that `what` accepts?
Result<Spiffe> accept_peer(const InnerDial& what, const std::string& identity);

}  // namespace aigrid::io
