#include "world/campaign.h"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

namespace aigrid::world {

using nlohmann::json;

namespace {

constexpr const char* kIntents[] = {
    "", "", "", "", "zone=\"fr\"", "zone=\"both\"", "zone=\"ch\"", "sort=price", "sort=latency", "ignore=(\"lyon\")"};

}  // namespace

GridOptions Campaign::grid_options(const CampaignOptions& options) {
  GridOptions out;
  out.seed = options.seed;
  out.slots = 8;
  out.event_log = options.event_log;
  out.log_level = options.log_level;
  return out;
}

Campaign::Campaign(CampaignOptions options)
    : options_(options), random_(options.seed ^ 0x5eedULL), grid_(grid_options(options)) {
  const auto& sites = grid_.options().sites;
  victim_ = sites[random_.below(sites.size())];
}

void Campaign::run() {
  ASSERT_TRUE(grid_.start()) << grid_.world().log_of("control/control") << grid_.world().log_of("paris/gateway");
  for (const auto& node : grid_.nodes()) before_[node] = grid_.counted(node);
  const auto real = std::chrono::steady_clock::now();
  plan();
  if (options_.kill) {
    grid_.world().run_until(killed_);
    grid_.kill_site(victim_);
  }
  EXPECT_TRUE(grid_.wait_over(asked_, 900s));
  load_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - real).count();
  check_ends();
  check_residency();
  if (options_.kill) grid_.restart_site(victim_);
  EXPECT_TRUE(grid_.wait_ready());
  check_ledger();
}

Ask Campaign::random_ask() {
  Ask out;
  const bool bound = random_.below(10) < 3;
  out.key = bound ? grid_.fr_key() : grid_.free_key();
  out.stream = random_.below(2) == 0;
  out.max_tokens = static_cast<std::uint32_t>(1 + random_.below(12));
  out.intent = kIntents[random_.below(std::size(kIntents))];
  if (random_.below(1000) < options_.leavers_in_1000) {
    out.leave_after = Duration(static_cast<std::int64_t>(random_.below(150'000'000)));
  }
  return out;
}

void Campaign::plan() {
  begin_ = grid_.world().now();
  const auto span = from_ms_f(1000.0 * static_cast<double>(options_.requests) / options_.per_second);
  killed_ = begin_ + span / 2;
  const auto& sites = grid_.options().sites;
  for (std::size_t i = 0; i < options_.requests; ++i) {
    const Time at =
        begin_ + Duration(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(span.count()))));
    std::string from = sites[random_.below(sites.size())];
    // Clients of the site that dies are elsewhere from a while before: theirs is the loss of an ingress, not of a
    // place.
    while (options_.kill && from == victim_ && at > killed_ - 2s) from = sites[random_.below(sites.size())];
    asked_.push_back(grid_.ask_at(at, from, random_ask()));
  }
}

bool Campaign::permitted(const Asked& asked, const std::string& site) const {
  const std::string country = WorldGrid::country_of(site);
  if (asked.ask.key == grid_.fr_key() && country != "FR") return false;
  if (asked.ask.intent == "zone=\"fr\"" && country != "FR") return false;
  if (asked.ask.intent == "zone=\"ch\"" && country != "CH") return false;
  return asked.ask.intent != "ignore=(\"lyon\")" || site != "lyon";
}

std::string Campaign::excuse(const Asked& asked) const {
  bool anywhere = false;
  bool survivor = false;
  for (const auto& site : grid_.options().sites) {
    if (!permitted(asked, site)) continue;
    anywhere = true;
    survivor = survivor || !options_.kill || site != victim_;
  }
  if (asked.left) return "the client left";
  if (!anywhere) return "no site is permitted";
  if (options_.kill && asked.ended >= killed_) {
    if (!survivor) return "all permitted sites are down";
    if (asked.asked <= killed_ && asked.status == 200 && asked.ask.stream) return "its stream was cut";
  }
  return "";
}

void Campaign::check_one(const Asked& asked) const {
  const std::string why = excuse(asked);
  std::ostringstream seen;
  seen << " status " << asked.status << " code " << asked.code << " \"" << asked.why << "\" tokens " << asked.tokens
       << " of " << asked.ask.max_tokens << " intent " << asked.ask.intent
       << (asked.ask.key == grid_.fr_key() ? " fr" : " free") << " gateway " << asked.ask.gateway
       << (asked.ask.stream ? " stream" : " whole") << " asked " << to_ms(asked.asked - killed_) << " ms, ended "
       << to_ms(asked.ended - killed_) << " ms after the kill of " << victim_ << ", " << asked.request_id;
  if (why.empty()) {
    EXPECT_TRUE(asked.complete && asked.status == 200) << seen.str();
  } else if (why == "no site is permitted") {
    EXPECT_EQ(asked.status, 403) << seen.str();
    EXPECT_EQ(asked.code, "data_residency_mismatch") << seen.str();
  } else if (!asked.complete && why != "the client left") {
    EXPECT_FALSE(asked.code.empty()) << "no explicit end:" << seen.str();
  }
  if (!asked.complete) return;
  EXPECT_EQ(asked.tokens, asked.ask.max_tokens) << seen.str();
  std::string text;
  for (std::uint32_t n = 0; n < asked.ask.max_tokens; ++n) text += token_text(n);
  EXPECT_EQ(asked.text, text) << seen.str();
  EXPECT_TRUE(permitted(asked, asked.site)) << seen.str();
  if (options_.kill && asked.asked > killed_) EXPECT_NE(asked.site, victim_) << seen.str();
}

