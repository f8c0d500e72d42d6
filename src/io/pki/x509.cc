#include "io/pki/x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>

#include "base/crypto/hash.h"

namespace aigrid::io::x509 {

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

Bio read_bio(std::string_view bytes) { return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))); }

std::string to_text(BIO* bio) {
  char* start = nullptr;
  const long n = BIO_get_mem_data(bio, &start);
  return n > 0 ? std::string(start, static_cast<std::size_t>(n)) : std::string();
}

Result<std::vector<Cert>> read_certs(std::string_view pem, std::string_view what) {
  const std::string name(what);
  if (pem.size() > kMaxPemBytes)
    return invalid(name + ": " + std::to_string(pem.size()) + " bytes is more than 256 KiB");
  const Bio bio = read_bio(pem);
  std::vector<Cert> out;
  while (true) {
    Cert cert(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!cert) break;
    out.push_back(std::move(cert));
    if (out.size() > kMaxCerts) return invalid(name + ": more than " + std::to_string(kMaxCerts) + " certificates");
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_reason();
  if (!at_end) return invalid(name + ": certificate " + std::to_string(out.size() + 1) + " is broken (" + reason + ")");
  if (out.empty()) return invalid(name + ": no PEM certificate in it");
  return out;
}

Result<Key> read_key(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return invalid("private key: more than 256 KiB");
  const Bio bio = read_bio(pem);
  // No passphrase prompt: an encrypted key is an error, not a question on the terminal.
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr));
  const std::string reason = openssl_reason();
  if (!key) return invalid("private key: not an unencrypted PEM key (" + reason + ")");
  return key;
}

std::string key_hash(X509_PUBKEY* key) {
  unsigned char* der = nullptr;
  const int n = i2d_X509_PUBKEY(key, &der);
  if (n <= 0) return {};
  const std::string out =
      crypto::bytes(crypto::sha256({reinterpret_cast<const char*>(der), static_cast<std::size_t>(n)}));
  OPENSSL_free(der);
  return out;
}

std::string key_hash(X509* cert) { return key_hash(X509_get_X509_PUBKEY(cert)); }

Result<std::string> only_uri(const GENERAL_NAMES* names) {
  if (names == nullptr) return std::string();
  if (sk_GENERAL_NAME_num(names) != 1) return invalid("more than one subject alternative name");
  const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, 0);
  if (name->type != GEN_URI) return invalid("the subject alternative name is not a URI");
  const ASN1_IA5STRING* uri = name->d.uniformResourceIdentifier;
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                     static_cast<std::size_t>(ASN1_STRING_length(uri)));
}

Result<std::string> identity(X509* cert) {
  int critical = 0;
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, &critical, nullptr)));
  if (!names) {
    ERR_clear_error();
    if (critical != -1) return invalid("broken or repeated subject alternative names");
    return std::string();
  }
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    if (sk_GENERAL_NAME_value(names.get(), i)->type == GEN_URI) return only_uri(names.get());
  }
  return std::string();
}

WallTime to_wall(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return WallTime::min();
  return WallTime(std::chrono::seconds(timegm(&parts)));
}

}  // namespace aigrid::io::x509
