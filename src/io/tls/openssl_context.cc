#include "io/tls/openssl_context.h"

#include <openssl/err.h>

#include <algorithm>

#ifdef AIGRID_TEST_KEYLOG
#include "io/tls/key_log.h"
#endif

namespace aigrid::io {
namespace {

using x509::Cert;

constexpr int kVerifyDepth = 4;
constexpr std::size_t kMaxRoots = 64;

struct CertStack {
  STACK_OF(X509) * list = sk_X509_new_null();
  CertStack() = default;
  CertStack(const CertStack&) = delete;
  CertStack& operator=(const CertStack&) = delete;
  ~CertStack() { sk_X509_free(list); }
};

std::string describe(X509_STORE_CTX* store) {
  X509* cert = X509_STORE_CTX_get_current_cert(store);
  const auto id = cert == nullptr ? Result<std::string>(std::string()) : x509::identity(cert);
  const std::string of = id.ok() && !id->empty() ? " of " + *id : std::string();
  return "certificate" + of + ": " + X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
}

// The pinned root must be among the certificates the peer sent; it then is the only one trusted.
X509* find_pinned(X509_STORE_CTX* store, const std::string& pin) {
  STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    X509* cert = sk_X509_value(sent, i);
    if (X509_check_ca(cert) == 1 && X509_self_signed(cert, 1) == 1 && x509::key_hash(cert) == pin) return cert;
  }
  return nullptr;
}

int refuse(X509_STORE_CTX* store, Negotiation& negotiation, std::string why) {
  negotiation.failure = std::move(why);
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
  return 0;
}

int verify_peer(X509_STORE_CTX* store, void*) {
  const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* negotiation = static_cast<Negotiation*>(SSL_get_app_data(ssl));
  if (negotiation == nullptr) return 0;
  Negotiation& n = *negotiation;
  const CertStack pinned;
  if (!n.pinned_root.empty()) {
    X509* root = find_pinned(store, n.pinned_root);
    if (root == nullptr) return refuse(store, n, "its chain does not hold the pinned root: not the grid of this token");
    if (sk_X509_push(pinned.list, root) == 0) return 0;
    X509_STORE_CTX_set0_trusted_stack(store, pinned.list);
  }
  if (X509_verify_cert(store) != 1) {
    n.failure = describe(store);
    return 0;
  }
  if (n.by_host) return 1;
  const auto text = x509::identity(X509_STORE_CTX_get0_cert(store));
  if (!text.ok()) return refuse(store, n, text.error().message);
  const auto id = Spiffe::parse(*text);
  if (!id.ok()) return refuse(store, n, text->empty() ? "its certificate holds no identity" : id.error().message);
  if (n.expect && !n.expect(*id)) return refuse(store, n, "it is " + *text + ", which is not allowed here");
  n.identity = *text;
  return 1;
}

int pick_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
              unsigned int offered_length, void*) {
  const auto* n = static_cast<const Negotiation*>(SSL_get_app_data(ssl));
  if (n == nullptr || n->alpn.empty()) return SSL_TLSEXT_ERR_NOACK;
  const std::string_view list(reinterpret_cast<const char*>(offered), offered_length);
  for (const std::string& ours : n->alpn) {
    for (std::size_t at = 0; at < list.size();) {
      const auto length = static_cast<unsigned char>(list[at]);
      if (list.substr(at + 1, length) == ours) {
        *out = offered + at + 1;
        *out_length = length;
        return SSL_TLSEXT_ERR_OK;
      }
      at += 1U + length;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

Error failed(const std::string& what) { return internal("tls context: " + what + ": " + x509::openssl_reason()); }

Result<void> verify_own(SSL_CTX* context, X509* leaf, const std::vector<Cert>& chain) {
  const CertStack between;
  for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(between.list, chain[i].get());
  const std::unique_ptr<X509_STORE_CTX, x509::Freer<&X509_STORE_CTX_free>> store(X509_STORE_CTX_new());
  if (!store || X509_STORE_CTX_init(store.get(), SSL_CTX_get_cert_store(context), leaf, between.list) != 1) {
    return failed("verification");
  }
  X509_STORE_CTX_set_flags(store.get(), X509_V_FLAG_NO_CHECK_TIME);
  if (X509_verify_cert(store.get()) == 1) return {};
  Error error = invalid("own " + describe(store.get()) + "; the chain and the roots are not of one grid");
  ERR_clear_error();
  return error;
}

}  // namespace

Result<std::string> alpn_wire(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) return invalid("alpn: a name has 1 to 255 bytes");
    out.push_back(static_cast<char>(name.size()));
    out += name;
  }
  return out;
}

