// Reading PEM and X.509 with bounds: shared by io/pki and io/tls, for nobody else. Pure; any thread.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace aigrid::io::x509 {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Cert = std::unique_ptr<X509, Freer<&X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<&EVP_PKEY_free>>;
using Request = std::unique_ptr<X509_REQ, Freer<&X509_REQ_free>>;
using Bio = std::unique_ptr<BIO, Freer<&BIO_free_all>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freer<&GENERAL_NAMES_free>>;

inline constexpr std::size_t kMaxPemBytes = 256 * 1024;
inline constexpr std::size_t kMaxCerts = 16;  // in one PEM text

// The newest OpenSSL error in words; clears the queue.
std::string openssl_reason();

// At least one certificate. `what` begins the error message ("certificate chain").
Result<std::vector<Cert>> read_certs(std::string_view pem, std::string_view what);
Result<Key> read_key(std::string_view pem);
Bio read_bio(std::string_view bytes);
std::string to_text(BIO* bio);

// SHA-256 of the SubjectPublicKeyInfo, 32 bytes.
std::string key_hash(X509* cert);
std::string key_hash(X509_PUBKEY* key);
// The only URI among the names, which must hold nothing else; empty where `names` is null.
Result<std::string> only_uri(const GENERAL_NAMES* names);
// The identity of a certificate: its only URI, or empty where it has no URI (a public web certificate).
Result<std::string> identity(X509* cert);
WallTime to_wall(const ASN1_TIME* time);

}  // namespace aigrid::io::x509
