#include "format/api/yaml.h"

#include <gtest/gtest.h>

namespace aigrid::api {
namespace {

constexpr const char* kTwo = R"(# places
apiVersion: aigrid/v1
kind: Operator
metadata: {name: op}
spec:
  control: [NO, SE]
---
apiVersion: aigrid/v1
kind: Site
metadata:
  name: oslo
spec:
  kind: edge
  operator: op
  country: NO
  lat: 59.9
  lon: 10.75
  power_limit_w: 300 W
  latt: 3
)";

TEST(Yaml, SeveralDocumentsAndTheLineOfEveryProblem) {
  const auto file = parse_yaml("a.yaml", kTwo);
  ASSERT_EQ(file.resources.size(), 2U);
  EXPECT_EQ(file.resources[0].spec["control"][0], "NO");
  EXPECT_EQ(file.resources[1].source.line, 8);
  ASSERT_EQ(file.problems.size(), 2U);
  EXPECT_EQ(file.problems[0].line, 18);
  EXPECT_EQ(
      to_text(file.problems[0]),
      "a.yaml:18: Site \"oslo\": /spec/power_limit_w: \"300 W\" is text, but power_limit_w is a plain number in W; "
      "write power_limit_w: 300");
  EXPECT_EQ(file.problems[1].line, 19);
  EXPECT_NE(file.problems[1].remedy.find("lat"), std::string::npos);
}

TEST(Yaml, WhatIsNoYamlOrTooMuch) {
  const auto broken = parse_yaml("a.yaml", "a: [1, 2\nb: }");
  ASSERT_EQ(broken.problems.size(), 1U);
  EXPECT_GT(broken.problems[0].line, 0);
  EXPECT_FALSE(parse_yaml("a", std::string((1U << 20U) + 1, ' ')).problems.empty());
  EXPECT_FALSE(parse_yaml("a", std::string(2000, '[')).problems.empty());
  std::string nested;
  for (int i = 0; i < 100; ++i) nested += "[";
  nested += std::string(100, ']');
  EXPECT_NE(parse_yaml("a", nested).problems.at(0).message.find("64 levels"), std::string::npos);
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j == 0 ? "" : ", ") + before;
    bomb += "]\n";
  }
  EXPECT_NE(parse_yaml("a", bomb).problems.at(0).message.find("100000 values"), std::string::npos);
  EXPECT_TRUE(parse_yaml("a", "").problems.empty());
  EXPECT_TRUE(parse_yaml("a", "# only words\n---\n").problems.empty());
  EXPECT_FALSE(parse_yaml("a", "just text").problems.empty());
  EXPECT_NE(parse_yaml("a", ",j").problems.at(0).message.find("does not end"), std::string::npos);
  const auto twice = parse_yaml("a", "apiVersion: aigrid/v1\nkind: Zone\nkind: Site\nmetadata: {name: z}\n");
  EXPECT_NE(twice.problems.at(0).message.find("given twice"), std::string::npos);
  EXPECT_EQ(twice.problems.at(0).line, 3);
}

}  // namespace
}  // namespace aigrid::api
