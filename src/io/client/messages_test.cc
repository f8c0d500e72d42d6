// What members write to each other and to their disks: identities, joins, renewals; and who a peer may be.
#include <gtest/gtest.h>

#include <functional>

#include "io/client/identity.h"
#include "io/client/inner_ask.h"
#include "io/client/inner_dial.h"
#include "io/client/inner_messages.h"
#include "io/env/virtual_world.h"

namespace aigrid::io {
namespace {

Identity identity() { return {"key", "chain", {"root a", "root b"}, std::string(32, 'k'), "grid"}; }

TEST(Identity, is_read_as_it_was_written) {
  VirtualWorld world(1);
  Files& files = world.add_host("a").files();
  EXPECT_EQ(load_identity(files, "/state").error().code, Code::NotFound);
  ASSERT_TRUE(save_identity(files, "/state", identity()).ok());
  const auto read = load_identity(files, "/state");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->key, "key");
  EXPECT_EQ(read->roots, identity().roots);
  EXPECT_EQ(read->bundle_key, identity().bundle_key);
}

TEST(Identity, that_is_damaged_says_what_to_do) {
  VirtualWorld world(1);
  Files& files = world.add_host("a").files();
  ASSERT_TRUE(save_identity(files, "/state", identity()).ok());
  const std::string whole = *files.read_all("/state/identity.json");
  for (const std::string& bad : {whole.substr(0, whole.size() / 2), std::string("{}"), std::string()}) {
    ASSERT_TRUE(files.replace("/state/identity.json", bad).ok());
    const auto read = load_identity(files, "/state");
    ASSERT_FALSE(read.ok()) << bad;
    EXPECT_EQ(read.error().code, Code::DataLoss);
    EXPECT_NE(read.error().message.find("/state/identity.json"), std::string::npos) << read.error().message;
    EXPECT_NE(read.error().message.find("join again with a new token"), std::string::npos) << read.error().message;
  }
}

JoinAsk join_ask() {
  JoinAsk out;
  out.kid = std::string(8, '\x01');
  out.csr = "csr";
  out.role = Role::Gateway;
  out.site = "paris";
  out.name = "paris";
  out.public_address = "1.2.3.4:80";
  out.inner_address = "1.2.3.4:81";
  out.workers = 2;
  out.mac = join_ask_mac("secret", out);
  return out;
}

TEST(JoinAsk, is_read_as_it_was_written) {
  const auto read = decode_join_ask(encode(join_ask()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->mac, join_ask().mac);
  EXPECT_EQ(join_ask_mac("secret", *read), read->mac) << "nothing was lost that the MAC covers";
  EXPECT_EQ(read->role, Role::Gateway);
  EXPECT_EQ(read->workers, 2U);
}

TEST(JoinAsk, has_a_mac_over_every_field) {
  const std::string mac = join_ask().mac;
  EXPECT_NE(join_ask_mac("another secret", join_ask()), mac);
  const std::vector<std::function<void(JoinAsk&)>> changes = {
      [](JoinAsk& a) { a.kid[0] = 'x'; },
      [](JoinAsk& a) { a.csr = "mine"; },
      [](JoinAsk& a) { a.role = Role::Agent; },
      [](JoinAsk& a) { a.site = "lyon"; },
      [](JoinAsk& a) { a.name = "lyon"; },
      [](JoinAsk& a) { a.public_address = "6.6.6.6:80"; },
      [](JoinAsk& a) { a.inner_address = "6.6.6.6:81"; },
      [](JoinAsk& a) { a.workers = 3; },
      // The same letters, divided otherwise.
      [](JoinAsk& a) { a.site = "parisp", a.name = "aris"; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    JoinAsk ask = join_ask();
    changes[i](ask);
    EXPECT_NE(join_ask_mac("secret", ask), mac) << "change " << i;
  }
}

TEST(JoinAsk, that_is_not_one_is_refused) {
  for (const char* bad :
       {"", "[]", "{}", R"({"kid":"zz","csr":"c","mac":"00","role":"agent"})",
        R"({"kid":"00","csr":"","mac":"00","role":"agent"})", R"({"kid":"00","csr":"c","mac":"00","role":"control"})",
        R"({"kid":"00","csr":"c","mac":"00","role":"agent","workers":-1})"}) {
    EXPECT_FALSE(decode_join_ask(bad).ok()) << bad;
  }
}

TEST(JoinAnswer, has_a_mac_over_every_field_and_root) {
  JoinAnswer answer{"chain", {"a", "b"}, std::string(32, 'k'), "grid", {}};
  answer.mac = join_answer_mac("secret", answer);
  const auto read = decode_join_answer(encode(answer));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(join_answer_mac("secret", *read), answer.mac);
  JoinAnswer other = answer;
  other.roots = {"ab"};
  EXPECT_NE(join_answer_mac("secret", other), answer.mac);
  other = answer;
  other.bundle_key[0] = 'x';
  EXPECT_NE(join_answer_mac("secret", other), answer.mac);
  EXPECT_FALSE(decode_join_answer(R"({"chain":"c","roots":[],"bundle_key":"","grid":"g","mac":""})").ok());
}

TEST(Renewal, is_read_as_it_was_written) {
  EXPECT_EQ(*decode_renew_ask(encode_renew_ask("csr")), "csr");
  EXPECT_FALSE(decode_renew_ask(encode_renew_ask("")).ok());
  const auto read = decode_renew_answer(encode(RenewAnswer{"chain", {"root"}}));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->chain, "chain");
  EXPECT_FALSE(decode_renew_answer("{}").ok());
}

TEST(AcceptPeer, wants_the_role_the_site_and_the_grid) {
  InnerDial dial;
  dial.to = "1.2.3.4:81";
  dial.grid = "grid";
  const auto name = [](Role role, const std::string& site) { return *Spiffe{"grid", role, site, "x"}.format(); };
  EXPECT_TRUE(accept_peer(dial, name(Role::Gateway, "paris")).ok());
  EXPECT_TRUE(accept_peer(dial, *control_name("grid").format()).ok());
  EXPECT_FALSE(accept_peer(dial, name(Role::Agent, "paris")).ok()) << "an agent serves nobody but its gateway";
  EXPECT_FALSE(accept_peer(dial, *Spiffe{"other", Role::Gateway, "paris", "x"}.format()).ok());
  EXPECT_FALSE(accept_peer(dial, "").ok());
  EXPECT_FALSE(accept_peer(dial, "spiffe://grid/gateway").ok());
  dial.role = Role::Gateway;
  dial.site = "lyon";
  EXPECT_TRUE(accept_peer(dial, name(Role::Gateway, "lyon")).ok());
  const auto wrong = accept_peer(dial, name(Role::Gateway, "paris"));
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, Code::PermissionDenied);
  EXPECT_NE(wrong.error().message.find("not gateway of site lyon"), std::string::npos) << wrong.error().message;
}

TEST(ProblemOf, keeps_what_was_said_and_whether_to_try_again) {
  const auto forbidden = problem_of({403, R"({"message":"token used"})"});
  EXPECT_EQ(forbidden.code, Code::PermissionDenied);
  EXPECT_EQ(forbidden.message, "token used");
  EXPECT_EQ(forbidden.retry, Retry::Never);
  const auto down = problem_of({503, "<html>"});
  EXPECT_EQ(down.code, Code::Unavailable);
  EXPECT_EQ(down.message, "status 503");
  EXPECT_EQ(down.retry, Retry::Same);
  EXPECT_EQ(problem_of({429, ""}).retry, Retry::Same);
}

}  // namespace
}  // namespace aigrid::io
