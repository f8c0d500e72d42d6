#include "app/audit/witness.h"

#include "base/crypto/encode.h"
#include "format/json/json.h"

namespace aigrid::audit {

namespace {

Error refused(std::string what) { return {Code::PermissionDenied, Origin::Upstream, Retry::Never, std::move(what)}; }

}  // namespace

std::string encode(const WitnessAsk& ask) {
  std::vector<std::string> proof;
  for (const auto& hash : ask.proof) proof.push_back(crypto::base64(crypto::view(hash)));
  return json::dump({{"key", ask.key}, {"old", ask.old}, {"proof", proof}, {"checkpoint", ask.checkpoint}});
}

Result<WitnessAsk> decode_witness_ask(std::string_view text) {
  AIGRID_TRY(const json::Json value, json::parse(text));
  WitnessAsk out;
  std::vector<std::string> proof;
  json::Reader reader(value, "witness");
  reader.get("key", out.key).get("old", out.old).get("proof", proof).get("checkpoint", out.checkpoint);
  AIGRID_CHECK_OK(reader.result());
  for (const auto& hash : proof) {
    AIGRID_TRY(const std::string bytes, crypto::from_base64(hash));
    AIGRID_TRY(const Digest digest, digest_of(bytes));
    out.proof.push_back(digest);
  }
  return out;
}

Result<Witnessed> witness(const Witnessed& before, const WitnessAsk& ask, std::string_view name,
                          const crypto::SigningKey& key) {
  AIGRID_TRY(const NoteKey log, parse_key(ask.key));
  if (!before.key.empty() && before.key != ask.key) {
    return refused("log " + log.name + " was signed by " + before.key + " until now, not by " + ask.key);
  }
  AIGRID_TRY(const Checkpoint now, open_checkpoint(ask.checkpoint, log));
  if (ask.old != before.size) {
    return Error{Code::Conflict, Origin::Client, Retry::Same,
                 "log " + log.name + " was seen with " + std::to_string(before.size) + " leaves, not " +
                     std::to_string(ask.old) + ": prove from there"};
  }
  if (now.size < before.size) {
    return refused("log " + log.name + " has shrunk from " + std::to_string(before.size) + " leaves to " +
                   std::to_string(now.size));
  }
  if (before.size > 0) {
    AIGRID_TRY(const Digest root, digest_of(before.root));
    if (auto holds = check_consistency(before.size, root, now.size, now.root, ask.proof); !holds.ok()) {
      return refused("log " + log.name + " is rewritten: " + holds.error().message);
    }
  }
  AIGRID_TRY(const std::string text, open_note(ask.checkpoint, log));
  const std::string cosigned = sign_note(text, name, key);
  return Witnessed{ask.key, now.size, crypto::bytes(now.root), ask.checkpoint + cosigned.substr(text.size() + 1)};
}

}  // namespace aigrid::audit
