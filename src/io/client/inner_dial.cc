#include "io/client/inner_dial.h"

#include <algorithm>
#include <charconv>

#include "io/tls/tls.h"

namespace aigrid::io {

namespace {

constexpr char kWorkerMark = '~';

}  // namespace

std::string alpn_for(std::string_view alpn, std::uint32_t worker) {
  return worker == 0 ? std::string(alpn) : std::string(alpn) + kWorkerMark + std::to_string(worker);
}

InnerAlpn parse_alpn(std::string_view text) {
  const auto mark = text.find(kWorkerMark);
  InnerAlpn out{std::string(text.substr(0, mark)), 0};
  if (mark != std::string_view::npos) {
    const std::string_view number = text.substr(mark + 1);
    const auto read = std::from_chars(number.data(), number.data() + number.size(), out.worker);
    if (read.ec != std::errc() || read.ptr != number.data() + number.size() || out.worker == 0) out.alpn.clear();
  }
  if (out.alpn != kAlpnAsk && out.alpn != kAlpnServe) out.alpn.clear();
  return out;
}

Result<Spiffe> accept_peer(const InnerDial& what, const std::string& identity) {
  AIGRID_TRY(Spiffe peer, Spiffe::parse(identity));
  const bool role_fits = what.role ? peer.role == *what.role : peer.role == Role::Control || peer.role == Role::Gateway;
  const bool fits =
      role_fits && (what.grid.empty() || peer.grid == what.grid) && (what.site.empty() || peer.site == what.site);
  if (fits) return peer;
  return Error{Code::PermissionDenied, Origin::Upstream, Retry::Elsewhere,
               what.to + " is " + identity + ", not " +
                   (what.role ? std::string(to_string(*what.role)) : "control or a gateway") +
                   (what.site.empty() ? "" : " of site " + what.site) + " of grid " + what.grid +
                   ": check the address"};
}

Task<Result<std::unique_ptr<H2Connection>>> dial_inner(Env& env, std::shared_ptr<const TlsContext> tls,
                                                       InnerDial what) {
  const Time deadline = env.now() + what.within;
  auto raw = co_await env.dial(what.to, what.within);
  if (!raw.ok()) co_return std::move(raw).error();
  what.within = std::max(Duration{}, deadline - env.now());
  co_return co_await secure_inner(env, std::move(tls), std::move(*raw), std::move(what));
}

Task<Result<std::unique_ptr<H2Connection>>> secure_inner(Env& env, std::shared_ptr<const TlsContext> tls,
                                                         std::unique_ptr<Stream> raw, InnerDial what) {
  Stream* under = raw.get();
  bool late = false;
  auto alarm = env.timer([&late, under] {
    late = true;
    under->close();
  });
  alarm->arm(env.now() + what.within);
  ClientTls options{std::move(tls), {}, {alpn_for(what.alpn, what.worker)}, {}, {}};
  auto secured = co_await env.tls().connect(env, std::move(raw), std::move(options));
  alarm->cancel();
  if (!secured.ok()) {
    if (late) {
      co_return Error{Code::DeadlineExceeded, Origin::Upstream, Retry::Elsewhere,
                      what.to + ": TLS handshake took too long"};
    }
    co_return std::move(secured).error();
  }
  auto peer = accept_peer(what, (*secured)->peer().identity);
  if (!peer.ok()) co_return std::move(peer).error();
  const auto role = what.alpn == kAlpnAsk ? http::H2Role::Requester : http::H2Role::Server;
  co_return std::make_unique<H2Connection>(env, std::move(*secured), role, std::move(what.serve), what.h2);
}

}  // namespace aigrid::io
