#include "format/inner/grant.h"

#include "base/crypto/hash.h"

namespace aigrid::inner {
namespace {

constexpr std::size_t kNumber = 8;
constexpr std::size_t kSize = 2 * kNumber + 32;
constexpr std::string_view kPurpose = "aigrid grant 1";

Error denied(std::string message) {
  return {Code::PermissionDenied, Origin::Upstream, Retry::Elsewhere, std::move(message)};
}

void put(std::string& out, std::uint64_t n) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(n >> shift & 0xffU));
}

std::uint64_t take(std::string_view bytes) {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < kNumber; ++i) n = n << 8U | static_cast<unsigned char>(bytes[i]);
  return n;
}

// Every part with its length before it, so that no two asks give the same bytes.
void put(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

void put(std::string& out, const std::vector<std::string>& list) {
  put(out, static_cast<std::uint64_t>(list.size()));
  for (const auto& text : list) put(out, std::string_view(text));
}

std::string mac(const Ask& ask, std::string_view key, std::string_view terms) {
  std::string message(kPurpose);
  message += terms;
  for (const std::string* text : {&ask.request_id, &ask.tenant, &ask.project, &ask.key_id, &ask.model, &ask.deployment,
                                  &ask.site, &ask.node, &ask.ingress_site}) {
    put(message, std::string_view(*text));
  }
  put(message, static_cast<std::uint64_t>(ask.attempt));
  put(message, static_cast<std::uint64_t>(ask.data_level));
  put(message, ask.regimes);
  put(message, ask.zones);
  return crypto::bytes(crypto::hmac_sha256(key, message));
}

}  // namespace

std::string issue_grant(const Ask& ask, std::string_view key, const GrantTerms& terms) {
  std::string out;
  put(out, terms.expires_ms);
  put(out, terms.bundle_version);
  return out + mac(ask, key, out);
}

Result<GrantTerms> open_grant(const Ask& ask, std::string_view key) {
  if (ask.grant.empty()) return denied("the attempt has no grant");
  if (ask.grant.size() != kSize) {
    return denied("the grant has " + std::to_string(ask.grant.size()) + " bytes, not " + std::to_string(kSize));
  }
  const std::string_view grant(ask.grant);
  if (key.empty() ||
      !crypto::constant_time_equal(grant.substr(2 * kNumber), mac(ask, key, grant.substr(0, 2 * kNumber)))) {
    return denied("the grant was not issued for this attempt on this connection");
  }
  return GrantTerms{take(grant), take(grant.substr(kNumber))};
}

}  // namespace aigrid::inner
