#include "format/api/resource.h"

#include <gtest/gtest.h>

#include "format/json/json.h"

namespace aigrid::api {
namespace {

Resource site(const char* spec) {
  Resource r;
  r.kind = Kind::Site;
  r.name = "paris";
  r.spec = *json::parse(spec);
  r.source = {"sites.yaml", 3, {{"/spec/lat", 9}}};
  return r;
}

constexpr const char* kGood =
    R"({"kind":"edge","operator":"op","country":"FR","lat":48.85,"lon":2.35,"power_limit_w":500,"attributes)"
    R"(":{"iso27001":true}})";

TEST(Resource, DecodesAndWritesBack) {
  std::vector<Problem> problems;
  const auto noun = decode(site(kGood), problems);
  ASSERT_TRUE(noun) << to_text(problems.at(0));
  const auto& s = std::get<grid::Site>(*noun);
  EXPECT_EQ(s.kind, grid::SiteKind::Edge);
  EXPECT_EQ(s.operator_name, "op");
  EXPECT_EQ(s.jurisdiction, "FR") << "the country's law where nothing else is said";
  EXPECT_EQ(s.attributes.at("iso27001"), "true");
  EXPECT_EQ(to_json(*noun)["operator"], "op");
  EXPECT_EQ(to_json(*noun)["kind"], "edge");
}

// Every kind: what is written decodes to what was written, in both layouts.
TEST(Resource, EveryKindRoundTrips) {
  for (std::size_t k = 0; k < kKinds; ++k) {
    const auto kind = static_cast<Kind>(k);
    Resource r;
    r.kind = kind;
    r.name = kind == Kind::ApiKey ? "0123456789abcdef" : "a";
    for (const auto& f : fields(kind)) {
      if (f.name == "sha256" || f.name == "hash") {
        r.spec[f.name] = std::string(64, '0');
      } else if (f.name == "currency") {
        r.spec[f.name] = "EUR";
      } else if (!f.choices.empty()) {
        r.spec[f.name] = f.choices.back();
      } else if (f.type == "text") {
        r.spec[f.name] = "FR";
      } else if (f.type == "true/false") {
        r.spec[f.name] = true;
      } else if (f.type == "list of text") {
        r.spec[f.name] = Json::array({"FR"});
      } else if (f.type == "map of text") {
        r.spec[f.name] = Json{{"k", "v"}};
      } else if (f.type == "list of prices") {
        r.spec[f.name] = Json::array({Json{{"model", "m"}, {"input_nano_per_token", 5}, {"output_nano_per_token", 6}}});
      } else if (f.name == "certs") {
        r.spec[f.name] = Json::array({Json{{"name", "a"}, {"until", "2027-01-01"}}});
      } else if (f.name == "examples") {
        r.spec[f.name] =
            Json::array({Json{{"name", "a"}, {"action", "admin"}, {"expect", "denied"}, {"data_level", 3}}});
      } else if (f.type == "list of objects") {
        r.spec[f.name] = Json::array({Json{{"actions", {"route"}}, {"zone", "*"}, {"data_level", 0}}});
      } else if (f.type == "limits") {
        r.spec[f.name] = Json{{"requests_per_minute", 5}, {"spend_nano_per_day", 7}};
      } else {
        r.spec[f.name] = f.max && *f.max < 7 ? 4 : 7;
      }
    }
    std::vector<Problem> problems;
    const auto noun = decode(r, problems);
    ASSERT_TRUE(noun) << to_string(kind) << ": " << to_text(problems.at(0));
    EXPECT_EQ(to_json(*noun), r.spec) << to_string(kind);
    Resource compact = to_resource(*noun);
    compact.spec = to_json(*noun, Layout::Compact);
    const auto again = decode(compact, problems);
    ASSERT_TRUE(again);
    EXPECT_EQ(to_json(*again), r.spec);
    EXPECT_FALSE(fields_markdown(kind).empty());
    EXPECT_EQ(parse_kind(to_string(kind)), kind);
    EXPECT_EQ(parse_plural(plural(kind)), kind);
  }
}

