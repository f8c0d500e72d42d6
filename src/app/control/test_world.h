// Control in a virtual world, for its tests: hosts "control", "paris/gw", "cli"; a configuration of two sites; a
// gateway by hand that joins, connects and reads bundles. Test code only.
#pragma once

#include <gtest/gtest.h>

#include "app/control/control.h"
#include "base/crypto/encode.h"
#include "base/crypto/token.h"
#include "format/bundle/bundle.h"
#include "format/inner/records.h"
#include "format/json/json.h"
#include "io/client/inner_ask.h"
#include "io/client/inner_dial.h"
#include "io/client/inner_messages.h"
#include "io/client/join.h"
#include "io/client/management.h"
#include "io/client/renewal.h"
#include "io/env/virtual_world.h"
#include "io/pki/virtual_keys.h"
#include "io/tls/virtual_tls.h"

namespace aigrid::control::test {

using json::Json;

inline constexpr const char* kManagement = "127.0.0.1:7000";
inline constexpr const char* kInner = "10.0.0.1:7001";
inline constexpr const char* kAdmin = "admin-key-of-the-test";

inline const char* const kConfiguration = R"({"resources":[
 {"apiVersion":"aigrid/v1","kind":"Operator","metadata":{"name":"op"},"spec":{"legal_name":"Op SA","control":["FR"]}},
 {"apiVersion":"aigrid/v1","kind":"Site","metadata":{"name":"paris"},
  "spec":{"kind":"edge","operator":"op","country":"FR","jurisdiction":"FR","lat":48.8,"lon":2.3}},
 {"apiVersion":"aigrid/v1","kind":"Site","metadata":{"name":"lyon"},
  "spec":{"kind":"campus","operator":"op","country":"FR","jurisdiction":"FR","lat":45.7,"lon":4.8}},
 {"apiVersion":"aigrid/v1","kind":"Node","metadata":{"name":"paris-1"},"spec":{"site":"paris","nameplate_w":100}},
 {"apiVersion":"aigrid/v1","kind":"Zone","metadata":{"name":"fr"},"spec":{"jurisdictions":["FR"]}},
 {"apiVersion":"aigrid/v1","kind":"Model","metadata":{"name":"small"},
  "spec":{"source":"small.gguf","context_tokens":2048}},
 {"apiVersion":"aigrid/v1","kind":"Deployment","metadata":{"name":"small-paris"},
  "spec":{"model":"small","driver":"llama.cpp","nodes":["paris-1"]}},
 {"apiVersion":"aigrid/v1","kind":"Tenant","metadata":{"name":"acme"},"spec":{"zone":"fr"}}
]})";

class World {
 public:
  explicit World(std::uint64_t seed, std::function<void(ControlOptions&)> last_word = {})
      : world(seed, options()), last_word_(std::move(last_word)) {
    world.add_host("control");
    world.add_host("paris/gw");
    world.add_host("cli");
    start();
  }
  void start() {
    world.spawn("control", [this](io::Env& env) -> io::Task<void> { return run(env); });
  }
  // Runs `body` on `host` to its end.
  void run_on(const std::string& host, std::function<io::Task<void>(io::Env&, World&)> body) {
    bool done = false;
    world.spawn(host, [&](io::Env& env) { return finish(env, body, done); });
    EXPECT_TRUE(world.run_until([&] { return done; }, 120s)) << world.log_of("control");
  }

  io::VirtualWorld world;
  int exit_code = -1;

 private:
  static io::WorldOptions options() {
    io::WorldOptions o;
    o.tls = [](io::Env&) { return std::make_shared<io::VirtualTls>(); };
    o.keys = [](io::Env& env) {
      return std::make_shared<io::VirtualKeys>([&env](std::span<char> into) { env.entropy(into); });
    };
    return o;
  }
  io::Task<void> run(io::Env& env) {
    ControlOptions o;
    o.state = "/state";
    o.management = kManagement;
    o.inner = kInner;
    o.ops = "10.0.0.1:7002";
    o.grid = "testgrid";
    o.admin_key = kAdmin;
    if (last_word_) last_word_(o);
    exit_code = co_await run_control(env, o);
  }
  static io::Task<void> finish(io::Env& env, std::function<io::Task<void>(io::Env&, World&)> body, bool& done,
                               World& self) {
    co_await body(env, self);
    done = true;
  }
  io::Task<void> finish(io::Env& env, const std::function<io::Task<void>(io::Env&, World&)>& body, bool& done) {
    return finish(env, body, done, *this);
  }

  std::function<void(ControlOptions&)> last_word_;
};

