// OpenSslContext: an immutable SSL_CTX from checked credentials, for both directions; Negotiation: what one handshake
// wants and what it found, reached from OpenSSL's callbacks while the handshake runs. For io/tls only.
#pragma once

#include <openssl/ssl.h>

#include "io/pki/x509.h"
#include "io/tls/tls.h"

namespace aigrid::io {

class OpenSslContext final : public TlsContext {
 public:
  static Result<std::shared_ptr<const TlsContext>> make(const Credentials& credentials, Purpose purpose);

  SSL_CTX* get() const { return context_.get(); }
  bool has_certificate() const { return has_certificate_; }
  bool has_roots() const { return has_roots_; }

 private:
  OpenSslContext() = default;
  Result<void> set_defaults();
  Result<void> add_roots(const std::vector<std::string>& roots);
  Result<void> use_chain(const Credentials& credentials, Purpose purpose);

  std::unique_ptr<SSL_CTX, x509::Freer<&SSL_CTX_free>> context_;
  bool has_certificate_ = false;
  bool has_roots_ = false;
};

struct Negotiation {
  IdentityRule expect;
  std::vector<std::string> alpn;
  std::string pinned_root;
  bool by_host = false;  // the name check is OpenSSL's own; no identity wanted

  std::string identity;  // out: of a verified peer
  std::string failure;   // out: why we refused
};

// Length-prefixed list, as ALPN wants it. InvalidArgument for an empty or too long name.
Result<std::string> alpn_wire(const std::vector<std::string>& names);

}  // namespace aigrid::io
