// An exported log made in memory, signed and lawful, to be judged and tampered with. Test and bench code only.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "app/audit/folder.h"
#include "base/crypto/encode.h"
#include "base/random.h"
#include "core/audit/leaf.h"
#include "core/audit/test_log.h"
#include "core/ledger/rating.h"
#include "format/bundle/bundle.h"

namespace aigrid::audit::test {

inline const std::string kOrigin = "europe/FR.g0";
inline crypto::SigningKey log_key() { return *crypto::SigningKey::from_seed(std::string(32, 'k')); }
inline const std::string kBundleSeed(32, 's');

inline grid::Inventory inventory() {
  grid::Inventory g;
  grid::Operator op;
  op.name = "op";
  g.operators.push_back(op);
  for (const char* name : {"s0", "s1", "s2"}) {
    grid::Site site;
    site.name = name;
    site.operator_name = "op";
    site.country = site.jurisdiction = name == std::string("s2") ? "CH" : "FR";
    g.sites.push_back(site);
  }
  grid::Zone zone;
  zone.name = "fr";
  zone.jurisdictions = {"FR"};
  g.zones.push_back(zone);
  zone.name = "ch";
  zone.jurisdictions = {"CH"};
  g.zones.push_back(zone);
  grid::Policy anywhere;
  anywhere.name = "anywhere";
  anywhere.permit = {{{"*"}, "*", 4}};
  anywhere.forbid = {{{"terminate"}, "ch"}};
  g.policies.push_back(anywhere);
  grid::Model model;
  model.name = "smol";
  model.source = "smol.gguf";
  model.context_tokens = 2048;
  g.models.push_back(model);
  grid::Deployment deployment;
  deployment.name = deployment.model = "smol";
  for (const char* site : {"s0", "s1"}) {
    grid::Node node;
    node.name = std::string("n") + site;
    node.site = site;
    g.nodes.push_back(node);
    deployment.nodes.push_back(node.name);
  }
  g.deployments.push_back(deployment);
  for (const char* name : {"free", "mairie"}) {
    grid::Tenant tenant;
    tenant.name = name;
    tenant.zone = name == std::string("mairie") ? "fr" : "";
    tenant.price_book = "list";
    g.tenants.push_back(tenant);
  }
  g.price_books.push_back({"list", "EUR", {{"smol", 500, 1500}}});
  return g;
}

inline bundle::Held published() {
  bundle::Held held;
  held.sections = bundle::compile(inventory());
  held.parsed = bundle::manifest_of(held.sections, "europe", 1, 1);
  held.manifest = bundle::sign(held.parsed, kBundleSeed);
  return held;
}

inline grid::RequestLeaf request(std::uint64_t n, const std::string& bundle_hash, Random& random) {
  grid::RequestLeaf r;
  r.request_id = "req_g0_1767225600_" + std::to_string(n);
  r.tenant = random.below(2) == 0 ? "mairie" : "free";
  r.key_id = "00112233445566" + std::to_string(10 + random.below(90));
  r.received_unix_ms = 1'767'225'600'000 + static_cast<std::int64_t>(n);
  r.bundle_version = 1;
  r.bundle_hash = bundle_hash;
  r.model = "smol";
  r.endpoint = "chat.completions";
  const std::string site = "s" + std::to_string(random.below(2));
  r.route = {{"terminate", "g0", "s0"}, {"process", "n" + site, site}, {"log", "g0", "s0"}};
  r.removed = {{"residency", 1}};
  r.request_hash = std::string(32, static_cast<char>(random.below(256)));
  r.answer_hash = std::string(32, static_cast<char>(random.below(256)));
  r.outcome = grid::Outcome::Finished;
  r.status = 200;
  r.usage = {random.below(2000), random.below(500), 0};
  if (random.below(8) == 0) r.attempts.push_back({1, "s1", "n1", "node lost", 100, 0, 0, 0, false, false});
  r.attempts.push_back({r.attempts.size() + 1, site, "n" + site, "ok", 900, r.usage.prompt_tokens,
                        r.usage.completion_tokens, r.usage.completion_tokens, false, false});
  r.price_book = "list";
  r.input_nano = 500;
  r.output_nano = 1500;
  r.charge_nano = ledger::price_nano(r.usage.prompt_tokens, 500, r.usage.completion_tokens, 1500);
  r.ttft_us = 20'000;
  r.total_us = 900'000;
  return r;
}

// Leaves of two sources, each with its chain.
inline std::vector<std::string> leaves(std::uint64_t count, std::uint64_t seed) {
  Random random(seed);
  const std::string hash = crypto::bytes(crypto::sha256(published().manifest.bytes));
  std::map<std::string, std::string> previous;
  std::vector<std::string> out;
  for (std::uint64_t n = 0; n < count; ++n) {
    grid::AuditLeaf leaf;
    leaf.source = random.below(3) == 0 ? "g1" : "g0";
    leaf.epoch = 1'767'225'600;
    leaf.sequence = n;
    leaf.previous = previous[leaf.source];
    leaf.unix_ms = 1'767'225'600'000 + static_cast<std::int64_t>(n);
    leaf.salt = std::string(kSaltBytes, static_cast<char>(random.below(256)));
    leaf.body = request(n, hash, random);
    out.push_back(*encode(leaf));
    previous[leaf.source] = crypto::bytes(leaf_hash(out.back()));
  }
  return out;
}

using Folder = std::map<std::string, std::string>;

inline std::string note_of(const TestLog& log, const crypto::SigningKey& key) {
  const Checkpoint c{kOrigin, log.tree.size(), log.tree.root(), 1'767'225'600'000};
  return sign_note(format_checkpoint(c), kOrigin, key);
}

// Tiles and entries of these leaves, under checkpoints every `every` leaves.
inline Folder folder_of(const std::vector<std::string>& leaves, std::uint64_t every = 500) {
  Folder out;
  TestLog log;
  std::vector<std::string> notes;
  const std::string base = "log/FR.g0/";
  std::string entries;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    log.add(leaves[i]);
    append_entry(entries, leaves[i]);
    const bool last = i + 1 == leaves.size();
    if ((i + 1) % kTileWidth == 0 || last) {
      const std::uint64_t width = i % kTileWidth + 1;
      out[base + "tile/" + entries_path({0, i / kTileWidth, width})] = std::move(entries);
      entries.clear();
    }
    if ((i + 1) % every == 0 || last) notes.push_back(note_of(log, log_key()));
  }
  for (unsigned level = 0; level < levels_of(leaves.size()); ++level) {
    for (const auto& name : tiles_of(level, leaves.size())) out[base + "tile/" + tile_path(name)] = *log.reader()(name);
  }
  out[base + "checkpoint"] = notes.back();
  out[base + "checkpoints.json"] = encode_checkpoints(notes);
  const auto held = published();
  out["bundles/" + crypto::hex(crypto::view(crypto::sha256(held.manifest.bytes)))] = bundle::encode(held);
  const auto bundle_key = crypto::SigningKey::from_seed(kBundleSeed)->public_key();
  out["keys"] =
      format_key({kOrigin, log_key().public_key()}) + "\n" + format_key({"europe/bundles", bundle_key}) + "\n";
  return out;
}

inline ReadFile reader_of(const Folder& folder) {
  return [&folder](const std::string& path) -> Result<std::string> {
    const auto it = folder.find(path);
    if (it == folder.end()) return Error{Code::NotFound, Origin::Client, Retry::Never, "it is not there"};
    return it->second;
  };
}

// The keys that a reader got by another way.
inline VerifyOptions trusting(const Folder& folder) {
  VerifyOptions options;
  const std::string& keys = folder.at("keys");
  const std::size_t end = keys.find('\n');
  options.keys = {keys.substr(0, end), keys.substr(end + 1, keys.size() - end - 2)};
  return options;
}

// All that was found, a line each.
inline std::string told(const FolderVerdict& v) {
  std::string out;
  for (const auto& p : v.problems) out += p + "\n";
  for (const auto& l : v.logs) {
    for (const auto& f : l.verdict.findings)
      out += std::to_string(f.index) + "…" + std::to_string(f.last) + " " + f.what + "\n";
  }
  return out;
}

}  // namespace aigrid::audit::test
