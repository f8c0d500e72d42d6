// What the audit log gets to know of one request: its record, and the evidence that the phases gathered meanwhile. One
// worker; the evidence lives with its request.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "app/gateway/audit_spool.h"
#include "base/crypto/hash.h"
#include "core/routing/decision.h"
#include "grid/usage.h"

namespace aigrid::gateway {

struct Admitted;

class Evidence {
 public:
  explicit Evidence(io::Env& env);

  void body(std::string_view bytes) { request_hash_ = salted(bytes); }
  // `via`: the site that passes it on; empty: none.
  void asked(std::uint32_t attempt, Duration after, std::string via);
  // The request goes on under another bundle.
  void law_changed(std::shared_ptr<const Generation> generation) { later_.push_back(std::move(generation)); }
  // What removed candidates from the newest decision.
  void decided(const routing::Decision& decision);
  // Bytes of the answer, in their order; the last ones end it where its `grid` object begins.
  void sent(std::string_view bytes);
  // Several pieces that the answer ends with. Once; what is sent afterwards does not count.
  void ends_with(std::initializer_list<std::string_view> pieces);

 private:
  friend grid::AuditLeaf leaf_of(const grid::Record&, const Admitted&, const Board&, const AuditSpool&, Generations&);
  std::string salted(std::string_view bytes) const;

  std::string salt_;
  std::string request_hash_;
  std::optional<crypto::Hasher> answer_;
  std::string answer_hash_;
  std::map<std::uint32_t, std::int64_t> asked_us_;
  std::set<std::string> relays_;  // sites
  Generations later_;
  std::vector<grid::SitesRemoved> removed_;
};

// `under` gets what the request was decided under.
grid::AuditLeaf leaf_of(const grid::Record& record, const Admitted& admitted, const Board& board, const AuditSpool& log,
                        Generations& under);

}  // namespace aigrid::gateway
