#include "app/gateway/audit_leaf.h"

#include <algorithm>
#include <array>
#include <utility>

#include "app/gateway/admitted.h"
#include "core/audit/leaf.h"

namespace aigrid::gateway {

namespace {

// By routing::Filter.
constexpr std::array<const char*, 7> kRules = {"model",  "feature", "residency", "isolation",
                                               "target", "quota",   "capacity"};

std::vector<grid::LeafAttempt> attempts_of(const grid::Record& record,
                                           const std::map<std::uint32_t, std::int64_t>& asked_us) {
  std::vector<grid::LeafAttempt> out;
  for (const auto& a : record.attempts) {
    const auto asked = asked_us.find(a.number);
    out.push_back({a.number, a.site, a.node, a.result, asked == asked_us.end() ? 0 : asked->second,
                   a.usage.prompt_tokens, a.usage.completion_tokens, a.heard_tokens, a.hedge, a.resumes});
  }
  return out;
}

grid::RequestLeaf of_record(const grid::Record& record) {
  grid::RequestLeaf r;
  r.request_id = record.request_id;
  r.tenant = record.tenant;
  r.project = record.project;
  r.key_id = record.key_id;
  r.received_unix_ms = record.received_unix_ms;
  r.bundle_version = record.bundle_version;
  r.model = record.model;
  r.endpoint = record.endpoint;
  r.outcome = record.outcome;
  r.code = record.code;
  r.status = static_cast<std::uint64_t>(record.status);
  r.usage = record.usage;
  r.price_book = record.terms.price_book;
  r.input_nano = record.terms.input_nano;
  r.output_nano = record.terms.output_nano;
  r.prompt_most = record.terms.prompt_most;
  r.charge_nano = record.charge_nano;
  r.ttft_us = record.ttft_us;
  r.total_us = record.total_us;
  return r;
}

}  // namespace

Evidence::Evidence(io::Env& env) : salt_(audit::kSaltBytes, '\0') { env.entropy(salt_); }

std::string Evidence::salted(std::string_view bytes) const {
  return crypto::bytes(crypto::Hasher().add(salt_).add(bytes).finish());
}

void Evidence::asked(std::uint32_t attempt, Duration after, std::string via) {
  asked_us_[attempt] = after.count() / 1000;
  if (!via.empty()) relays_.insert(std::move(via));
}

void Evidence::decided(const routing::Decision& decision) {
  removed_.clear();
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    if (decision.removed[i] != 0) removed_.push_back({kRules[i], decision.removed[i]});
  }
}

void Evidence::sent(std::string_view bytes) {
  if (!answer_hash_.empty()) return;
  if (!answer_) answer_.emplace().add(salt_);
  answer_->add(bytes);
}

void Evidence::ends_with(std::initializer_list<std::string_view> pieces) {
  for (const auto piece : pieces) sent(piece);
  if (answer_ && answer_hash_.empty()) answer_hash_ = crypto::bytes(answer_->finish());
}

grid::AuditLeaf leaf_of(const grid::Record& record, const Admitted& admitted, const Board& board, const AuditSpool& log,
                        Generations& under) {
  const Evidence& evidence = admitted.evidence;
  grid::RequestLeaf r = of_record(record);
  const auto& intent = admitted.question.intent;
  r.key_zone = admitted.caller.zone;
  r.zones = intent.zones;
  r.data_level = std::max(admitted.caller.data_level, intent.data_level);
  r.regimes = intent.regimes;
  r.regimes.insert(r.regimes.end(), admitted.caller.regimes.begin(), admitted.caller.regimes.end());
  const auto& admission = admitted.admission;
  under.push_back(admission.generation ? admission.generation : board.current());
  r.bundle_hash = under.front()->bundle_hash;
  for (const auto& later : evidence.later_) {
    const bool known = std::any_of(under.begin(), under.end(),
                                   [&later](const auto& g) { return g->bundle_hash == later->bundle_hash; });
    if (known) continue;  // compiled again as something expired
    under.push_back(later);
    r.later_bundles.push_back(later->bundle_hash);
  }
  const auto& tables = *under.front()->tables;
  if (const auto model = tables.find_model(r.model)) {
    r.model = tables.models[*model].spec.name;
    r.model_digest = tables.models[*model].spec.sha256;
  }
  r.route.push_back({"terminate", board.gateway(), board.site()});
  if (!record.site.empty()) r.route.push_back({"process", record.node, record.site});
  for (const auto& site : evidence.relays_) r.route.push_back({"relay", "", site});
  r.route.push_back({"log", board.gateway(), board.site()});
  r.removed = evidence.removed_;
  r.gateway_certificate = log.certificate();
  r.request_hash = evidence.request_hash_;
  r.answer_hash = evidence.answer_hash_;
  r.attempts = attempts_of(record, evidence.asked_us_);
  grid::AuditLeaf leaf;
  if (const auto named = audit::receipt_of(log.name(), record.request_id); named.ok()) {
    leaf.source = named->source;
    leaf.epoch = named->epoch;
    leaf.sequence = named->sequence;
  }
  leaf.unix_ms = record.received_unix_ms + record.total_us / 1000;
  leaf.salt = evidence.salt_;
  leaf.body = std::move(r);
  return leaf;
}

}  // namespace aigrid::gateway
