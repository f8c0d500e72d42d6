#include "app/cli/resource_files.h"

#include <gtest/gtest.h>

#include "io/env/virtual_world.h"

namespace aigrid::cli {
namespace {

constexpr const char* kZone = "apiVersion: aigrid/v1\nkind: Zone\nmetadata: {name: fr}\nspec:\n  jurisdictions: [FR]\n";
constexpr const char* kWrong = "apiVersion: aigrid/v1\nkind: Zone\nmetadata: {name: x}\nspec:\n  jurisdiction: [FR]\n";

io::Task<void> reads_folders(io::Env& env) {
  io::Files& files = env.files();
  EXPECT_TRUE(files.make_folders("/c/empty").ok());
  EXPECT_TRUE(files.replace("/c/a.yaml", kZone).ok());
  EXPECT_TRUE(files.replace("/c/b.yml", kWrong).ok());
  EXPECT_TRUE(files.replace("/c/notes.txt", "not: [yaml").ok());
  auto read = read_resources(files, {"/c"});
  EXPECT_TRUE(read.ok());
  EXPECT_EQ(read->resources.at(0).name, "fr");
  EXPECT_EQ(read->problems.size(), 1U);
  EXPECT_EQ(read->problems.at(0).file, "/c/b.yml");
  EXPECT_EQ(read->problems.at(0).line, 5);
  EXPECT_FALSE(read_resources(files, {"/c/empty"}).ok());
  EXPECT_FALSE(read_resources(files, {"/nowhere"}).ok());
  co_return;
}

TEST(ResourceFiles, reads_folders_and_reports_all_problems) {
  io::VirtualWorld world(1);
  world.add_host("paris/test");
  bool done = false;
  world.spawn("paris/test", [&](io::Env& env) -> io::Task<void> {
    return [](io::Env& e, bool& d) -> io::Task<void> {
      co_await reads_folders(e);
      d = true;
    }(env, done);
  });
  EXPECT_TRUE(world.run_until([&] { return done; }, 10s));
}

TEST(ResourceFiles, problems_of_an_answer_become_lines) {
  const auto lines = problems_of(
      R"({"code":"invalid","errors":[{"file":"a.yaml","line":3,"kind":"Site","name":"x","pointer":"/spec/lat",)"
      R"("message":"is 91","remedy":"use -90 to 90"},)"
      R"({"file":"b.yaml","line":1,"kind":"Node","name":"n","pointer":"","message":"m","remedy":"r"}]})");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find("a.yaml:3"), std::string::npos);
  EXPECT_NE(lines[0].find("use -90 to 90"), std::string::npos);
  EXPECT_TRUE(problems_of("nonsense").empty());
}

}  // namespace
}  // namespace aigrid::cli
