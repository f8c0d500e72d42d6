#include <gtest/gtest.h>

#include "app/cli/status_table.h"
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
