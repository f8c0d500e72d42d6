// Where a request says what it wants: headers that come twice, hosts by their names, bodies. Each only narrows.
#include <gtest/gtest.h>

#include "world/grid.h"

namespace aigrid::world {
namespace {

using nlohmann::json;

class Channels : public testing::Test {
 protected:
  static GridOptions options() {
    GridOptions out;
    out.sites = {"lyon", "zurich"};
    return out;
  }
  void SetUp() override { ASSERT_TRUE(grid_.start()); }

  static io::Task<void> talk(io::Env& env, io::Address to, std::string text, std::string& out, bool& done) {
    auto stream = co_await env.dial(to, 5s);
    if (stream.ok()) {
      (void)(co_await io::write_all(env, **stream, text)).ok();
      std::string piece(4096, '\0');
      for (;;) {
        const auto got = co_await io::read_some(env, **stream, piece);
        if (!got.ok() || *got == 0) break;
        out.append(piece, 0, *got);
      }
    }
    done = true;
  }
  // `head`: lines of the head after the first, without authorization; what came back, whole.
  std::string raw(const std::string& lines, const std::string& more = "", const std::string& version = "1.1",
                  const std::string& target = "/v1/chat/completions") {
    const std::string body =
        R"({"model":"small","max_tokens":2,"messages":[{"role":"user","content":"hi"}])" + more + "}";
    const std::string text = "POST " + target + " HTTP/" + version +
                             "\r\nconnection: close\r\ncontent-length: " + std::to_string(body.size()) + "\r\n" +
                             lines + "\r\n" + body;
    std::string out;
    bool done = false;
    grid_.world().spawn("lyon/client",
                        [&](io::Env& env) { return talk(env, WorldGrid::public_of("lyon"), text, out, done); });
    EXPECT_TRUE(grid_.world().run_until([&] { return done; }, 60s)) << out;
    return out;
  }
  std::string key(const std::string& of) { return "authorization: Bearer " + of + "\r\n"; }
  // "200 zurich", "403 data_residency_mismatch"
  static std::string sum(const std::string& answer) {
    std::string out = answer.substr(std::min(answer.size(), std::size_t{9}), 3);
    const auto value = [&](const std::string& before, char end) {
      const auto at = answer.find(before);
      return at == std::string::npos
                 ? std::string()
                 : answer.substr(at + before.size(), answer.find(end, at + before.size()) - at - before.size());
    };
    const std::string site = value("x-aigrid-site: ", '\r');
    return out + " " + (site.empty() ? value("\"code\":\"", '"') : site);
  }
  WorldGrid grid_{options()};
};

TEST_F(Channels, CredentialsComeOnceAndInTheHeader) {
  const std::string host = "host: a\r\n";
  EXPECT_EQ(sum(raw(host + key(grid_.free_key()))), "200 lyon");
  EXPECT_EQ(sum(raw(host + key(grid_.free_key()) + key(grid_.fr_key()))), "401 invalid_api_key");
  EXPECT_EQ(sum(raw(host + key(grid_.free_key()) + key(grid_.free_key()))), "401 invalid_api_key");
  EXPECT_EQ(sum(raw(host + key(grid_.free_key()), "", "1.1", "/v1/chat/completions?key=" + grid_.fr_key())),
            "401 invalid_api_key");
}

TEST_F(Channels, EveryIntentHeaderNarrows) {
  const std::string free = "host: a\r\n" + key(grid_.free_key());
  const auto with = [&](std::initializer_list<const char*> intents) {
    std::string lines = free;
    for (const char* one : intents) lines += std::string("x-aigrid-intent: ") + one + "\r\n";
    return sum(raw(lines));
  };
  EXPECT_EQ(with({"zone=ch"}), "200 zurich");
  EXPECT_EQ(with({"zone=both", "zone=ch"}), "200 zurich") << "the second counts";
  EXPECT_EQ(with({"zone=ch", "zone=both"}), "200 zurich");
  EXPECT_EQ(with({"zone=fr", "zone=ch"}), "403 data_residency_mismatch");
  EXPECT_EQ(with({"zone=ch", "data-level=3"}), "403 data_residency_mismatch") << "nobody may have that";
  EXPECT_EQ(with({"zone=ch", "colour=red"}), "400 invalid_intent");
  EXPECT_EQ(with({"zone=fr, zone=ch"}), "400 invalid_intent") << "twice in one";
  EXPECT_EQ(sum(raw("host: a\r\n" + key(grid_.fr_key()) + "x-aigrid-intent: zone=ch\r\n")),
            "403 data_residency_mismatch");
}

TEST_F(Channels, TheNameOfTheHostNarrows) {
  json site = grid_.get("/api/v1/sites/lyon");
  site.erase("status");
  site["spec"]["hosts"] = {{"ch.api.example", "ch"}, {"fr.api.example", "fr"}};
  ASSERT_TRUE(grid_.call("POST", "/api/v1/apply", {{"resources", {site}}}).ok());
  ASSERT_TRUE(grid_.wait_ready());
  const std::string free = key(grid_.free_key());
  for (const char* name : {"ch.api.example", "CH.api.example:8443", "ch.api.example.", "ch.api.example.:80"}) {
    EXPECT_EQ(sum(raw("host: " + std::string(name) + "\r\n" + free)), "200 zurich") << name;
  }
  EXPECT_EQ(sum(raw("host: nobody.example\r\n" + free)), "200 lyon") << "a name that asks for nothing";
  EXPECT_EQ(sum(raw("host: ch.api.example\r\n" + free, R"(,"grid":{"zone":"fr"})")), "403 data_residency_mismatch");
  EXPECT_EQ(sum(raw("host: fr.api.example\r\n" + free, R"(,"provider":{"only":["zurich"]})")).substr(0, 3), "403");
  EXPECT_EQ(sum(raw("host: fr.api.example\r\nhost: ch.api.example\r\n" + free)).substr(0, 3), "400") << "twice";
  EXPECT_EQ(sum(raw(free)).substr(0, 3), "400") << "HTTP/1.1 without a host";
  EXPECT_EQ(sum(raw(free, "", "1.0")), "200 lyon") << "HTTP/1.0 may have none, and asks for nothing by it";
  EXPECT_EQ(sum(raw("host: fr.api.example\r\n" + free, "", "1.1", "http://ch.api.example/v1/chat/completions")),
            "200 zurich")
      << "an absolute target names the host (RFC 9112 3.2.2)";
}

}  // namespace
}  // namespace aigrid::world
