// VirtualTls: Tls for the virtual world: signed hellos with the certificates of io/pki/virtual_cert.h, then the plain
// bytes. It asks, checks and refuses at the same moments as OpenSslTls (roots, pin, times, identity, client
// certificate, ALPN; the server's refusal of a client shows at the client's first read). No encryption, and the end of
// the raw stream is the end. Thread contract: one worker. Deterministic: nonces come from Env::entropy.
#pragma once

#include "io/tls/tls.h"

namespace aigrid::io {

class VirtualTls final : public Tls {
 public:
  Result<std::shared_ptr<const TlsContext>> make_context(const Credentials& credentials, Purpose purpose) override;
  Task<Result<std::unique_ptr<Stream>>> connect(Env& env, std::unique_ptr<Stream> raw, ClientTls options) override;
  Task<Result<std::unique_ptr<Stream>>> accept(Env& env, std::unique_ptr<Stream> raw, ServerTls options) override;
};

}  // namespace aigrid::io