void Campaign::check_ends() const {
  for (const auto& asked : asked_) check_one(*asked);
}

void Campaign::check_residency() const {
  // Abroad, engines have seen no more than what the free tenant was answered from there, probes aside.
  std::uint64_t free_abroad = 0;
  for (const auto& asked : asked_) {
    if (asked->site == "zurich" || asked->site.empty())
      free_abroad += asked->ask.key == grid_.free_key() ? asked->ask.max_tokens : 0;
  }
  const std::uint64_t abroad = grid_.counted("zurich-1").completion_tokens - before_.at("zurich-1").completion_tokens;
  EXPECT_LE(abroad, free_abroad);
}

std::vector<RecordLine> Campaign::records() const {
  std::vector<RecordLine> out;
  for (const auto& site : grid_.options().sites) {
    const std::string& log = grid_.world().log_of(WorldGrid::gateway_host(site));
    for (std::size_t at = 0; (at = log.find("\"request_done\"", at)) != std::string::npos; ++at) {
      const auto begin = log.rfind('\n', at) + 1;
      const json line = json::parse(log.substr(begin, log.find('\n', at) - begin), nullptr, false);
      if (!line.is_object()) continue;
      RecordLine record;
      record.request_id = line.value("request_id", "");
      record.node = line.value("node", "");
      record.outcome = line.value("outcome", "");
      record.prompt_tokens = line.value("prompt_tokens", std::uint64_t{0});
      record.completion_tokens = line.value("completion_tokens", std::uint64_t{0});
      out.push_back(std::move(record));
    }
  }
  return out;
}

// Tokens of finished answers by the node that made them: of a stream that went on elsewhere, each its part.
std::map<std::string, std::uint64_t> Campaign::made_by_node(const std::vector<RecordLine>& all) const {
  std::map<std::string, std::uint64_t> out;
  std::map<std::string, std::uint64_t> before;  // by request: made elsewhere, before its last node
  for (const auto& site : grid_.options().sites) {
    std::map<std::string, std::string> from;  // by request: the node that its stream went on at last
    const std::string& log = grid_.world().log_of(WorldGrid::gateway_host(site));
    for (std::size_t at = 0; (at = log.find("\"stream_resumed\"", at)) != std::string::npos; ++at) {
      const auto begin = log.rfind('\n', at) + 1;
      const json line = json::parse(log.substr(begin, log.find('\n', at) - begin), nullptr, false);
      if (!line.is_object()) continue;
      const std::string id = line.value("request_id", "");
      const auto tokens = line.value("from_tokens", std::uint64_t{0});
      if (from.contains(id)) out[from[id]] += tokens - before[id];
      from[id] = line.value("node", "");
      before[id] = tokens;
    }
  }
  for (const auto& record : all) out[record.node] += record.completion_tokens - before[record.request_id];
  return out;
}

void Campaign::check_ledger() {
  const auto all = records();
  std::map<std::string, const RecordLine*> by_id;
  std::map<std::string, std::uint64_t> finished_on = made_by_node(all);
  std::uint64_t prompt = 0;
  std::uint64_t completion = 0;
  for (const auto& record : all) {
    EXPECT_TRUE(by_id.emplace(record.request_id, &record).second) << "two records of " << record.request_id;
    prompt += record.prompt_tokens;
    completion += record.completion_tokens;
  }
  std::size_t leavers = 0;
  for (const auto& asked : asked_) {
    if (asked->left) ++leavers;
    if (asked->left && asked->request_id.empty()) continue;
    const auto record = by_id.find(asked->request_id);
    if (record == by_id.end()) {
      ADD_FAILURE() << "no record of " << asked->request_id << ", status " << asked->status;
      continue;
    }
    if (!asked->complete) continue;
    EXPECT_EQ(record->second->outcome, "finished");
    EXPECT_EQ(record->second->completion_tokens, asked->tokens);
    EXPECT_EQ(record->second->prompt_tokens, asked->prompt_tokens);
    EXPECT_EQ(record->second->node, asked->node);
  }
  EXPECT_LE(all.size(), asked_.size());
  if (leavers == 0) EXPECT_EQ(all.size(), asked_.size());
  const json usage = grid_.settled_usage();
  EXPECT_EQ(usage.value("requests", std::uint64_t{0}), all.size());
  EXPECT_EQ(usage.value("prompt_tokens", std::uint64_t{0}), prompt);
  EXPECT_EQ(usage.value("completion_tokens", std::uint64_t{0}), completion);
  // An engine that outlived everything has made exactly what was recorded, but for answers whose clients left.
  for (const auto& node : grid_.nodes()) {
    if (options_.kill && WorldGrid::site_of(node) == victim_) continue;
    const std::uint64_t made = grid_.counted(node).completion_tokens - before_[node].completion_tokens;
    EXPECT_GE(made, finished_on[node]) << node;
    if (leavers == 0) EXPECT_EQ(made, finished_on[node]) << node;
  }
}

}  // namespace aigrid::world
