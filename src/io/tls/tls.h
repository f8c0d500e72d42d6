// Tls: puts TLS 1.3 over any Stream, as dialler or as listener, and says who the other end is. Contexts (keys, roots)
// are built once, immutable and shared; to rotate, build a new one and use it for the next connections: old ones live
// on with what they were made with, and a context that does not build leaves the old one in use. Thread contract: one
// worker per Tls; a context may be used by any, but one per worker avoids OpenSSL's locks. Lifetime: the Tls outlives
// its streams (it finishes sending for those destroyed early). The Env passed outlives both. Errors: Unauthenticated
// (certificate or identity, either side's), DeadlineExceeded, Unavailable (peer gone, cut short, no common protocol),
// InvalidArgument (own credentials). Streams: the end without a close_notify is Unavailable.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/spiffe.h"
#include "io/env/env.h"

namespace aigrid::io {

inline constexpr Duration kHandshakeLimit = 10s;

// As io/pki made them. `key` and `chain` are both set or both empty (a client without a certificate).
struct Credentials {
  std::string key;
  std::string chain;               // leaf first
  std::vector<std::string> roots;  // each a certificate or several
};

// Grid: the chain must hold one identity and verify against the roots, where there are any (times are not looked at, so
// an expired one can be loaded). Web: for browsers and SDKs; any certificate, nothing but key and chain is checked.
enum class Purpose : std::uint8_t { Grid, Web };

class TlsContext {
 public:
  virtual ~TlsContext() = default;
};

using IdentityRule = std::function<bool(const Spiffe&)>;

// The client checks the server by, in this order: `host` (a web server: DNS name or IP of its certificate), else by its
// one identity, vouched for by the pinned root (join) or else by the context's roots, and `expect` where set.
struct ClientTls {
  std::shared_ptr<const TlsContext> context;
  IdentityRule expect;
  std::vector<std::string> alpn;  // offered, best first; if not empty, the server must pick one
  std::string pinned_root;        // 32 bytes, SHA-256 of the root's SPKI; the server sends that root in its chain
  std::string host;
};

enum class ClientCertificate : std::uint8_t { None, Optional, Required };

// A client that offers no ALPN at all is let in with peer().alpn empty; one that offers only others is refused.
struct ServerTls {
  std::shared_ptr<const TlsContext> context;
  std::vector<std::string> alpn;  // accepted, best first
  ClientCertificate client = ClientCertificate::Required;
  IdentityRule expect;  // of a client that shows a certificate
};

// Only this identity.
IdentityRule exactly(const Spiffe& id);

class Tls {
 public:
  virtual ~Tls() = default;
  virtual Result<std::shared_ptr<const TlsContext>> make_context(const Credentials& credentials, Purpose purpose) = 0;
  // A server's refusal of the client's certificate shows at the first read, not here: TLS 1.3 has no earlier moment.
  virtual Task<Result<std::unique_ptr<Stream>>> connect(Env& env, std::unique_ptr<Stream> raw, ClientTls options) = 0;
  virtual Task<Result<std::unique_ptr<Stream>>> accept(Env& env, std::unique_ptr<Stream> raw, ServerTls options) = 0;
};

}  // namespace aigrid::io
