#include "format/openai/intent.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "format/json/json.h"
#include "grid/law.h"

namespace aigrid::openai {

namespace {

// One member of the dictionary: a flag, a number, text (string or token) or a list of texts.
struct Item {
  enum class Form : std::uint8_t { Flag, Number, Text, List } form = Form::Flag;
  bool flag = true;
  double number = 0;
  std::vector<std::string> texts;
  std::vector<std::string> parameters;
};

class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}

  bool at_end() {
    skip_space();
    return rest_.empty();
  }
  std::string_view rest() const { return rest_; }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_space() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
  }
  std::string key() {
    std::size_t n = 0;
    while (n < rest_.size() &&
           ((rest_[n] >= 'a' && rest_[n] <= 'z') ||
            (n > 0 && (rest_[n] == '-' || rest_[n] == '_' || (rest_[n] >= '0' && rest_[n] <= '9'))))) {
      ++n;
    }
    std::string out(rest_.substr(0, n));
    rest_.remove_prefix(n);
    return out;
  }
  bool value(Item& item) {
    if (!take('=')) return parameters(item);
    if (take('(')) {
      item.form = Item::Form::List;
      for (skip_space(); !take(')'); skip_space()) {
        if (rest_.empty() || !text(item)) return false;
      }
      return parameters(item);
    }
    return bare(item) && parameters(item);
  }

 private:
  bool bare(Item& item) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    if (c == '?') {
      if (rest_.size() < 2 || (rest_[1] != '0' && rest_[1] != '1')) return false;
      item.flag = rest_[1] == '1';
      rest_.remove_prefix(2);
      return true;
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
      item.form = Item::Form::Number;
      const auto n = rest_.find_first_not_of("-.0123456789");
      const auto digits = rest_.substr(0, n);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), item.number);
      rest_.remove_prefix(digits.size());
      return error == std::errc() && end == digits.data() + digits.size() && digits.size() <= 16;
    }
    item.form = Item::Form::Text;
    return text(item);
  }
  bool text(Item& item) {
    std::string out;
    if (take('"')) {
      while (!rest_.empty() && rest_.front() != '"') {
        if (rest_.front() == '\\') rest_.remove_prefix(1);
        if (rest_.empty() || static_cast<unsigned char>(rest_.front()) < 0x20) return false;
        out.push_back(rest_.front());
        rest_.remove_prefix(1);
      }
      if (!take('"')) return false;
    } else {
      const auto n = std::min(rest_.find_first_of(" \t,;()=\""), rest_.size());
      if (n == 0) return false;
      out = rest_.substr(0, n);
      rest_.remove_prefix(n);
    }
    item.texts.push_back(std::move(out));
    return true;
  }
  bool parameters(Item& item) {
    while (take(';')) {
      skip_space();
      item.parameters.push_back(key());
      if (item.parameters.back().empty()) return false;
    }
    return true;
  }
  std::string_view rest_;
};

constexpr std::string_view kHeader = "X-AIGrid-Intent";

ApiError wrong(const std::string& message) {
  return {400, "invalid_intent", "header X-AIGrid-Intent: " + message, std::string(kHeader)};
}

std::optional<ApiError> store_number(const std::string& key, const Item& item, grid::Intent& out) {
  if (item.form != Item::Form::Number || !(item.number > 0)) return wrong(key + " must be a positive number");
  if (key == "max-price") {
    if (item.number > 1e9) return wrong("max-price is over 10^9 per million tokens");
    out.max_price_nano = nano_per_token(item.number);
    return std::nullopt;
  }
  out.max_ttft_ms = item.number;
  for (const auto& p : item.parameters) {
    if (p != "require") return wrong("ttft-ms has the parameter ;require, not ;" + p);
    out.require_ttft = true;
  }
  return std::nullopt;
}

std::optional<ApiError> store(const std::string& key, const Item& item, grid::Intent& out) {
  const bool texts = item.form == Item::Form::Text || item.form == Item::Form::List;
  if (key == "zone" || key == "only" || key == "ignore") {
    const bool blank = std::any_of(item.texts.begin(), item.texts.end(), [](const auto& t) { return t.empty(); });
    if (!texts || item.texts.empty() || blank) return wrong(key + R"( must be text or a list such as ("fr" "eu"))");
    auto& list = key == "zone" ? out.zones : key == "only" ? out.only_sites : out.ignore_sites;
    list = item.texts;
    return std::nullopt;
  }
  if (key == "regimes") {
    if (!texts || item.texts.empty()) return wrong(R"(regimes must be text or a list such as ("gdpr" "hipaa"))");
    out.regimes = item.texts;
    return std::nullopt;
  }
  if (key == "data-level") {
    const bool whole = item.form == Item::Form::Number && item.number >= 0 && item.number <= grid::kTopDataLevel &&
                       item.number == std::floor(item.number);
    if (!whole) return wrong("data-level must be a whole number from 0 to 4");
    out.data_level = static_cast<std::uint32_t>(item.number);
    return std::nullopt;
  }
  if (key == "ttft-ms" || key == "max-price") return store_number(key, item, out);
  if (key == "sort") {
    if (!texts || item.texts.size() != 1 || (item.texts[0] != "latency" && item.texts[0] != "price")) {
      return wrong("sort must be latency or price");
    }
    out.sort = item.texts[0] == "price" ? grid::Sort::Price : grid::Sort::Latency;
    return std::nullopt;
  }
  if (key == "tier") {
    if (!texts || item.texts.size() != 1) return wrong("tier must be realtime, standard, economy or batch");
    out.tier = grid::find_tier(item.texts[0]);
    if (!out.tier) return wrong("tier must be realtime, standard, economy or batch");
    return std::nullopt;
  }
  if (key == "fallback" || key == "trace" || key == "dry-run") {
    if (item.form != Item::Form::Flag) return wrong(key + " must be ?0 or ?1");
    (key == "fallback" ? out.allow_fallbacks : key == "trace" ? out.trace : out.dry_run) = item.flag;
    return std::nullopt;
  }
  return wrong(
      "unknown field " + json::quoted(key) +
      "; known are zone, data-level, regimes, ttft-ms, max-price, sort, tier, fallback, only, ignore, trace, dry-run");
}

}  // namespace

std::optional<ApiError> parse_intent_header(std::string_view value, grid::Intent& out) {
  grid::Intent intent = out;
  Fields fields(value);
  std::vector<std::string> seen;
  while (!fields.at_end()) {
    const std::string key = fields.key();
    // RFC 8941 would let the last one win: then whoever adds to the header could widen it.
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) return wrong(key + " stands twice; name it once");
    seen.push_back(key);
    Item item;
    if (key.empty() || !fields.value(item)) {
      return wrong("cannot be read at " + json::quoted(fields.rest().substr(0, 20)) +
                   R"(; write it like zone="fr", ttft-ms=30, sort=latency, fallback=?0)");
    }
    if (auto error = store(key, item, intent)) return error;
    fields.skip_space();
    if (!fields.at_end() && (!fields.take(',') || fields.at_end())) {
      return wrong("fields are separated by commas, got " + json::quoted(fields.rest().substr(0, 20)));
    }
  }
  out = std::move(intent);
  return std::nullopt;
}

}  // namespace aigrid::openai
