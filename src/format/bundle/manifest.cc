#include "base/crypto/ed25519.h"
#include "base/crypto/encode.h"
#include "base/crypto/hash.h"
#include "format/bundle/bundle.h"
#include "format/bundle/section.h"
#include "format/json/json.h"

namespace aigrid::bundle {

namespace {

Error broken(std::string message) { return {Code::DataLoss, Origin::Upstream, Retry::Same, std::move(message)}; }

}  // namespace

std::string hash_of(std::string_view section_text) { return crypto::hex(crypto::view(crypto::sha256(section_text))); }

SignedManifest sign(const Manifest& m, std::string_view ed25519_seed) {
  SignedManifest out;
  json::Json sections = json::Json::object();
  for (const auto& [name, hash] : m.sections) {
    if (!name.starts_with(kAgentPrefix)) sections[name] = hash;
  }
  out.bytes = json::dump(json::Json{
      {"format", m.format}, {"grid", m.grid}, {"epoch", m.epoch}, {"version", m.version}, {"sections", sections}});
  if (const auto key = crypto::SigningKey::from_seed(ed25519_seed); key.ok()) out.signature = key->sign(out.bytes);
  return out;
}

Result<Manifest> verify(const SignedManifest& manifest, std::string_view ed25519_public_key) {
  if (manifest.bytes.empty()) return broken("bundle: the manifest is blank; fetch it again");
  if (!crypto::verify(ed25519_public_key, manifest.bytes, manifest.signature)) {
    return Error{Code::PermissionDenied, Origin::Upstream, Retry::Never,
                 "bundle: the manifest's signature is not by this grid's bundle key; keep the copy held"};
  }
  AIGRID_TRY(const json::Json value, json::parse(manifest.bytes));
  Manifest m;
  json::Reader r(value, "manifest");
  r.get("format", m.format);
  AIGRID_CHECK_OK(r.result());
  if (m.format != kFormat) {
    return Error{Code::Unimplemented, Origin::Upstream, Retry::Never,
                 "bundle: format " + std::to_string(m.format) + " is not known here (this program reads format " +
                     std::to_string(kFormat) + "); update aigrid"};
  }
  r.get("grid", m.grid).get("epoch", m.epoch).get("version", m.version).get("sections", m.sections);
  AIGRID_CHECK_OK(r.result());
  return m;
}

Manifest manifest_of(const Sections& sections, std::string grid, std::uint64_t epoch, std::uint64_t version) {
  Manifest m{kFormat, std::move(grid), epoch, version, {}};
  for (const auto& [name, text] : sections) m.sections[name] = hash_of(*text);
  return m;
}

bool in_scope(Scope scope, std::string_view section, std::string_view node) {
  if (section.starts_with(kAgentPrefix)) return !node.empty() && section.substr(kAgentPrefix.size()) == node;
  if (scope == Scope::Gateway || section == "sites" || section == "policy") return true;
  return !node.empty() && section == agent_shard(node);
}

std::map<std::string, std::string> held_hashes(const Held& held) {
  std::map<std::string, std::string> out;
  for (const auto& [name, text] : held.sections) {
    const auto it = held.parsed.sections.find(name);
    if (it != held.parsed.sections.end()) out[name] = it->second;
  }
  return out;
}

std::vector<std::string> changed_sections(const Held& from, const Held& to) {
  std::vector<std::string> out;
  const auto a = held_hashes(from);
  const auto b = held_hashes(to);
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() || right != b.end()) {
    if (right == b.end() || (left != a.end() && left->first < right->first)) {
      out.push_back((left++)->first);
    } else if (left == a.end() || right->first < left->first) {
      out.push_back((right++)->first);
    } else {
      if (left->second != right->second) out.push_back(left->first);
      ++left;
      ++right;
    }
  }
  return out;
}

}  // namespace aigrid::bundle
