// Keys: makes private keys, signing requests and certificates, for the joiner as for the certificate authority. Every
// string is opaque to callers: PEM from OpenSslKeys, a text of its own from VirtualKeys; only the two never mix.
// A certificate that issue() gives is a chain: the leaf first, then the authority's up to the root, so that a joiner
// can hold the root against its pin. Thread contract: one worker. Times are wall times; certificates keep whole
// seconds. Errors: InvalidArgument for what others sent or wrote, with the rule it breaks.
#pragma once

#include <string>

#include "base/result.h"
#include "base/spiffe.h"
#include "base/time.h"

namespace aigrid::io {

// A checked signing request.
struct Csr {
  std::string id;        // asked for, spiffe://…; the authority decides what it grants
  std::string key_hash;  // SHA-256 of the public key (SubjectPublicKeyInfo), 32 bytes
};

struct Certificate {
  std::string id;  // spiffe://<grid>/<role>/<site>/<id>; spiffe://<grid> on a root; empty where there is none
  WallTime not_before;
  WallTime not_after;
  std::string serial;    // hex
  std::string key_hash;  // as in Csr; of a root: the pin
  bool authority = false;
};

struct RootRequest {
  std::string grid;
  Duration lifetime{};
  WallTime now;
};

struct IssueRequest {
  std::string ca_cert;  // the authority's certificate or chain
  std::string ca_key;
  std::string csr;
  Spiffe id;            // what is granted, whatever the request asked for
  Duration lifetime{};  // cut to the authority's own end
  WallTime now;
};

// Certificates start this long before they are issued, for clocks that are behind: a host whose clock stepped back an
// hour (a time zone, a dead battery) still trusts its peers.
inline constexpr Duration kBackdate = 90min;

class Keys {
 public:
  virtual ~Keys() = default;
  virtual std::string new_key() = 0;
  virtual Result<std::string> make_csr(const std::string& key, const Spiffe& id) = 0;
  // Refuses a broken signature, a weak key, a request for a CA, more or other names than one identity.
  virtual Result<Csr> check_csr(const std::string& csr) = 0;
  virtual Result<std::string> make_root(const RootRequest& request, const std::string& key) = 0;
  virtual Result<std::string> issue(const IssueRequest& request) = 0;
  // Of a chain: its first certificate.
  virtual Result<Certificate> inspect(const std::string& cert) = 0;
  virtual Result<std::string> spki_hash(const std::string& cert) = 0;
};

}  // namespace aigrid::io
