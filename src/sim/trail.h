// Trail: every component that touched one request's data, and by which version of the law it did; and the checker that
// asks of each step whether that law permitted it, by the words of a refusal, a way that the decisions do not go. One
// thread.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/registry.h"

namespace aigrid::sim {

enum class Part : std::uint8_t { Ingress, Asked, Ran };  // it came in there, was sent there, ran there

struct Step {
  Part part = Part::Ingress;
  routing::SiteIndex site = routing::kNone;
  std::uint32_t version = 0;  // index of Registry::versions
};

struct Trail {
  std::uint32_t asker = 0;
  std::vector<Step> steps;
};

class Checker {
 public:
  explicit Checker(const Registry& registry);
  // Of the steps, how many the law forbade.
  std::size_t forbidden(const Trail& trail);

 private:
  bool permits(std::uint32_t asker, const Step& step);

  const Registry& registry_;
  std::vector<std::int8_t> known_;  // by asker, version, site, whether at the ingress: -1 not asked yet
};

}  // namespace aigrid::sim
