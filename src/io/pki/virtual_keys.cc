#include "io/pki/virtual_keys.h"

#include <algorithm>
#include <array>

#include "base/crypto/ed25519.h"
#include "base/crypto/encode.h"
#include "base/crypto/hash.h"
#include "io/pki/virtual_cert.h"

namespace aigrid::io {
namespace {

constexpr std::string_view kCsrTitle = "aigrid virtual request";

// Certificates keep whole seconds, as X.509 does.
WallTime whole_seconds(WallTime t) { return std::chrono::floor<std::chrono::seconds>(t); }

Result<crypto::SigningKey> signing_key(const std::string& text) {
  AIGRID_TRY(const std::string seed, parse_virtual_key(text));
  return crypto::SigningKey::from_seed(seed);
}

std::string csr_text(const std::string& id, const std::string& key) {
  return std::string(kCsrTitle) + "\nid=" + id + "\nkey=" + crypto::hex(key) + "\n";
}

struct Asked {
  std::string id;
  std::string key;
};

Result<Asked> read_csr(std::string_view text) {
  constexpr std::array<std::string_view, 3> kNames{"id", "key", "signature"};
  AIGRID_TRY(const std::vector<std::string> v, take_lines(text, kCsrTitle, kNames));
  if (!text.empty()) return invalid("certificate request: something follows it");
  Asked out;
  out.id = v[0];
  AIGRID_TRY(out.key, crypto::from_hex(v[1]));
  AIGRID_TRY(const std::string signature, crypto::from_hex(v[2]));
  if (!crypto::verify(out.key, csr_text(out.id, out.key), signature)) {
    return invalid("certificate request: the signature does not fit its key");
  }
  AIGRID_CHECK_OK(Spiffe::parse(out.id));
  return out;
}

}  // namespace

std::string VirtualKeys::random(std::size_t n) {
  std::string out(n, '\0');
  entropy_(out);
  return out;
}

std::string VirtualKeys::new_key() { return virtual_key_text(random(32)); }

Result<std::string> VirtualKeys::make_csr(const std::string& key_text, const Spiffe& id) {
  AIGRID_TRY(const std::string name, id.format());
  AIGRID_TRY(const crypto::SigningKey key, signing_key(key_text));
  const std::string text = csr_text(name, key.public_key());
  return text + "signature=" + crypto::hex(key.sign(text)) + "\n";
}

Result<Csr> VirtualKeys::check_csr(const std::string& csr) {
  AIGRID_TRY(Asked asked, read_csr(csr));
  return Csr{std::move(asked.id), crypto::bytes(crypto::sha256(asked.key))};
}

Result<std::string> VirtualKeys::make_root(const RootRequest& r, const std::string& key_text) {
  AIGRID_CHECK_OK(Spiffe{r.grid, Role::Control, "root", "root"}.format());
  if (r.lifetime <= Duration::zero()) return invalid("root certificate: the lifetime must be above zero");
  AIGRID_TRY(const crypto::SigningKey key, signing_key(key_text));
  VirtualCert cert;
  cert.id = "spiffe://" + r.grid;
  cert.key = key.public_key();
  cert.issuer = cert.key_hash();
  cert.serial = crypto::hex(random(16));
  cert.not_before = whole_seconds(r.now - kBackdate);
  cert.not_after = whole_seconds(r.now + r.lifetime);
  cert.authority = true;
  cert.signature = key.sign(cert.signed_text());
  return cert.text();
}

Result<std::string> VirtualKeys::issue(const IssueRequest& r) {
  if (r.lifetime <= Duration::zero()) return invalid("certificate: the lifetime must be above zero");
  AIGRID_TRY(const Asked asked, read_csr(r.csr));
  AIGRID_TRY(const std::vector<VirtualCert> authority, parse_virtual_chain(r.ca_cert));
  AIGRID_TRY(const crypto::SigningKey key, signing_key(r.ca_key));
  const VirtualCert& ca = authority.front();
  if (ca.key != key.public_key()) return invalid("authority certificate: the key given is not its key");
  VirtualCert cert;
  AIGRID_TRY(cert.id, r.id.format());
  cert.key = asked.key;
  cert.issuer = ca.key_hash();
  cert.serial = crypto::hex(random(16));
  cert.not_before = whole_seconds(r.now - kBackdate);
  cert.not_after = std::min(whole_seconds(r.now + r.lifetime), ca.not_after);
  if (cert.not_after <= r.now) {
    return invalid("authority certificate: has expired; make a new root before issuing");
  }
  cert.signature = key.sign(cert.signed_text());
  return cert.text() + r.ca_cert;
}

Result<Certificate> VirtualKeys::inspect(const std::string& text) {
  AIGRID_TRY(const std::vector<VirtualCert> chain, parse_virtual_chain(text));
  const VirtualCert& c = chain.front();
  return Certificate{c.id, c.not_before, c.not_after, c.serial, c.key_hash(), c.authority};
}

Result<std::string> VirtualKeys::spki_hash(const std::string& cert) {
  AIGRID_TRY(const std::vector<VirtualCert> chain, parse_virtual_chain(cert));
  return chain.front().key_hash();
}

}  // namespace aigrid::io
