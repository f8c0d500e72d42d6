#include "app/gateway/answers.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "app/gateway/admitted.h"
#include "format/inner/records.h"
#include "format/json/json.h"

namespace aigrid::gateway {

http::Headers standard_headers(const std::string& request_id, Duration took) {
  http::Headers out;
  out.add("x-request-id", request_id);
  out.add("openai-processing-ms", std::to_string(to_ms(took)));
  out.add("openai-version", "2020-10-01");
  return out;
}

void add_retry_headers(http::Headers& headers, const dispatch::action::Fail& failure) {
  headers.set("content-type", "application/json");
  if (failure.retry_after) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(failure.retry_in);
    headers.set("retry-after", std::to_string(seconds.count()));
  }
  if (failure.never_retry) headers.set("x-should-retry", "false");
}

std::string request_id_member(const std::string& request_id) { return "\"request_id\":\"" + request_id + "\""; }

std::string explanation_json(const routing::Tables& tables, const routing::Explanation& explanation) {
  json::Json out = json::Json::array();
  for (const auto& c : explanation.candidates) {
    json::Json one{{"site", tables.sites[c.site].spec.name}};
    if (c.failed != routing::Filter::None) {
      one["removed_by"] = c.rule;
    } else {
      one["predicted_ttft_ms"] = c.score.ttft_ms();
      one["rtt_ms"] = c.score.rtt_ms;
      one["wait_ms"] = c.score.wait_ms;
      one["prefill_ms"] = c.score.prefill_ms;
      one["price_ms"] = c.score.price_ms;
    }
    out.push_back(std::move(one));
  }
  return json::dump(out);
}

namespace {

// A record stays small whatever a client lists. Of sites to avoid the last are left out then; a list that had to be met
// becomes one that nothing meets: "".
constexpr std::size_t kMostNames = 256;
constexpr std::size_t kLongestName = 64;

std::vector<std::string> few(std::vector<std::string> names, bool must_hold) {
  const bool many = names.size() > kMostNames;
  const auto cut = std::erase_if(names, [](const auto& name) { return name.size() > kLongestName; });
  if ((many || cut > 0) && must_hold) return {""};
  if (many) names.resize(std::min(names.size(), kMostNames));
  return names;
}

grid::Asked asked_of(const grid::Intent& intent) {
  return {few(intent.zones, true), intent.data_level, few(intent.regimes, true), few(intent.only_sites, true),
          few(intent.ignore_sites, false)};
}

}  // namespace

void write_record(Services& services, const Admitted& admitted, grid::Record record) {
  record.asked = asked_of(admitted.question.intent);
  const std::string outcome(inner::to_string(record.outcome));
  ++services.meters.requests_by_outcome[record.code.empty() ? outcome : outcome + ":" + record.code];
  if (!record.site.empty()) ++services.meters.requests_by_site[record.site];
  services.env.log().note("request_done", {{"request_id", record.request_id},
                                           {"tenant", record.tenant},
                                           {"model", record.model},
                                           {"site", record.site},
                                           {"node", record.node},
                                           {"outcome", outcome},
                                           {"status", record.status},
                                           {"code", record.code},
                                           {"attempts", record.attempts.size()},
                                           {"prompt_tokens", record.usage.prompt_tokens},
                                           {"completion_tokens", record.usage.completion_tokens},
                                           {"ttft_us", record.ttft_us},
                                           {"total_us", record.total_us}});
  const std::string request_id = record.request_id;
  Generations under;
  auto leaf = leaf_of(record, admitted, services.board, services.audit, under);
  services.audit.append(std::move(leaf), under);
  auto written = services.ledger.write(std::move(record));
  if (!written.ok()) {
    services.env.log().fail("record_not_written", {{"request_id", request_id}, {"why", written.error().message}});
  }
}

}  // namespace aigrid::gateway
