#include "format/metrics/exposition.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace aigrid::metrics {

namespace {

std::string number(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", v);
}

void escape(std::string& out, std::string_view text, bool quotes) {
  for (char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void write_sample(std::string& out, const std::string& name, const MetricLabels& labels, const std::string& value,
                  const std::string& le = "") {
  out += name;
  if (!labels.empty() || !le.empty()) {
    out += '{';
    bool first = true;
    const auto label = [&](std::string_view key, std::string_view text) {
      if (!first) out += ',';
      first = false;
      out.append(key).append("=\"");
      escape(out, text, true);
      out += '"';
    };
    for (const auto& [key, text] : labels) label(key, text);
    if (!le.empty()) label("le", le);
    out += '}';
  }
  out.append(" ").append(value).append("\n");
}

void write_histogram(std::string& out, const std::string& name, const MetricLabels& labels, const MetricHistogram& h) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < h.counts.size(); ++i) {
    below += h.counts[i];
    std::string le = i < h.bounds.size() ? number(h.bounds[i]) : "+Inf";
    if (le.find_first_not_of("0123456789") == std::string::npos) le += ".0";  // as OpenMetrics writes bounds
    write_sample(out, name + "_bucket", labels, std::to_string(below), le);
  }
  write_sample(out, name + "_sum", labels, number(h.sum));
  write_sample(out, name + "_count", labels, std::to_string(h.count));
}

bool name_char(char c, bool first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || (!first && c >= '0' && c <= '9');
}

class Line {
 public:
  explicit Line(std::string_view text) : rest_(text) {}

  std::optional<Sample> read() {
    Sample s;
    skip();
    s.name = name();
    if (s.name.empty()) return std::nullopt;
    skip();
    if (take('{') && !labels(s.labels)) return std::nullopt;
    skip();
    if (!value(s.value)) return std::nullopt;
    return s;
  }

 private:
  void skip() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string name() {
    std::size_t n = 0;
    while (n < rest_.size() && name_char(rest_[n], n == 0)) ++n;
    std::string out(rest_.substr(0, n));
    rest_.remove_prefix(n);
    return out;
  }
  bool labels(std::map<std::string, std::string>& out) {
    for (skip(); !take('}'); skip()) {
      const std::string key = name();
      skip();
      if (key.empty() || !take('=')) return false;
      skip();
      if (!take('"') || !text(out[key])) return false;
      skip();
      if (!take(',') && (rest_.empty() || rest_.front() != '}')) return false;
    }
    return true;
  }
  bool text(std::string& out) {
    while (!rest_.empty() && rest_.front() != '"') {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '\\' && !rest_.empty()) {
        c = rest_.front() == 'n' ? '\n' : rest_.front();
        rest_.remove_prefix(1);
      }
      out += c;
    }
    return take('"');
  }
  bool value(double& out) {
    const auto end = std::min(rest_.find_first_of(" \t\r"), rest_.size());
    std::string_view word = rest_.substr(0, end);
    if (word == "NaN") {
      out = std::numeric_limits<double>::quiet_NaN();
      return true;
    }
    if (word == "+Inf" || word == "Inf" || word == "-Inf") {
      out = word[0] == '-' ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
      return true;
    }
    if (!word.empty() && word.front() == '+') word.remove_prefix(1);
    const auto r = std::from_chars(word.data(), word.data() + word.size(), out);
    return !word.empty() && r.ec == std::errc() && r.ptr == word.data() + word.size();
  }
  std::string_view rest_;
};

}  // namespace

std::string write(const Registry& registry) {
  std::string out;
  for (const auto& [name, family] : registry.families()) {
    static constexpr std::string_view kForms[] = {"counter", "gauge", "histogram"};
    std::string_view title = name;
    constexpr std::string_view kTotal = "_total";
    if (family.form == MetricForm::Counter && title.ends_with(kTotal)) title.remove_suffix(kTotal.size());
    out.append("# HELP ").append(title).append(" ");
    escape(out, family.help, true);
    out.append("\n# TYPE ")
        .append(title)
        .append(" ")
        .append(kForms[static_cast<std::size_t>(family.form)])
        .append("\n");
    for (const auto& [labels, c] : family.counters) write_sample(out, name, labels, number(c.value));
    for (const auto& [labels, g] : family.gauges) write_sample(out, name, labels, number(g.value));
    for (const auto& [labels, h] : family.histograms) write_histogram(out, name, labels, h);
  }
  out += "# EOF\n";
  return out;
}

std::vector<Sample> parse_metrics(std::string_view text, std::size_t limit) {
  std::vector<Sample> out;
  while (!text.empty() && out.size() < limit) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    if (auto s = Line(line).read()) out.push_back(std::move(*s));
  }
  return out;
}

std::optional<double> sum_of(const std::vector<Sample>& samples, std::string_view name) {
  std::optional<double> sum;
  for (const auto& s : samples) {
    if (s.name == name) sum = sum.value_or(0) + s.value;
  }
  return sum;
}

}  // namespace aigrid::metrics