TEST(Resource, LimitsAreReadWithHintsAndSkippedWhereABundleIsNewer) {
  Resource r;
  r.kind = Kind::Project;
  r.name = "a";
  r.spec = Json{{"tenant", "t"}, {"limits", {{"request_per_minute", 5}, {"tokens_per_minute", "5k"}}}};
  std::vector<Problem> problems;
  EXPECT_FALSE(decode(r, problems));
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].pointer, "/spec/limits/tokens_per_minute");
  EXPECT_EQ(problems[0].remedy, "write tokens_per_minute: 5000");
  EXPECT_EQ(problems[1].pointer, "/spec/limits/request_per_minute");
  EXPECT_EQ(problems[1].remedy, "did you mean requests_per_minute?");
  r.spec["limits"] = Json{{"of_tomorrow", 5}, {"concurrent_requests", 3}};
  problems.clear();
  const auto noun = decode(r, problems, Unknown::Skip);
  ASSERT_TRUE(noun);
  EXPECT_EQ(std::get<grid::Project>(*noun).limits.concurrent_requests, 3U);
  for (const auto& bad : {Json(-1), Json(1.5), Json("many"), Json(1e12)}) {
    r.spec["limits"] = Json{{"concurrent_requests", bad}};
    EXPECT_FALSE(decode(r, problems)) << bad;
  }
}

TEST(Resource, EveryProblemAtOnceWithItsPlaceAndRemedy) {
  std::vector<Problem> problems;
  EXPECT_FALSE(decode(site(R"({"kind":"egde","operator":5,"country":"france","lat":91,"power_limit_w":"300 kW",
                              "cooling_limit_c":"27C","longitude":2})"),
                      problems));
  const struct {
    const char* pointer;
    const char* part;
  } expected[] = {{"/spec/kind", "did you mean edge?"},
                  {"/spec/operator", "must be text, got 5"},
                  {"/spec/country", "ISO 3166-1"},
                  {"/spec/lat", "outside -90 to 90"},
                  {"/spec/lon", "lon is missing"},
                  {"/spec/power_limit_w", "write power_limit_w: 300000"},
                  {"/spec/cooling_limit_c", "write cooling_limit_c: 27"},
                  {"/spec/longitude", "unknown field"}};
  ASSERT_EQ(problems.size(), std::size(expected));
  for (std::size_t i = 0; i < problems.size(); ++i) {
    EXPECT_EQ(problems[i].pointer, expected[i].pointer);
    EXPECT_NE(to_text(problems[i]).find(expected[i].part), std::string::npos) << to_text(problems[i]);
    EXPECT_EQ(problems[i].file, "sites.yaml");
    EXPECT_EQ(problems[i].line, problems[i].pointer == "/spec/lat" ? 9 : 3);
  }
}

TEST(Resource, BundlesOfANewerControlPlaneDecode) {
  std::vector<Problem> problems;
  auto r = site(kGood);
  r.spec["invented_later"] = 1;
  EXPECT_TRUE(decode(r, problems, Unknown::Skip));
  EXPECT_FALSE(decode(r, problems));
}

TEST(Resource, Names) {
  for (const char* bad : {"", "A", "-a", ".a", "a b", "a/b", "..", "a..b", "é", "a\n"})
    EXPECT_FALSE(valid_name(Kind::Site, bad)) << bad;
  EXPECT_FALSE(valid_name(Kind::Site, std::string(64, 'a')));
  EXPECT_TRUE(valid_name(Kind::Site, "paris-1.b_c"));
  EXPECT_TRUE(valid_name(Kind::Model, "Meta/Llama-3:8b"));
}

TEST(Resource, JsonShape) {
  const auto good =
      R"({"apiVersion":"aigrid/v1","kind":"Site","metadata":{"name":"paris","labels":{"a":"b"}},"spec":{},"st)"
      R"(atus":{}})";
  std::vector<Problem> problems;
  const auto r = parse_json(*json::parse(good), problems);
  ASSERT_TRUE(r);
  EXPECT_EQ(parse_json(to_json(*r), problems)->labels, r->labels);
  for (const char* bad : {"[]", "{}", R"({"apiVersion":"aigrid/v2","kind":"Site","metadata":{"name":"a"}})",
                          R"({"apiVersion":"aigrid/v1","kind":"Sight","metadata":{"name":"a"}})",
                          R"({"apiVersion":"aigrid/v1","kind":"Site","metadata":[]})",
                          R"({"apiVersion":"aigrid/v1","kind":"Site","metadata":{"name":"a"},"specs":{}})",
                          R"({"apiVersion":"aigrid/v1","kind":"Site","metadata":{"name":"a","nmae":"b"}})"}) {
    problems.clear();
    EXPECT_FALSE(parse_json(*json::parse(bad), problems)) << bad;
    EXPECT_FALSE(problems.empty());
  }
}

}  // namespace
}  // namespace aigrid::api
