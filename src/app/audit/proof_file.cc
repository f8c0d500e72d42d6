#include "app/audit/proof_file.h"

#include <algorithm>

#include "app/audit/folder.h"
#include "base/crypto/encode.h"
#include "core/audit/leaf.h"
#include "format/inner/records.h"
#include "format/json/json.h"

namespace aigrid::audit {

using json::Json;

namespace {

double ms(std::int64_t us) { return static_cast<double>(us) / 1000.0; }

Json usage_json(const grid::Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"cached_tokens", usage.cached_tokens}};
}

Json attempts_json(const grid::RequestLeaf& request) {
  Json out = Json::array();
  for (const auto& a : request.attempts) {
    out.push_back({{"number", a.number},
                   {"site", a.site},
                   {"node", a.node},
                   {"result", a.result},
                   {"asked_after_ms", ms(a.asked_us)},
                   {"prompt_tokens", a.prompt_tokens},
                   {"completion_tokens", a.completion_tokens}});
  }
  return out;
}

Json decision_json(const grid::RequestLeaf& request) {
  Json route = Json::array();
  for (const auto& step : request.route) {
    route.push_back({{"action", step.action}, {"place", step.place}, {"site", step.site}});
  }
  Json removed = Json::array();
  for (const auto& r : request.removed) removed.push_back({{"rule", r.rule}, {"sites", r.sites}});
  return {{"bundle_version", request.bundle_version},
          {"bundle", crypto::hex(request.bundle_hash)},
          {"zones", request.zones},
          {"key_zone", request.key_zone},
          {"data_level", request.data_level},
          {"regimes", request.regimes},
          {"route", std::move(route)},
          {"removed", std::move(removed)}};
}

Error refuted(std::string what) { return {Code::PermissionDenied, Origin::Upstream, Retry::Never, std::move(what)}; }

}  // namespace

std::string show_request(const grid::RequestLeaf& r, std::string_view receipt) {
  const Json out{{"object", "grid.request"},
                 {"id", r.request_id},
                 {"tenant", r.tenant},
                 {"project", r.project},
                 {"key_id", r.key_id},
                 {"model", r.model},
                 {"endpoint", r.endpoint},
                 {"outcome", inner::to_string(r.outcome)},
                 {"status", r.status},
                 {"code", r.code},
                 {"decision", decision_json(r)},
                 {"timeline",
                  {{"received_unix_ms", r.received_unix_ms},
                   {"ttft_ms", ms(r.ttft_us)},
                   {"total_ms", ms(r.total_us)},
                   {"attempts", attempts_json(r)}}},
                 {"usage", usage_json(r.usage)},
                 {"price",
                  {{"price_book", r.price_book},
                   {"input_nano_per_token", r.input_nano},
                   {"output_nano_per_token", r.output_nano},
                   {"charge_nano", r.charge_nano}}},
                 {"receipt", receipt}};
  return json::dump(out);
}

std::string encode(const ProofFile& file) {
  std::vector<std::string> proof;
  for (const auto& hash : file.proof) proof.push_back(crypto::base64(crypto::view(hash)));
  const Json out{{"object", "grid.proof"},        {"receipt", file.receipt}, {"leaf", crypto::base64(file.leaf)},
                 {"index", file.index},           {"size", file.size},       {"proof", proof},
                 {"checkpoint", file.checkpoint}, {"key", file.key}};
  return json::dump(out);
}

Result<ProofFile> decode_proof_file(std::string_view text) {
  AIGRID_TRY(const Json value, json::parse(text));
  ProofFile out;
  std::string leaf;
  std::vector<std::string> proof;
  json::Reader reader(value, "proof");
  reader.get("receipt", out.receipt).get("leaf", leaf).get("index", out.index).get("size", out.size);
  reader.get("proof", proof).get("checkpoint", out.checkpoint).get("key", out.key);
  AIGRID_CHECK_OK(reader.result());
  AIGRID_TRY(out.leaf, crypto::from_base64(leaf));
  for (const auto& hash : proof) {
    AIGRID_TRY(const std::string bytes, crypto::from_base64(hash));
    AIGRID_TRY(const Digest digest, digest_of(bytes));
    out.proof.push_back(digest);
  }
  return out;
}

Result<grid::AuditLeaf> check(const ProofFile& file, const std::vector<std::string>& trusted) {
  if (!trusted.empty() && std::find(trusted.begin(), trusted.end(), file.key) == trusted.end()) {
    return refuted("it is signed by " + file.key + ", which is not among the keys that you trust");
  }
  AIGRID_TRY(const NoteKey key, parse_key(file.key));
  AIGRID_TRY(const Checkpoint signed_tree, open_checkpoint(file.checkpoint, key));
  if (signed_tree.size != file.size) {
    return refuted("the signed tree has " + std::to_string(signed_tree.size) + " leaves, the proof is for one of " +
                   std::to_string(file.size));
  }
  AIGRID_CHECK_OK(check_inclusion(leaf_hash(file.leaf), file.index, file.size, signed_tree.root, file.proof));
  AIGRID_TRY(grid::AuditLeaf leaf, decode_leaf(file.leaf));
  const grid::Receipt named{log_of_origin(key.name), leaf.source, leaf.epoch, leaf.sequence};
  if (format_receipt(named) != file.receipt) {
    return refuted("the receipt is " + file.receipt + ", the leaf is that of " + format_receipt(named));
  }
  return leaf;
}

bool opens(const grid::AuditLeaf& leaf, std::string_view salted_hash, std::string_view bytes) {
  return crypto::view(crypto::Hasher().add(leaf.salt).add(bytes).finish()) == salted_hash;
}

}  // namespace aigrid::audit
