// What the audit log keeps: one leaf for each decision, denial, admin change, conflict and measured distance; and the
// receipt that names a leaf. Plain values, any thread. A leaf's identity is (source, epoch, sequence), for ever; its
// salt makes its hash hide what it says. Money in 1e-9 of the currency unit, times as the names say.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "grid/usage.h"

namespace aigrid::grid {

// Names a leaf: `<log>/<source>/<epoch>-<sequence>`.
struct Receipt {
  std::string log;
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  bool operator==(const Receipt&) const = default;
};

// One component that touched the data of a request.
struct RouteStep {
  std::string action;  // terminate | relay | process | log
  std::string place;   // gateway or node
  std::string site;
  bool operator==(const RouteStep&) const = default;
};
struct SitesRemoved {
  std::string rule;
  std::uint64_t sites = 0;
  bool operator==(const SitesRemoved&) const = default;
};
struct LeafAttempt {
  std::uint64_t number = 0;
  std::string site;
  std::string node;
  std::string result;
  std::int64_t asked_us = 0;  // after the request was received
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t heard_tokens = 0;  // as in grid::AttemptRecord, like the two below
  bool hedge = false;
  bool resumes = false;
  bool operator==(const LeafAttempt&) const = default;
};

// A request that was decided: served, failed or denied.
struct RequestLeaf {
  std::string request_id;
  std::string tenant;
  std::string project;
  std::string key_id;
  std::string key_zone;
  std::vector<std::string> zones;  // asked for; all must hold
  std::uint64_t data_level = 0;
  std::vector<std::string> regimes;
  std::int64_t received_unix_ms = 0;  // when it was admitted or denied
  std::uint64_t bundle_version = 0;
  std::string bundle_hash;                 // SHA-256 of the manifest it was admitted and rated under, 32 bytes
  std::vector<std::string> later_bundles;  // the same of those that it was routed again under
  std::string model;
  std::string model_digest;  // as the model's resource states it, hex
  std::string endpoint;
  std::vector<RouteStep> route;
  std::vector<SitesRemoved> removed;
  std::string gateway_certificate;  // SHA-256 of what the ingress proved itself with, 32 bytes; empty: not known
  std::string request_hash;         // SHA-256(salt ‖ body), 32 bytes; empty: its body never came whole
  std::string answer_hash;          // SHA-256(salt ‖ bytes sent before the last `,"grid":`), 32 bytes; empty: none were
  Outcome outcome = Outcome::Refused;
  std::string code;
  std::uint64_t status = 0;
  Usage usage;
  std::vector<LeafAttempt> attempts;
  std::string price_book;
  std::int64_t input_nano = 0;
  std::int64_t output_nano = 0;
  std::uint64_t prompt_most = 0;  // as in grid::Terms
  std::int64_t charge_nano = 0;
  std::int64_t ttft_us = 0;
  std::int64_t total_us = 0;
};

struct AdminLeaf {
  std::string actor;
  std::string action;  // apply | delete | …
  std::string object;  // kind/name
  std::string change;  // what is different, in words
};

// The same identity came again with other content.
struct ConflictLeaf {
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string held;     // leaf hash, 32 bytes
  std::string offered;  // leaf hash, 32 bytes
};

// A round trip between two sites, signed by both ends over `statement`.
struct DistanceLeaf {
  std::string statement;
  std::string a;
  std::string a_key;  // 32 bytes
  std::string a_signature;
  std::string b;
  std::string b_key;
  std::string b_signature;
};

struct AuditLeaf {
  std::string source;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
  std::string previous;  // hash of the leaf this source wrote before, 32 bytes; empty: its first
  std::int64_t unix_ms = 0;
  std::string salt;  // 16 bytes
  std::variant<RequestLeaf, AdminLeaf, ConflictLeaf, DistanceLeaf> body;
};

}  // namespace aigrid::grid
