#include "format/inner/rows.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>

namespace aigrid::inner {
namespace {

Reading arbitrary_reading() {
  Reading r;
  r.has = *rc::gen::arbitrary<bool>();
  if (r.has) {
    r.value = static_cast<double>(*rc::gen::arbitrary<std::int32_t>()) / 8;
    r.estimated = *rc::gen::arbitrary<bool>();
  }
  return r;
}

TEST(Rows, NodeReportRoundTrips) {
  EXPECT_TRUE(rc::check("node report", [] {
    NodeReport n;
    n.node = "n" + *rc::gen::string<std::string>();
    for (auto& c : n.node) c = static_cast<char>(c & 0x7f);
    n.bundle_version = *rc::gen::arbitrary<std::uint64_t>();
    n.engines.resize(*rc::gen::inRange<std::size_t>(0, 4));
    for (auto& e : n.engines) {
      e.deployment = "d";
      e.state = "ready";
      e.slots = *rc::gen::arbitrary<std::uint32_t>();
      e.pid = *rc::gen::arbitrary<int>();
      e.prompt_tokens_total = *rc::gen::arbitrary<std::uint64_t>();
      e.decode_tokens_per_s = arbitrary_reading();
    }
    n.power_w = arbitrary_reading();
    n.temperature_c = arbitrary_reading();
    n.disk_fill = arbitrary_reading();
    n.gpus.resize(*rc::gen::inRange<std::size_t>(0, 3));
    for (auto& g : n.gpus) {
      g.name = "H200";
      g.busy = arbitrary_reading();
      g.memory_used_bytes = arbitrary_reading();
    }
    const auto line = encode(n);
    RC_ASSERT(line.find('\n') == line.size() - 1);
    const auto back = decode_node_report(line);
    RC_ASSERT(back.ok());
    RC_ASSERT(back->node == n.node);
    RC_ASSERT(back->power_w.has == n.power_w.has);
    RC_ASSERT(back->power_w.estimated == n.power_w.estimated);
    RC_ASSERT(encode(*back) == line);
  }));
}

TEST(Rows, SiteReportRoundTrips) {
  SiteReport s{"paris", "gw-paris", 7, {{"d", 2, 4, 3, 1, {true, 12.5, false}, {}, {true, 60, true}}}};
  const auto back = decode_site_report(encode(s));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->rows.at(0).free_slots, 3U);
  EXPECT_EQ(back->rows.at(0).wait_ms.value, 12.5);
  EXPECT_FALSE(back->rows.at(0).prefill_tokens_per_s.has);
  EXPECT_TRUE(back->rows.at(0).decode_tokens_per_s.estimated);
}

TEST(Rows, NoReadingIsNullNeverZero) {
  NodeReport n;
  n.node = "n";
  n.load = {true, std::numeric_limits<double>::quiet_NaN(), false};
  const auto line = encode(n);
  EXPECT_NE(line.find("\"load\":null"), std::string::npos);
  EXPECT_NE(line.find("\"power_w\":null"), std::string::npos);
}

TEST(Rows, UnknownMembersAreSkippedAndWrongOnesNamed) {
  EXPECT_TRUE(decode_site_report(R"({"site":"a","later":[1,{}]})").ok());
  const struct {
    const char* line;
    const char* part;
  } cases[] = {
      {R"({"node":7})", "node report.node"},
      {R"({"node":""})", "node is missing"},
      {R"([])", "must be an object"},
      {R"({"node":"n","load":"high"})", "load"},
      {R"({"node":"n","load":{"estimated":null}})", "load"},
      {R"({"node":"n","load":{}})", "load"},
      {R"({"node":"n","engines":{}})", "engines"},
      {R"({"node":"n","engines":[3]})", "engines"},
      {R"({"node":"n","engines":[{"slots":-1}]})", "engines.slots"},
      {R"({"node":"n","engines":[{"slots":4294967296}]})", "engines.slots"},
      {R"({"node":"n")", "not JSON"},
  };
  for (const auto& c : cases) {
    const auto r = decode_node_report(c.line);
    ASSERT_FALSE(r.ok()) << c.line;
    EXPECT_NE(r.error().message.find(c.part), std::string::npos) << r.error().message;
  }
  EXPECT_FALSE(decode_site_report(R"({"site":"a","rows":[{"free_slots":1.5}]})").ok());
}

}  // namespace
}  // namespace aigrid::inner
