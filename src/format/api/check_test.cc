#include "format/api/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "format/api/yaml.h"

namespace aigrid::api {
namespace {

std::vector<Problem> problems_of(const std::string& specs) {
  std::string text;
  std::istringstream in(specs);
  for (std::string line; std::getline(in, line);) {
    const auto kind_end = line.find(' ');
    const auto name_end = line.find(' ', kind_end + 1);
    text += "apiVersion: aigrid/v1\nkind: " + line.substr(0, kind_end) +
            "\nmetadata: {name: " + line.substr(kind_end + 1, name_end - kind_end - 1) +
            "}\nspec: " + line.substr(name_end + 1) + "\n---\n";
  }
  const auto file = parse_yaml("f.yaml", text);
  EXPECT_TRUE(file.problems.empty()) << to_text(file.problems.at(0));
  return to_inventory(file.resources).problems;
}

const std::string kPlaces =
    "Operator op {control: [FR]}\n"
    "Site paris {kind: edge, operator: op, country: FR, lat: 1, lon: 2}\n"
    "Site lyon {kind: campus, operator: op, country: FR, lat: 1, lon: 2}\n"
    "Node paris-1 {site: paris}\n"
    "Model smol {context_tokens: 2048, aliases: [s]}\n"
    "Tenant mairie {}\n";

TEST(Check, SaysWhatIsWrongAcrossResources) {
  EXPECT_TRUE(problems_of(kPlaces).empty());
  const struct {
    const char* more;
    const char* pointer;
    const char* part;
  } cases[] = {
      {"Node x {site: pariss}\n", "/spec/site", "did you mean \"paris\"?"},
      {"Site x {kind: edge, operator: ops, country: FR, lat: 1, lon: 2}\n", "/spec/operator",
       "Operator \"ops\" does not exist"},
      {"Tenant t {zone: fr}\n", "/spec/zone", "there is none"},
      {"Deployment d {model: smol, nodes: [paris-2]}\n", "/spec/nodes/0", "did you mean \"paris-1\"?"},
      {"Deployment d {model: smol, nodes: [paris-1, paris-1]}\n", "/spec/nodes/1", "listed twice"},
      {"Deployment d {model: smol, nodes: [paris-1], context_tokens: 4096}\n", "/spec/context_tokens", "over the 2048"},
      {"Deployment d {model: smol, nodes: [paris-1], max_output_tokens: 4096}\n", "/spec/max_output_tokens",
       "over context_tokens"},
      {"Deployment d {model: smol, nodes: [paris-1], url: x}\n", "/spec/url", "driver openai"},
      {"Site paris {kind: hub, operator: op, country: FR, lat: 1, lon: 2}\n", "/metadata/name", "defined twice"},
      {"Zone z {}\n", "/spec", "is empty"},
      {"Zone z {include: [z]}\n", "/spec/include", "cyclic: z → z"},
      {"Link l {a: paris, b: paris}\n", "/spec/b", "both ends"},
      {"Link l {a: paris, b: lyonn}\n", "/spec/b", "did you mean \"lyon\"?"},
      {"Link l {a: paris, b: lyon, dial: {madrid: 'x:1'}}\n", "/spec/dial/madrid", "no end of this link"},
      {"Link l {a: paris, b: lyon}\nLink m {a: lyon, b: paris}\n", "/spec", "joined by \"l\" already"},
      {"Link l {a: paris, b: lyon, source: guessed}\n", "/spec/source", "neither measured nor derived"},
      {"Node x {site: paris, nameplate_w: 5, idle_w: 6}\n", "/spec/idle_w", "over nameplate_w"},
      {"Model m {context_tokens: 5, aliases: [smol]}\n", "/spec/aliases/0", "already the name"},
      {"Model m {context_tokens: 5, aliases: [s]}\n", "/spec/aliases/0", "of model \"smol\""},
      {"PriceBook p {currency: EUR, prices: [{model: smoll, input_nano_per_token: 1, output_nano_per_token: 1}]}\n",
       "/spec/prices/0/model", "did you mean \"smol\"?"},
  };
  for (const auto& c : cases) {
    const auto problems = problems_of(kPlaces + c.more);
    ASSERT_EQ(problems.size(), 1U) << c.more;
    EXPECT_EQ(problems[0].pointer, c.pointer) << c.more;
    EXPECT_NE(to_text(problems[0]).find(c.part), std::string::npos) << to_text(problems[0]);
    EXPECT_GT(problems[0].line, 0);
  }
}

TEST(Check, CyclesAreNamedAndControlIsAnEnd) {
  const auto problems = problems_of(
      "Zone a {include: [b]}\nZone b {exclude: [c], jurisdictions: [FR]}\nZone c {include: [a]}\n"
      "Zone d {include: [a]}\n");
  EXPECT_EQ(problems.size(), 3U) << "each zone on the cycle, not the one that leads to it";
  EXPECT_TRUE(problems_of(kPlaces + "Link l {a: paris, b: control, dial: {paris: 'x:1'}}\n").empty());
  EXPECT_TRUE(problems_of(kPlaces + "Link l {a: paris, b: lyon, dial: {paris/lyon-2: 'x:1'}}\n").empty());
}

TEST(Check, AllProblemsAtOnce) {
  EXPECT_EQ(problems_of(kPlaces + "Node x {site: q}\nNode y {site: q}\nTenant t {zone: z, price_book: p}\nZone e {}\n")
                .size(),
            5U);
}

TEST(Check, ExamplesAreClean) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(AIGRID_EXAMPLES "/europe")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  ASSERT_GT(files.size(), 5U);
  std::vector<Resource> all;
  for (const auto& path : files) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    auto file = parse_yaml(path.filename(), text.str());
    for (const auto& p : file.problems) ADD_FAILURE() << to_text(p);
    EXPECT_FALSE(file.resources.empty()) << path;
    for (auto& r : file.resources) all.push_back(std::move(r));
  }
  const auto checked = to_inventory(all);
  for (const auto& p : checked.problems) ADD_FAILURE() << to_text(p);
  EXPECT_EQ(checked.inventory.sites.size(), 6U);
  EXPECT_EQ(checked.inventory.zones.size(), 4U);
}

TEST(Check, AFieldErrorHidesNoDanglingReference) {
  std::vector<Problem> shape;
  const auto bad = parse_json(
      Json{{"apiVersion", kApiVersion},
           {"kind", "Site"},
           {"metadata", {{"name", "nice"}}},
           {"spec", {{"kind", "edge"}, {"operator", "nobody"}, {"country", "FR"}, {"lat", 143}, {"lon", 7}}}},
      shape);
  ASSERT_TRUE(bad);
  const auto problems = to_inventory({*bad}).problems;
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[0].pointer, "/spec/lat");
  EXPECT_EQ(problems[1].pointer, "/spec/operator");
}

}  // namespace
}  // namespace aigrid::api
