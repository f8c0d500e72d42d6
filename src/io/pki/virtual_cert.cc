#include "io/pki/virtual_cert.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/crypto/ed25519.h"
#include "base/crypto/encode.h"
#include "base/crypto/hash.h"

namespace aigrid::io {
namespace {

constexpr std::string_view kCertTitle = "aigrid virtual certificate";
constexpr std::string_view kKeyTitle = "aigrid virtual key";
constexpr std::size_t kMaxChain = 16;

Error untrusted(std::string message) {
  return {Code::Unauthenticated, Origin::Upstream, Retry::Never, std::move(message)};
}

Result<WallTime> parse_time(const std::string& text) {
  std::int64_t ns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ns);
  if (error != std::errc{} || end != text.data() + text.size()) return invalid("virtual certificate: bad time " + text);
  return WallTime(Duration(ns));
}

Result<VirtualCert> take_cert(std::string_view& text) {
  constexpr std::array<std::string_view, 8> kNames{"id",         "issuer",    "key",       "serial",
                                                   "not_before", "not_after", "authority", "signature"};
  AIGRID_TRY(const std::vector<std::string> v, take_lines(text, kCertTitle, kNames));
  VirtualCert c;
  c.id = v[0];
  AIGRID_TRY(c.issuer, crypto::from_hex(v[1]));
  AIGRID_TRY(c.key, crypto::from_hex(v[2]));
  c.serial = v[3];
  AIGRID_TRY(c.not_before, parse_time(v[4]));
  AIGRID_TRY(c.not_after, parse_time(v[5]));
  c.authority = v[6] == "1";
  AIGRID_TRY(c.signature, crypto::from_hex(v[7]));
  return c;
}

}  // namespace

Result<std::vector<std::string>> take_lines(std::string_view& text, std::string_view title,
                                            std::span<const std::string_view> names) {
  const auto take_line = [&]() -> std::string_view {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    return line;
  };
  if (take_line() != title) return invalid("not an " + std::string(title));
  std::vector<std::string> out;
  for (const std::string_view name : names) {
    const std::string_view line = take_line();
    if (!line.starts_with(name) || line.substr(name.size(), 1) != "=") {
      return invalid(std::string(title) + ": no line " + std::string(name) + "=");
    }
    out.emplace_back(line.substr(name.size() + 1));
  }
  return out;
}

std::string VirtualCert::signed_text() const {
  return std::string(kCertTitle) + "\nid=" + id + "\nissuer=" + crypto::hex(issuer) + "\nkey=" + crypto::hex(key) +
         "\nserial=" + serial + "\nnot_before=" + std::to_string(not_before.time_since_epoch().count()) +
         "\nnot_after=" + std::to_string(not_after.time_since_epoch().count()) +
         "\nauthority=" + (authority ? "1" : "0") + "\n";
}

std::string VirtualCert::text() const { return signed_text() + "signature=" + crypto::hex(signature) + "\n"; }

std::string VirtualCert::key_hash() const { return crypto::bytes(crypto::sha256(key)); }

Result<std::vector<VirtualCert>> parse_virtual_chain(std::string_view text) {
  std::vector<VirtualCert> out;
  while (!text.empty() || out.empty()) {
    if (out.size() == kMaxChain) return invalid("virtual certificate: more than 16 in one chain");
    AIGRID_TRY(VirtualCert cert, take_cert(text));
    out.push_back(std::move(cert));
  }
  return out;
}

std::string virtual_key_text(std::string_view seed) {
  return std::string(kKeyTitle) + "\nseed=" + crypto::hex(seed) + "\n";
}

Result<std::string> parse_virtual_key(std::string_view text) {
  constexpr std::array<std::string_view, 1> kNames{"seed"};
  AIGRID_TRY(const std::vector<std::string> v, take_lines(text, kKeyTitle, kNames));
  AIGRID_TRY(std::string seed, crypto::from_hex(v[0]));
  if (seed.size() != 32 || !text.empty()) return invalid("virtual key: not one key of 32 bytes");
  return seed;
}

Result<void> verify_virtual_chain(const std::vector<VirtualCert>& chain, const VirtualTrust& trust) {
  if (chain.empty()) return untrusted("no certificate");
  const auto check_time = [&](const VirtualCert& c) -> Result<void> {
    if (trust.now && *trust.now < c.not_before) return untrusted("certificate of " + c.id + " is not yet valid");
    if (trust.now && *trust.now > c.not_after) return untrusted("certificate of " + c.id + " has expired");
    return {};
  };
  const auto fits = [&](const VirtualCert& root) { return trust.pin.empty() || root.key_hash() == trust.pin; };
  const std::vector<VirtualCert>& candidates = trust.pin.empty() ? trust.roots : chain;
  const VirtualCert& leaf = chain.front();
  if (leaf.authority) return untrusted("certificate of " + leaf.id + " is an authority's, not a member's");
  const auto root = std::find_if(candidates.begin(), candidates.end(), [&](const VirtualCert& c) {
    return c.authority && c.key_hash() == leaf.issuer && c.issuer == leaf.issuer && fits(c);
  });
  if (root == candidates.end()) {
    return untrusted("certificate of " + leaf.id +
                     (trust.pin.empty() ? " is not from a trusted root" : " is not from the pinned root"));
  }
  if (!crypto::verify(root->key, root->signed_text(), root->signature) ||
      !crypto::verify(root->key, leaf.signed_text(), leaf.signature)) {
    return untrusted("certificate of " + leaf.id + " is forged: its signature is wrong");
  }
  AIGRID_CHECK_OK(check_time(*root));
  return check_time(leaf);
}

}  // namespace aigrid::io
