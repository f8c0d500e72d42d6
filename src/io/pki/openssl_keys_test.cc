// Hostile signing requests, made with OpenSSL itself.
#include "io/pki/openssl_keys.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "io/pki/x509.h"

namespace aigrid::io {
namespace {

using ::testing::HasSubstr;

struct Wanted {
  int nid;
  const char* text;
};

std::string request(EVP_PKEY* key, std::initializer_list<Wanted> wanted, EVP_PKEY* signer = nullptr) {
  const x509::Request req(X509_REQ_new());
  X509_REQ_set_pubkey(req.get(), key);
  STACK_OF(X509_EXTENSION)* list = sk_X509_EXTENSION_new_null();
  for (const auto& w : wanted) sk_X509_EXTENSION_push(list, X509V3_EXT_conf_nid(nullptr, nullptr, w.nid, w.text));
  X509_REQ_add_extensions(req.get(), list);
  sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
  EXPECT_GT(X509_REQ_sign(req.get(), signer == nullptr ? key : signer, EVP_sha256()), 0);
  const x509::Bio bio(BIO_new(BIO_s_mem()));
  EXPECT_EQ(PEM_write_bio_X509_REQ(bio.get(), req.get()), 1);
  return x509::to_text(bio.get());
}

std::string refusal(const std::string& csr) {
  OpenSslKeys keys;
  const auto checked = keys.check_csr(csr);
  return checked.ok() ? "accepted" : checked.error().message;
}

constexpr Wanted kName{NID_subject_alt_name, "URI:spiffe://g/agent/s/i"};

TEST(OpenSslKeys, HostileRequests) {
  const x509::Key p256(EVP_EC_gen("P-256"));
  const x509::Key other(EVP_EC_gen("P-256"));
  EXPECT_EQ(refusal(request(p256.get(), {kName})), "accepted");
  EXPECT_THAT(refusal(request(p256.get(), {kName, {NID_basic_constraints, "critical,CA:TRUE"}})), HasSubstr("(CA)"));
  EXPECT_THAT(refusal(request(p256.get(), {kName, {NID_key_usage, "keyCertSign"}})), HasSubstr("keyUsage"));
  EXPECT_THAT(refusal(request(p256.get(), {kName, kName})), HasSubstr("exactly one"));
  EXPECT_THAT(refusal(request(p256.get(), {})), HasSubstr("exactly one"));
  const auto with_names = [&](const char* names) {
    return refusal(request(p256.get(), {{NID_subject_alt_name, names}}));
  };
  EXPECT_THAT(with_names("URI:spiffe://g/agent/s/i,URI:spiffe://g/control/s/i"), HasSubstr("more than one"));
  EXPECT_THAT(with_names("URI:spiffe://g/agent/s/i,DNS:*.example"), HasSubstr("more than one"));
  EXPECT_THAT(with_names("DNS:example"), HasSubstr("not a URI"));
  EXPECT_THAT(with_names("URI:spiffe://g/agent/../i"), HasSubstr("1 to 63 characters"));
  EXPECT_THAT(with_names("URI:spiffe://g/agent/*/i"), HasSubstr("spiffe://"));
  EXPECT_THAT(with_names("URI:spiffe://g/agent/s/..%2fcontrol"), HasSubstr("spiffe://"));
  EXPECT_THAT(with_names("URI:spiffe://g/agent/s/i/more"), HasSubstr("spiffe://"));
  EXPECT_THAT(with_names("URI:https://g/agent/s/i"), HasSubstr("spiffe://"));
  EXPECT_THAT(refusal(request(p256.get(), {kName}, other.get())), HasSubstr("signature does not fit"));
}

TEST(OpenSslKeys, WeakKeys) {
  const x509::Key rsa(EVP_RSA_gen(1024));
  const x509::Key p224(EVP_EC_gen("P-224"));
  EXPECT_THAT(refusal(request(rsa.get(), {kName})), HasSubstr("type RSA"));
  EXPECT_THAT(refusal(request(p224.get(), {kName})), HasSubstr("secp224r1"));
}

TEST(OpenSslKeys, BoundsOnWhatItReads) {
  OpenSslKeys keys;
  const std::string key = keys.new_key();
  const std::string root = keys.make_root({"g", 1h, WallTime{} + 10h}, key).value();
  std::string many;
  for (int i = 0; i < 17; ++i) many += root;
  EXPECT_THAT(keys.inspect(many).error().message, HasSubstr("more than 16"));
  EXPECT_THAT(keys.inspect(root + root.substr(0, root.size() / 2)).error().message,
              HasSubstr("certificate 2 is broken"));
  EXPECT_THAT(keys.inspect(std::string(300'000, 'x')).error().message, HasSubstr("256 KiB"));
}

}  // namespace
}  // namespace aigrid::io