// One call that must be answered with `status`.
inline io::Task<Json> call(io::Env& env, std::string method, std::string target, std::string body, int status,
                           http::Headers headers = {}) {
  io::ManagementClient client(env, kManagement, kAdmin);
  auto answer = co_await client.call(std::move(method), target, std::move(body), std::move(headers));
  EXPECT_TRUE(answer.ok()) << target << ": " << (answer.ok() ? "" : answer.error().message);
  if (!answer.ok()) co_return Json();
  EXPECT_EQ(answer->status, status) << target << " " << answer->body;
  auto value = json::parse(answer->body);
  co_return value.ok() ? *value : Json(answer->body);
}

inline io::Task<std::string> token_for(io::Env& env, std::string role, std::string site, std::string name,
                                       std::int64_t ttl_s = 600) {
  const std::string body = json::dump({{"role", role}, {"site", site}, {"name", name}, {"ttl_s", ttl_s}});
  const Json made = co_await call(env, "POST", "/api/v1/join-tokens", body, 201);
  co_return made.value("token", "");
}

inline io::JoinOptions gateway_join(std::string token) {
  io::JoinOptions o;
  o.through = kInner;
  o.token = std::move(token);
  o.role = Role::Gateway;
  o.name = "gw";
  o.public_address = "10.0.0.2:80";
  o.inner_address = "10.0.0.2:81";
  o.within = 20s;
  return o;
}

inline io::Task<std::unique_ptr<io::Membership>> join_gateway(io::Env& env) {
  const std::string token = co_await token_for(env, "gateway", "paris", "gw");
  auto identity = co_await io::load_or_join(env, "/gw", gateway_join(token));
  EXPECT_TRUE(identity.ok()) << (identity.ok() ? "" : identity.error().message);
  if (!identity.ok()) co_return nullptr;
  auto membership = io::Membership::make(env, "/gw", *identity);
  EXPECT_TRUE(membership.ok()) << (membership.ok() ? "" : membership.error().message);
  co_return std::move(*membership);
}

// A gateway's connection to control, running.
struct Connected {
  std::unique_ptr<io::H2Connection> connection;
  std::unique_ptr<io::TaskGroup> tasks;
};

inline io::Task<Connected> connect(io::Env& env, const io::Membership& membership) {
  io::InnerDial what;
  what.to = kInner;
  what.grid = "testgrid";
  what.role = Role::Control;
  auto connection = co_await io::dial_inner(env, membership.tls(), what);
  EXPECT_TRUE(connection.ok()) << (connection.ok() ? "" : connection.error().message);
  Connected out{std::move(*connection), std::make_unique<io::TaskGroup>(env.executor())};
  out.tasks->spawn(out.connection->run());
  co_return out;
}

class BundleReader {
 public:
  BundleReader(io::H2Connection& connection, const bundle::Held& held) {
    auto opened = connection.open({"POST", "/inner/bundle", {{"host", "control"}}}, false);
    stream_ = *opened;
    hello_ = json::dump({{"version", held.parsed.version}, {"sections", bundle::held_hashes(held)}}) + "\n";
  }
  io::Task<void> start() {
    const auto sent = co_await stream_->write(hello_);
    EXPECT_TRUE(sent.ok());
    const auto head = co_await stream_->head();
    EXPECT_EQ(head->status, 200);
  }
  // The bytes of the next update.
  io::Task<std::string> next() {
    for (;;) {
      if (buffer_.size() >= 4) {
        std::size_t length = 0;
        for (int i = 0; i < 4; ++i)
          length = length << 8U | static_cast<unsigned char>(buffer_[static_cast<std::size_t>(i)]);
        if (buffer_.size() >= 4 + length) {
          std::string message = buffer_.substr(4, length);
          buffer_.erase(0, 4 + length);
          co_return message;
        }
      }
      auto bytes = co_await stream_->read();
      EXPECT_TRUE(bytes.ok());
      if (!bytes.ok() || bytes->empty()) co_return std::string();
      stream_->consume(bytes->size());
      buffer_ += *bytes;
    }
  }

 private:
  std::shared_ptr<io::H2Stream> stream_;
  std::string hello_;
  std::string buffer_;
};

inline bundle::Held apply_update(const bundle::Held& held, const std::string& bytes, const io::Membership& membership) {
  auto update = bundle::decode_update(bytes);
  EXPECT_TRUE(update.ok());
  auto next = bundle::apply(held, *update, membership.identity().bundle_key, bundle::Scope::Gateway, {});
  EXPECT_TRUE(next.ok()) << (next.ok() ? "" : next.error().message);
  return next.ok() ? *next : held;
}

inline io::Task<void> configure(io::Env& env, World&) {
  const Json applied = co_await call(env, "POST", "/api/v1/apply", kConfiguration, 200);
  EXPECT_EQ(applied["results"].size(), 8u);
  EXPECT_EQ(applied["results"][0]["action"], "created");
}

}  // namespace aigrid::control::test
