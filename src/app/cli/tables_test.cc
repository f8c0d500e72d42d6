#include <gtest/gtest.h>

#include "app/cli/status_table.h"
#include "app/cli/usage_table.h"
#include "app/cli/yaml_text.h"

namespace aigrid::cli {
namespace {

using Json = nlohmann::json;

TEST(StatusTable, counts_what_is_up_and_names_the_first_trouble) {
  const auto status = Json::parse(
      R"({"gateways":[{"name":"paris","site":"paris","connected":true},
      {"name":"lyon","site":"lyon","connected":false}],
    "nodes":[{"name":"paris-1","site":"paris","connected":true,
      "report":{"engines":[
      {"deployment":"chat","state":"ready","slots":2,"running":1,"queued":3},
      {"deployment":"e5","state":"failed","reason":"no model"}]}}],
    "links":[{"a":"lyon","b":"paris","seen_by":[{"up":true,"rtt_ms":8.6,"jitter_ms":0.1,"losses":1},
      {"up":true,"rtt_ms":9.04,"jitter_ms":0.2,"losses":0}]},
             {"a":"lyon","b":"zurich","seen_by":[]}]})");
  EXPECT_EQ(status_tables(status),
            "SITE   GATEWAYS  NODES  ENGINES  RUNNING  QUEUED  STATE\n"
            "lyon   0/1       0/0    0/0      0/0      0       gateway lyon is not connected\n"
            "paris  1/1       1/1    1/2      1/2      3       e5 on paris-1 is failed: no model\n"
            "\n"
            "LINK          STATE         RTT ms  JITTER ms  LOSSES\n"
            "lyon  paris   up            9.0     0.2        0\n"
            "lyon  zurich  not measured  -       -          -\n");
  EXPECT_EQ(status_tables(Json::object()), "SITE  GATEWAYS  NODES  ENGINES  RUNNING  QUEUED  STATE\n");
}

TEST(UsageTable, sums) {
  const auto usage = Json::parse(R"({"total":{"requests":3,"prompt_tokens":30,"completion_tokens":9,"charge_nano":1500},
    "by_tenant":[{"tenant":"acme","requests":3,"prompt_tokens":30,"completion_tokens":9,"charge_nano":1500}]})");
  EXPECT_EQ(usage_table(usage),
            "TENANT  REQUESTS  PROMPT TOKENS  COMPLETION TOKENS  CHARGE\n"
            "acme    3         30             9                  0.000001500\n"
            "total   3         30             9                  0.000001500\n");
}

TEST(UsageTable, columns_that_were_asked_for_and_what_needs_a_look) {
  const auto usage = Json::parse(R"({"by":["day","site"],"total":{"requests":2,"charge_nano":9223372036854775807},
    "rows":[{"day":"2026-11-22","site":"lyon","requests":2,"charge_nano":9223372036854775807}],
    "waived":[{"reason":"retry","bearer":"site","prompt_tokens":5,"cost_nano":50}],
    "unknown":[{"tenant":"../x","model":"m","requests":1}],
    "in_question":[{"source":"gw","epoch":2,"sequence":3,"request_id":"r","why":"came twice"}]})");
  EXPECT_EQ(usage_table(usage),
            "DAY         SITE  REQUESTS  PROMPT TOKENS  COMPLETION TOKENS  CHARGE\n"
            "2026-11-22  lyon  2         0              0                  9223372036.854775807\n"
            "total       -     2         0              0                  9223372036.854775807\n"
            "\n"
            "WAIVED  BORNE BY  PROMPT TOKENS  COMPLETION TOKENS  COST\n"
            "retry   site      5              0                  0.000000050\n"
            "\n"
            "UNKNOWN TENANT OR MODEL     REQUESTS  PROMPT TOKENS  COMPLETION TOKENS  CHARGE\n"
            "../x                     m  1         0              0                  0.000000000\n"
            "\n"
            "RECORD IN QUESTION  REQUEST  WHY\n"
            "gw 2/3              r        came twice\n");
}

TEST(UsageTable, settlement) {
  const auto usage = Json::parse(R"({"settlement":[{"debtor":"a","creditor":"b","currency":"EUR","margin_ppm":52500,
    "prompt_tokens":5,"completion_tokens":10,"cost_nano":300,"owed_nano":316}]})");
  EXPECT_EQ(settlement_table(usage),
            "OWES  TO  CURRENCY  PROMPT TOKENS  COMPLETION TOKENS  COST         MARGIN %  OWED\n"
            "a     b   EUR       5              10                 0.000000300  5.2500    0.000000316\n");
  EXPECT_NE(settlement_table(Json::object()).find("Nobody owes"), std::string::npos);
  EXPECT_EQ(money_text(std::numeric_limits<std::int64_t>::min()), "-9223372036.854775808");
}

TEST(YamlText, quotes_what_yaml_would_read_otherwise) {
  const auto value =
      Json::parse(R"({"a":[{"b":1,"c":[]},"x y"],"country":"NO","name":"paris","empty":{},"n":null,"t":"12","f":1.5})");
  EXPECT_EQ(yaml_text(value),
            "a:\n"
            "  - b: 1\n"
            "    c: []\n"
            "  - \"x y\"\n"
            "country: \"NO\"\n"
            "empty: {}\n"
            "f: 1.5\n"
            "\"n\": null\n"
            "name: paris\n"
            "t: \"12\"\n");
  EXPECT_EQ(yaml_text(Json::array()), "[]\n");
}

}  // namespace
}  // namespace aigrid::cli
