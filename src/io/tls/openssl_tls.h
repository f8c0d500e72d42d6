// OpenSslTls: Tls with OpenSSL: TLS 1.3 only, X25519 and P-256, AES-128-GCM first, no tickets, no resumption (a check
// of the certificate is never skipped), no renegotiation, no early data. Certificates are judged at Env::wall().
// Lifetime: made by and for one worker's Env; destroy it after its streams and before that Env's loop and executor.
#pragma once

#include "io/tls/lingering.h"
#include "io/tls/openssl_stream.h"
#include "io/tls/tls.h"

namespace aigrid::io {

class OpenSslTls final : public Tls {
 public:
  Result<std::shared_ptr<const TlsContext>> make_context(const Credentials& credentials, Purpose purpose) override;
  Task<Result<std::unique_ptr<Stream>>> connect(Env& env, std::unique_ptr<Stream> raw, ClientTls options) override;
  Task<Result<std::unique_ptr<Stream>>> accept(Env& env, std::unique_ptr<Stream> raw, ServerTls options) override;

  // A stream of another worker's.
  std::unique_ptr<Stream> move_in(Env& env, OpenSslStream::Moved moved);

 private:
  Lingering lingering_;
};

}  // namespace aigrid::io
