// VirtualKeys: Keys for the virtual world, without X.509 (see virtual_cert.h). All randomness comes from `entropy`, so
// a seed repeats every key and serial. Same checks and messages as OpenSslKeys where they can apply.
#pragma once

#include <functional>
#include <span>

#include "io/pki/keys.h"

namespace aigrid::io {

class VirtualKeys final : public Keys {
 public:
  using Entropy = std::function<void(std::span<char>)>;
  explicit VirtualKeys(Entropy entropy) : entropy_(std::move(entropy)) {}

  std::string new_key() override;
  Result<std::string> make_csr(const std::string& key, const Spiffe& id) override;
  Result<Csr> check_csr(const std::string& csr) override;
  Result<std::string> make_root(const RootRequest& request, const std::string& key) override;
  Result<std::string> issue(const IssueRequest& request) override;
  Result<Certificate> inspect(const std::string& cert) override;
  Result<std::string> spki_hash(const std::string& cert) override;

 private:
  std::string random(std::size_t n);
  Entropy entropy_;
};

}  // namespace aigrid::io
