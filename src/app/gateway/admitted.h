// Admitted: what the phases before dispatch found out about one request, and what it holds until it is accounted. One
// worker; outlives the phases after.
#pragma once

#include <memory>
#include <string>

#include "app/gateway/audit_leaf.h"
#include "app/gateway/phases.h"
#include "app/gateway/quotas.h"

namespace aigrid::gateway {

struct Admitted {
  explicit Admitted(io::Env& env) : evidence(env) {}
  std::string request_id;
  std::string answer_id;
  std::string endpoint;  // "chat.completions" | "embeddings"
  Caller caller;
  Question question;
  Admission admission;
  std::shared_ptr<const std::string> body;
  Quotas::Reservation reservation;
  Evidence evidence;
  Time received{};
  WallTime received_wall{};
};

}  // namespace aigrid::gateway