Result<void> OpenSslContext::set_defaults() {
  SSL_CTX* c = context_.get();
  if (c == nullptr || SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1 ||
      SSL_CTX_set1_groups_list(c, "X25519:P-256") != 1 || SSL_CTX_set_num_tickets(c, 0) != 1) {
    return failed("settings");
  }
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  // The chain sent is exactly the one given; idle connections give their buffers back.
  SSL_CTX_set_mode(c, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(c, 1);
  SSL_CTX_set_verify_depth(c, kVerifyDepth);
  SSL_CTX_set_cert_verify_callback(c, &verify_peer, nullptr);
  SSL_CTX_set_alpn_select_cb(c, &pick_alpn, nullptr);
#ifdef AIGRID_TEST_KEYLOG
  log_keys(c);
#endif
  return {};
}

Result<void> OpenSslContext::add_roots(const std::vector<std::string>& roots) {
  if (roots.size() > kMaxRoots) return invalid("tls context: more than 64 roots");
  for (const std::string& text : roots) {
    AIGRID_TRY(const std::vector<Cert> certs, x509::read_certs(text, "root certificate"));
    for (const Cert& cert : certs) {
      if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), cert.get()) != 1) return failed("root");
    }
    has_roots_ = true;
  }
  return {};
}

Result<void> OpenSslContext::use_chain(const Credentials& credentials, Purpose purpose) {
  AIGRID_TRY(const std::vector<Cert> chain, x509::read_certs(credentials.chain, "certificate chain"));
  AIGRID_TRY(const x509::Key key, x509::read_key(credentials.key));
  X509* leaf = chain.front().get();
  if (X509_check_private_key(leaf, key.get()) != 1) {
    ERR_clear_error();
    return invalid(
        "tls context: the private key does not belong to the certificate; they were replaced one without "
        "the other");
  }
  if (purpose == Purpose::Grid) {
    AIGRID_TRY(const std::string id, x509::identity(leaf));
    AIGRID_CHECK_OK(Spiffe::parse(id));
    if (has_roots_) AIGRID_CHECK_OK(verify_own(context_.get(), leaf, chain));
  }
  SSL_CTX* c = context_.get();
  if (SSL_CTX_use_certificate(c, leaf) != 1 || SSL_CTX_use_PrivateKey(c, key.get()) != 1) {
    return invalid("tls context: certificate not usable: " + x509::openssl_reason());
  }
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(c, chain[i].get()) != 1) return failed("chain");
  }
  has_certificate_ = true;
  return {};
}

Result<std::shared_ptr<const TlsContext>> OpenSslContext::make(const Credentials& credentials, Purpose purpose) {
  if (credentials.key.empty() != credentials.chain.empty()) {
    return invalid("tls context: a private key and a certificate chain go together, one of them is missing");
  }
  std::shared_ptr<OpenSslContext> out(new OpenSslContext);
  out->context_.reset(SSL_CTX_new(TLS_method()));
  AIGRID_CHECK_OK(out->set_defaults());
  AIGRID_CHECK_OK(out->add_roots(credentials.roots));
  if (!credentials.key.empty()) AIGRID_CHECK_OK(out->use_chain(credentials, purpose));
  return std::shared_ptr<const TlsContext>(std::move(out));
}

}  // namespace aigrid::io
