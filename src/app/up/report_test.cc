#include "app/up/report.h"

#include <gtest/gtest.h>

#include "app/up/remembered.h"
#include "format/json/json.h"

namespace aigrid::up {
namespace {

GridReport example() {
  GridReport r;
  r.bin = "/x/aigrid";
  r.env = {{"AIGRID_MANAGEMENT", "http://127.0.0.1:1"}};
  r.management = "http://127.0.0.1:1";
  r.admin_key = "secret";
  r.chat_model = "m";
  r.control_pid = 7;
  r.sites = {{"paris", "FR", "http://127.0.0.1:2", {8, 9}}};
  r.nodes = {{"paris-1",
              "paris",
              9,
              {{"llama.cpp", "m", 10, "unix:/s", "hush"}, {"openai", "e", 11, "http://127.0.0.1:3", ""}}}};
  r.tenants = {{"acme", "agk1_a", ""}, {"mairie", "agk1_b", "fr"}};
  r.links = {{"paris", "control", "/r.sock"}};
  return r;
}

TEST(Report, has_the_shape_scripts_rely_on) {
  EXPECT_EQ(encode(example()),
            R"({"bin":"/x/aigrid","env":{"AIGRID_MANAGEMENT":"http://127.0.0.1:1"},"management":"http://127.0.0.1:1",)"
            R"("admin_key":"secret","models":{"chat":"m","embedding":null},"control":{"pid":7},)"
            R"("sites":[{"name":"paris","country":"FR","gateway":"http://127.0.0.1:2","pids":[8,9]}],)"
            R"("nodes":[{"name":"paris-1","site":"paris","pid":9,"engines":[)"
            R"({"driver":"llama.cpp","model":"m","pid":10,"url":"unix:/s","secret":"hush"},)"
            R"({"driver":"openai","model":"e","pid":11,"url":"http://127.0.0.1:3"}]}],)"
            R"("tenants":[{"name":"acme","key":"agk1_a","zone":null},{"name":"mairie","key":"agk1_b","zone":"fr"}],)"
            R"("links":[{"a":"paris","b":"control","relay":"/r.sock"}]})"
            "\n");
}

TEST(Report, is_read_again_by_the_cli) {
  const auto read = decode_report(encode(example()));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->management, "http://127.0.0.1:1");
  EXPECT_EQ(read->chat_model, "m");
  ASSERT_EQ(read->tenants.size(), 2U);
  EXPECT_EQ(read->tenants[0].zone, "");
  EXPECT_EQ(read->tenants[1].key, "agk1_b");
  EXPECT_EQ(read->links.at(0).relay, "/r.sock");
  EXPECT_FALSE(decode_report("{").ok());
  EXPECT_FALSE(decode_report(R"({"sites":[1]})").ok());
}

TEST(Remembered, comes_back_as_it_was) {
  Remembered r;
  r.ports = {{"a.public", 10001}, {"b", 2}};
  r.admin_key = "k";
  r.engine_secret = "s";
  r.tenant_keys = {{"acme", "agk1_a"}};
  r.joined = {"gateway-a"};
  const auto read = decode_remembered(encode(r));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, r);
  EXPECT_EQ(decode_remembered("nonsense").error().code, Code::DataLoss);
  EXPECT_EQ(decode_remembered(R"({"admin_key":3})").error().code, Code::DataLoss);
}

}  // namespace
}  // namespace aigrid::up
