#include "io/pki/openssl_keys.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>
#include <cstdlib>

#include "base/crypto/encode.h"
#include "io/pki/x509.h"

namespace aigrid::io {
namespace {

using x509::Bio;
using x509::Cert;
using x509::Key;

Bio memory() { return Bio(BIO_new(BIO_s_mem())); }

std::string to_pem(X509* cert) {
  const Bio bio = memory();
  if (PEM_write_bio_X509(bio.get(), cert) != 1) return {};
  return x509::to_text(bio.get());
}

Error failed(const std::string& what) { return internal(what + ": openssl failed (" + x509::openssl_reason() + ")"); }

// The text is built from checked parts only (Spiffe, constants): OpenSSL reads commas and colons in it as syntax.
bool add_extension(X509* cert, X509* issuer, int nid, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str());
  const bool good = extension != nullptr && X509_add_ext(cert, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return good;
}

bool set_serial(X509* cert) {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) return false;
  random[0] = static_cast<unsigned char>((random[0] & 0x7fU) | 0x40U);  // positive, and always 16 bytes
  const std::unique_ptr<BIGNUM, x509::Freer<&BN_free>> number(
      BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert)) != nullptr;
}

bool set_times(X509* cert, WallTime from, WallTime to) {
  return ASN1_TIME_set(X509_getm_notBefore(cert), unix_seconds(from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(cert), unix_seconds(to)) != nullptr;
}

Result<void> check_key_kind(EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t length = 0;
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
      EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) == 1) {
    const std::string_view name(group.data(), length);
    if (name == "prime256v1" || name == "P-256") return {};
    return invalid("certificate request: curve " + std::string(name) + ", only P-256 is taken");
  }
  const char* type = EVP_PKEY_get0_type_name(key);
  return invalid("certificate request: a key of type " + std::string(type == nullptr ? "unknown" : type) +
                 ", only EC P-256 is taken");
}

struct Extensions {
  STACK_OF(X509_EXTENSION) * list;
  explicit Extensions(STACK_OF(X509_EXTENSION) * l) : list(l) {}
  Extensions(const Extensions&) = delete;
  Extensions& operator=(const Extensions&) = delete;
  ~Extensions() { sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free); }
};

Result<std::string> requested_id(X509_REQ* request) {
  const Extensions extensions(X509_REQ_get_extensions(request));
  const int count = extensions.list == nullptr ? 0 : sk_X509_EXTENSION_num(extensions.list);
  for (int i = 0; i < count; ++i) {
    X509_EXTENSION* extension = sk_X509_EXTENSION_value(extensions.list, i);
    const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
    if (nid == NID_subject_alt_name) continue;
    if (nid == NID_basic_constraints) {
      return invalid("certificate request: asks for basic constraints (CA), which only the authority sets");
    }
    const char* name = OBJ_nid2sn(nid);
    return invalid("certificate request: asks for extension " + std::string(name == nullptr ? "unknown" : name) +
                   ", only one subject alternative name is allowed");
  }
  if (count != 1) return invalid("certificate request: needs exactly one subject alternative name");
  const x509::Names names(static_cast<GENERAL_NAMES*>(X509V3_EXT_d2i(sk_X509_EXTENSION_value(extensions.list, 0))));
  if (!names) {
    ERR_clear_error();
    return invalid("certificate request: broken subject alternative name");
  }
  auto uri = x509::only_uri(names.get());
  if (!uri.ok()) return invalid("certificate request: " + uri.error().message);
  AIGRID_CHECK_OK(Spiffe::parse(*uri));
  return uri;
}

Result<x509::Request> read_csr(const std::string& pem) {
  if (pem.size() > 16 * 1024) return invalid("certificate request: more than 16 KiB");
  const Bio bio = x509::read_bio(pem);
  x509::Request request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  const std::string reason = x509::openssl_reason();
  if (!request) return invalid("certificate request: not in PEM (" + reason + ")");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr) {
    return invalid("certificate request: unreadable public key (" + x509::openssl_reason() + ")");
  }
  AIGRID_CHECK_OK(check_key_kind(key));
  if (X509_REQ_verify(request.get(), key) != 1) {
    ERR_clear_error();
    return invalid("certificate request: the signature does not fit its key");
  }
  return request;
}

}  // namespace

std::string OpenSslKeys::new_key() {
  const Key key(EVP_EC_gen("P-256"));
  const Bio bio = memory();
  if (!key || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    std::abort();  // no memory or no randomness: nothing a caller could do
  }
  return x509::to_text(bio.get());
}

Result<std::string> OpenSslKeys::make_csr(const std::string& key_text, const Spiffe& id) {
  AIGRID_TRY(const std::string uri, id.format());
  AIGRID_TRY(const Key key, x509::read_key(key_text));
  const x509::Request request(X509_REQ_new());
  const Extensions extensions(sk_X509_EXTENSION_new_null());
  X509_EXTENSION* name = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("critical,URI:" + uri).c_str());
  if (name == nullptr || sk_X509_EXTENSION_push(extensions.list, name) == 0) {
    X509_EXTENSION_free(name);
    return failed("certificate request");
  }
  const Bio bio = memory();
  if (X509_REQ_set_version(request.get(), 0) != 1 || X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_add_extensions(request.get(), extensions.list) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0 ||
      PEM_write_bio_X509_REQ(bio.get(), request.get()) != 1) {
    return failed("certificate request");
  }
  return x509::to_text(bio.get());
}

