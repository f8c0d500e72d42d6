#include "io/client/inner_messages.h"

#include <array>

#include "base/crypto/encode.h"
#include "base/crypto/hash.h"
#include "format/json/json.h"

namespace aigrid::io {

using json::Json;

namespace {

// Length before each part, so that no two lists of parts give the same bytes.
void add_part(std::string& out, std::string_view part) {
  out += std::to_string(part.size());
  out += ':';
  out += part;
}

Result<std::string> hex_member(const Json& value, const char* name) {
  std::string text;
  json::Reader reader(value);
  reader.get(name, text);
  AIGRID_CHECK_OK(reader.result());
  auto bytes = crypto::from_hex(text);
  if (!bytes.ok()) return invalid(std::string(name) + ": not hex digits");
  return bytes;
}

Result<Role> role_of(const std::string& text) {
  for (Role role : {Role::Gateway, Role::Agent}) {
    if (to_string(role) == text) return role;
  }
  return invalid("role \"" + text + "\": only gateway and agent can join");
}

Error missing(const char* what) { return invalid(std::string(what) + " is missing"); }

}  // namespace

Result<void> check_roots(const std::vector<std::string>& roots) {
  if (roots.size() <= kMaxRoots) return {};
  return invalid("roots: " + std::to_string(roots.size()) + " certificates, at most " + std::to_string(kMaxRoots) +
                 " are taken");
}

Spiffe control_name(std::string_view grid) { return {std::string(grid), Role::Control, "control", "control"}; }

std::string join_ask_mac(std::string_view join_key, const JoinAsk& ask) {
  std::string parts;
  for (std::string_view part :
       {std::string_view("aigrid join ask"), std::string_view(ask.kid), std::string_view(ask.csr), to_string(ask.role),
        std::string_view(ask.site), std::string_view(ask.name), std::string_view(ask.public_address),
        std::string_view(ask.inner_address)}) {
    add_part(parts, part);
  }
  add_part(parts, std::to_string(ask.workers));
  return crypto::bytes(crypto::hmac_sha256(join_key, parts));
}

std::string join_answer_mac(std::string_view join_key, const JoinAnswer& answer) {
  std::string parts;
  add_part(parts, "aigrid join answer");
  add_part(parts, answer.chain);
  add_part(parts, std::to_string(answer.roots.size()));
  for (const auto& root : answer.roots) add_part(parts, root);
  add_part(parts, answer.bundle_key);
  add_part(parts, answer.grid);
  return crypto::bytes(crypto::hmac_sha256(join_key, parts));
}

std::string encode(const JoinAsk& ask) {
  return json::dump({{"kid", crypto::hex(ask.kid)},
                     {"csr", ask.csr},
                     {"mac", crypto::hex(ask.mac)},
                     {"role", to_string(ask.role)},
                     {"site", ask.site},
                     {"name", ask.name},
                     {"public", ask.public_address},
                     {"inner", ask.inner_address},
                     {"workers", ask.workers}});
}

Result<JoinAsk> decode_join_ask(std::string_view body) {
  AIGRID_TRY(const Json value, json::parse(body));
  JoinAsk ask;
  std::string role;
  json::Reader reader(value, "join");
  reader.get("csr", ask.csr).get("role", role).get("site", ask.site).get("name", ask.name);
  reader.get("public", ask.public_address).get("inner", ask.inner_address).get("workers", ask.workers);
  AIGRID_CHECK_OK(reader.result());
  AIGRID_TRY(ask.kid, hex_member(value, "kid"));
  AIGRID_TRY(ask.mac, hex_member(value, "mac"));
  AIGRID_TRY(ask.role, role_of(role));
  if (ask.csr.empty()) return missing("csr");
  return ask;
}

std::string encode(const JoinAnswer& answer) {
  return json::dump({{"chain", answer.chain},
                     {"roots", answer.roots},
                     {"bundle_key", crypto::hex(answer.bundle_key)},
                     {"grid", answer.grid},
                     {"mac", crypto::hex(answer.mac)}});
}

Result<JoinAnswer> decode_join_answer(std::string_view body) {
  AIGRID_TRY(const Json value, json::parse(body));
  JoinAnswer answer;
  json::Reader reader(value, "join answer");
  reader.get("chain", answer.chain).get("roots", answer.roots).get("grid", answer.grid);
  AIGRID_CHECK_OK(reader.result());
  AIGRID_TRY(answer.bundle_key, hex_member(value, "bundle_key"));
  AIGRID_TRY(answer.mac, hex_member(value, "mac"));
  if (answer.chain.empty() || answer.roots.empty()) return missing("chain or roots");
  AIGRID_CHECK_OK(check_roots(answer.roots));
  return answer;
}

std::string encode_renew_ask(std::string_view csr) { return json::dump({{"csr", csr}}); }

Result<std::string> decode_renew_ask(std::string_view body) {
  AIGRID_TRY(const Json value, json::parse(body));
  std::string csr;
  json::Reader reader(value, "renew");
  reader.get("csr", csr);
  AIGRID_CHECK_OK(reader.result());
  if (csr.empty()) return missing("csr");
  return csr;
}

std::string encode(const RenewAnswer& answer) { return json::dump({{"chain", answer.chain}, {"roots", answer.roots}}); }

Result<RenewAnswer> decode_renew_answer(std::string_view body) {
  AIGRID_TRY(const Json value, json::parse(body));
  RenewAnswer answer;
  json::Reader reader(value, "renew answer");
  reader.get("chain", answer.chain).get("roots", answer.roots);
  AIGRID_CHECK_OK(reader.result());
  if (answer.chain.empty()) return missing("chain");
  AIGRID_CHECK_OK(check_roots(answer.roots));
  return answer;
}

}  // namespace aigrid::io
