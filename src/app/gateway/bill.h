// Bill: what the record of one request says about money: the terms in force when it was admitted, however the bundle
// changes meanwhile, and the tokens that the ingress itself saw of each attempt. One worker.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "core/admission/lease_holder.h"
#include "core/routing/decision.h"
#include "core/routing/tables.h"
#include "grid/usage.h"

namespace aigrid::gateway {

class Bill {
 public:
  Bill(std::shared_ptr<const routing::Tables> admitted_under, const routing::RouteInput& input, std::size_t body_bytes);

  // A frame with so many completion tokens came from attempt `attempt`.
  void heard(std::uint32_t attempt, std::uint64_t tokens) { heard_[attempt] += tokens; }
  // Terms, the attempts' terms and what was heard of them, and the charge, of a record that is complete otherwise.
  void complete(grid::Record& record) const;
  // What the request may need at most: a prompt of a token a byte of the body, and the longest answer.
  admission::Need need(const routing::RouteInput& input) const;
  // The same once an engine has counted the prompt.
  admission::Need need(const routing::RouteInput& input, std::uint64_t prompt_tokens) const;
  // What a complete record used of that.
  static admission::Need used(const grid::Record& record);

 private:
  // What may be read and made at most.
  struct Most {
    std::uint64_t prompt = 0;
    std::uint64_t output = 0;
  };
  Most most(const routing::RouteInput& input) const;
  std::shared_ptr<const routing::Tables> tables_;
  grid::Terms terms_;
  std::size_t body_bytes_ = 0;
  std::map<std::uint32_t, std::uint64_t> heard_;
};

}  // namespace aigrid::gateway