Result<Csr> OpenSslKeys::check_csr(const std::string& csr) {
  AIGRID_TRY(const x509::Request request, read_csr(csr));
  AIGRID_TRY(std::string id, requested_id(request.get()));
  return Csr{std::move(id), x509::key_hash(X509_REQ_get_X509_PUBKEY(request.get()))};
}

Result<std::string> OpenSslKeys::make_root(const RootRequest& r, const std::string& key_text) {
  AIGRID_CHECK_OK(Spiffe{r.grid, Role::Control, "root", "root"}.format());
  if (r.lifetime <= Duration::zero()) return invalid("root certificate: the lifetime must be above zero");
  AIGRID_TRY(const Key key, x509::read_key(key_text));
  const Cert cert(X509_new());
  X509_NAME* subject = X509_get_subject_name(cert.get());
  const std::string name = "aigrid root of " + r.grid;
  const auto* name_bytes = reinterpret_cast<const unsigned char*>(name.data());
  const int name_length = static_cast<int>(std::min<std::size_t>(name.size(), 64));  // the bound of a common name
  X509* c = cert.get();
  if (X509_set_version(c, X509_VERSION_3) != 1 || !set_serial(c) ||
      !set_times(c, r.now - kBackdate, r.now + r.lifetime) ||
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name_bytes, name_length, -1, 0) != 1 ||
      X509_set_issuer_name(c, subject) != 1 || X509_set_pubkey(c, key.get()) != 1 ||
      !add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(c, c, NID_subject_alt_name, "URI:spiffe://" + r.grid) ||
      !add_extension(c, c, NID_subject_key_identifier, "hash") || X509_sign(c, key.get(), EVP_sha256()) <= 0) {
    return failed("root certificate");
  }
  return to_pem(c);
}

Result<std::string> OpenSslKeys::issue(const IssueRequest& r) {
  AIGRID_TRY(const std::string uri, r.id.format());
  if (r.lifetime <= Duration::zero()) return invalid("certificate: the lifetime must be above zero");
  AIGRID_TRY(const x509::Request request, read_csr(r.csr));
  AIGRID_CHECK_OK(requested_id(request.get()));
  AIGRID_TRY(const std::vector<Cert> authority, x509::read_certs(r.ca_cert, "authority certificate"));
  AIGRID_TRY(const Key ca_key, x509::read_key(r.ca_key));
  X509* ca = authority.front().get();
  if (X509_check_private_key(ca, ca_key.get()) != 1) {
    ERR_clear_error();
    return invalid("authority certificate: the key given is not its key");
  }
  const WallTime end = std::min(r.now + r.lifetime, x509::to_wall(X509_get0_notAfter(ca)));
  if (end <= r.now) return invalid("authority certificate: has expired; make a new root before issuing");
  const Cert cert(X509_new());
  X509* c = cert.get();
  if (X509_set_version(c, X509_VERSION_3) != 1 || !set_serial(c) || !set_times(c, r.now - kBackdate, end) ||
      X509_set_issuer_name(c, X509_get_subject_name(ca)) != 1 ||
      X509_set_pubkey(c, X509_REQ_get0_pubkey(request.get())) != 1 ||
      !add_extension(c, ca, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(c, ca, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(c, ca, NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(c, ca, NID_subject_alt_name, "critical,URI:" + uri) ||
      !add_extension(c, ca, NID_subject_key_identifier, "hash") ||
      !add_extension(c, ca, NID_authority_key_identifier, "keyid:always") ||
      X509_sign(c, ca_key.get(), EVP_sha256()) <= 0) {
    return failed("certificate");
  }
  std::string chain = to_pem(c);
  for (const Cert& above : authority) chain += to_pem(above.get());
  return chain;
}

Result<Certificate> OpenSslKeys::inspect(const std::string& text) {
  AIGRID_TRY(const std::vector<Cert> certs, x509::read_certs(text, "certificate"));
  X509* cert = certs.front().get();
  Certificate out;
  AIGRID_TRY(out.id, x509::identity(cert));
  out.not_before = x509::to_wall(X509_get0_notBefore(cert));
  out.not_after = x509::to_wall(X509_get0_notAfter(cert));
  const ASN1_INTEGER* serial = X509_get0_serialNumber(cert);
  out.serial = crypto::hex({reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
                            static_cast<std::size_t>(ASN1_STRING_length(serial))});
  out.key_hash = x509::key_hash(cert);
  out.authority = X509_check_ca(cert) == 1;
  return out;
}

Result<std::string> OpenSslKeys::spki_hash(const std::string& cert) {
  AIGRID_TRY(const std::vector<Cert> certs, x509::read_certs(cert, "certificate"));
  return x509::key_hash(certs.front().get());
}

}  // namespace aigrid::io
