#include "app/control/usage_rows.h"

namespace aigrid::control {

std::string query_of(io::Exchange& exchange) {
  const std::string& target = exchange.head().target;
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string() : target.substr(mark + 1);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    if (comma != 0) out.emplace_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return out;
}

json::Json amounts_json(const io::UsageAmounts& a) {
  return {{"requests", a.requests},
          {"prompt_tokens", a.prompt_tokens},
          {"completion_tokens", a.completion_tokens},
          {"cached_tokens", a.cached_tokens},
          {"billed_prompt_tokens", a.billed_prompt_tokens},
          {"billed_completion_tokens", a.billed_completion_tokens},
          {"waived_prompt_tokens", a.waived_prompt_tokens},
          {"waived_completion_tokens", a.waived_completion_tokens},
          {"charge_nano", a.charge_nano},
          {"cost_nano", a.cost_nano}};
}

}  // namespace aigrid::control
