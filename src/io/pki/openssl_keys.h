// OpenSslKeys: Keys with P-256 ECDSA and X.509. A leaf has one URI SAN (its identity), client and server use, and no
// subject; a root signs leaves only (path length 0). Requests with RSA, other curves or any extension besides the one
// name are refused. Randomness is OpenSSL's own.
#pragma once

#include "io/pki/keys.h"

namespace aigrid::io {

class OpenSslKeys final : public Keys {
 public:
  std::string new_key() override;
  Result<std::string> make_csr(const std::string& key, const Spiffe& id) override;
  Result<Csr> check_csr(const std::string& csr) override;
  Result<std::string> make_root(const RootRequest& request, const std::string& key) override;
  Result<std::string> issue(const IssueRequest& request) override;
  Result<Certificate> inspect(const std::string& cert) override;
  Result<std::string> spki_hash(const std::string& cert) override;
};

}  // namespace aigrid::io
