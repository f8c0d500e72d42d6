// Metrics as text: written as OpenMetrics 1.0, read as that or as the older Prometheus format 0.0.4, which engines
// write. Pure, any thread. Counters' names end in `_total`; their family's name is without it.
// Reading never fails: lines that are no samples are skipped, since an engine's text is not ours to mend.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"

namespace aigrid::metrics {

// Ends in "# EOF\n".
std::string write(const Registry& registry);

struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;  // may be infinite or NaN, as the text says
};

// At most `limit` samples: bounds what a hostile text makes us hold.
std::vector<Sample> parse_metrics(std::string_view text, std::size_t limit = 20'000);
// Sum over the label sets of one name; nothing when there is no such sample.
std::optional<double> sum_of(const std::vector<Sample>& samples, std::string_view name);

}  // namespace aigrid::metrics
