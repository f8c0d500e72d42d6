// Registry: one worker's counters, gauges and histograms. Passed in, never global. One owner (its worker) at a time;
// what merges workers copies their registries on a tick and calls merge(). Handles stay valid as long as the registry.
// Names and labels as in OpenMetrics (`aigrid_requests_total`, label values free text); no unit conversion here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace aigrid {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

struct MetricCounter {
  double value = 0;
  void add(double by = 1) { value += by; }
};

struct MetricGauge {
  double value = 0;
  void set(double v) { value = v; }
};

// Buckets by upper bound, ascending; what is over the last counts in +Inf.
struct MetricHistogram {
  std::vector<double> bounds;
  std::vector<std::uint64_t> counts;  // bounds.size() + 1, not cumulative
  double sum = 0;
  std::uint64_t count = 0;

  void observe(double v) {
    const auto at = std::lower_bound(bounds.begin(), bounds.end(), v) - bounds.begin();
    ++counts[static_cast<std::size_t>(at)];
    sum += v;
    ++count;
  }
};

enum class MetricForm : std::uint8_t { Counter, Gauge, Histogram };

struct MetricFamily {
  MetricForm form = MetricForm::Counter;
  std::string help;
  // Addresses of a map's values do not move.
  std::map<MetricLabels, MetricCounter> counters;
  std::map<MetricLabels, MetricGauge> gauges;
  std::map<MetricLabels, MetricHistogram> histograms;
};

class Registry {
 public:
  // The same name and labels give the same handle. A name keeps the form and help it was first asked for.
  MetricCounter& counter(const std::string& name, const std::string& help, MetricLabels labels = {}) {
    return family(name, help, MetricForm::Counter).counters[std::move(labels)];
  }
  MetricGauge& gauge(const std::string& name, const std::string& help, MetricLabels labels = {}) {
    return family(name, help, MetricForm::Gauge).gauges[std::move(labels)];
  }
  MetricHistogram& histogram(const std::string& name, const std::string& help, std::vector<double> bounds,
                             MetricLabels labels = {}) {
    auto& h = family(name, help, MetricForm::Histogram).histograms[std::move(labels)];
    if (h.counts.empty()) {
      h.counts.resize(bounds.size() + 1);
      h.bounds = std::move(bounds);
    }
    return h;
  }
  // Counters and histograms of the same bounds add up; gauges too (each worker has its part).
  void merge(const Registry& other) {
    for (const auto& [name, from] : other.families_) {
      auto& to = family(name, from.help, from.form);
      for (const auto& [labels, c] : from.counters) to.counters[labels].value += c.value;
      for (const auto& [labels, g] : from.gauges) to.gauges[labels].value += g.value;
      for (const auto& [labels, h] : from.histograms) {
        auto& mine = to.histograms[labels];
        if (mine.counts.empty()) {
          mine = h;
        } else if (mine.bounds == h.bounds) {
          for (std::size_t i = 0; i < h.counts.size(); ++i) mine.counts[i] += h.counts[i];
          mine.sum += h.sum;
          mine.count += h.count;
        }
      }
    }
  }
  const std::map<std::string, MetricFamily>& families() const { return families_; }

 private:
  MetricFamily& family(const std::string& name, const std::string& help, MetricForm form) {
    auto [it, fresh] = families_.try_emplace(name);
    if (fresh) {
      it->second.form = form;
      it->second.help = help;
    }
    return it->second;
  }
  std::map<std::string, MetricFamily> families_;
};

}  // namespace aigrid
