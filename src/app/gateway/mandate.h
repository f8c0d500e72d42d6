// Mandate: what one request may do as of the newest bundle; what it was promised at the first one (its price) stays in
// its Admitted. One worker; outlived by the Admitted.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "app/gateway/phases.h"

namespace aigrid::gateway {

class Mandate {
 public:
  explicit Mandate(const Admission& first) : now_(&first) {}

  const Admission& operator*() const { return *now_; }
  const Admission* operator->() const { return now_; }
  const routing::Tables& tables() const { return *now_->generation->tables; }
  routing::Snapshot snapshot() const { return now_->generation->snapshot(); }
  // kNone: no node has that name.
  routing::NodeIndex node(const std::string& name) const {
    return name.empty() ? routing::kNone : tables().find_node(name).value_or(routing::kNone);
  }
  void change(std::unique_ptr<Admission> next) {
    newer_ = std::move(next);
    now_ = newer_.get();
  }

 private:
  const Admission* now_;
  std::unique_ptr<Admission> newer_;
};

}  // namespace aigrid::gateway
