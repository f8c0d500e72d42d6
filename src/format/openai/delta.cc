#include "format/openai/delta.h"

#include <simdjson.h>

namespace aigrid::openai {

struct DeltaText::Parser {
  simdjson::ondemand::parser json;
  simdjson::padded_string padded;
};

DeltaText::DeltaText() : parser_(std::make_unique<Parser>()) {}
DeltaText::~DeltaText() = default;

std::string DeltaText::of(std::string_view events) {
  constexpr std::string_view kData = "data: ";
  std::string out;
  while (!events.empty()) {
    const auto end = events.find('\n');
    std::string_view line = events.substr(0, end);
    events.remove_prefix(end == std::string_view::npos ? events.size() : end + 1);
    if (!line.starts_with(kData)) continue;
    line.remove_prefix(kData.size());
    parser_->padded = simdjson::padded_string(line);
    simdjson::ondemand::document document;
    if (parser_->json.iterate(parser_->padded).get(document) != simdjson::SUCCESS) continue;
    std::string_view text;
    if (document["choices"].at(0)["delta"]["content"].get_string().get(text) == simdjson::SUCCESS) out += text;
  }
  return out;
}

}  // namespace aigrid::openai
