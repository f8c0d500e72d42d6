#include "world/scripted_node.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "format/inner/rows.h"
#include "io/client/backoff.h"
#include "io/client/inner_dial.h"
#include "io/client/join.h"
#include "io/client/renewal.h"
#include "io/client/update_stream.h"
#include "world/virtual_engine.h"

namespace aigrid::world {

using nlohmann::json;

namespace {

constexpr std::uint32_t kFirstId = 1000;

Duration at_rate(double tokens, double per_s) { return from_ms_f(tokens / per_s * 1000); }

class Node {
 public:
  Node(io::Env& env, const agent::AgentOptions& options, std::unique_ptr<io::Membership> membership, NodeScript& script)
      : env_(env), options_(options), membership_(std::move(membership)), script_(script) {}

  io::Task<int> run() {
    io::Backoff backoff(1);
    while (!env_.stop_requested().is_set()) {
      io::InnerDial what;
      what.to = options_.gateway;
      what.alpn = io::kAlpnServe;
      what.grid = membership_->name().grid;
      what.role = Role::Gateway;
      what.site = membership_->name().site;
      what.serve = [this](std::shared_ptr<io::H2Stream> stream) { return serve(std::move(stream)); };
      auto connection = co_await io::dial_inner(env_, membership_->tls(), std::move(what));
      if (connection.ok()) co_await (*connection)->run();
      co_await env_.sleep_for(backoff.failed());
    }
    co_return 0;
  }

 private:
  io::Task<void> serve(std::shared_ptr<io::H2Stream> stream) {
    const std::string path = stream->request().target;
    if (!stream->respond({200, {}}).ok()) co_return;
    if (path == "/inner/attempt") {
      co_await answer(std::move(stream));
    } else if (path == "/inner/bundle") {
      co_await take_bundles(std::move(stream));
    } else if (path == "/inner/up") {
      co_await report(std::move(stream));
    }
  }

  io::Task<void> take_bundles(std::shared_ptr<io::H2Stream> stream) {
    const std::string hello = "{\"version\":0,\"sections\":{}}\n";
    (void)(co_await stream->write(hello)).ok();
    io::UpdateReader updates(*stream, io::kMaxUpdateToAgent);
    for (;;) {
      auto update = co_await updates.next();
      if (!update.ok() || !update->has_value()) co_return;
      auto manifest = bundle::verify((*update)->manifest, membership_->identity().bundle_key);
      if (!manifest.ok()) co_return;
      version_ = manifest->version;
      const std::string line = "{\"applied\":" + std::to_string(version_) + "}\n";
      (void)(co_await stream->write(line)).ok();
    }
  }

  io::Task<void> report(std::shared_ptr<io::H2Stream> stream) {
    for (;;) {
      inner::NodeReport report;
      report.node = options_.name;
      report.bundle_version = version_;
      inner::EngineReport engine;
      engine.deployment = "small";
      engine.state = "ready";
      engine.slots = script_.slots;
      engine.running = running_;
      engine.prefill_tokens_per_s = {true, script_.prefill_tokens_per_s, false};
      report.engines.push_back(engine);
      const std::string line = inner::encode(report);
      auto written = co_await stream->write(line);
      if (!written.ok()) co_return;
      co_await env_.sleep_for(100ms);
    }
  }

  static io::Task<bool> send(io::H2Stream& stream, std::string bytes) {
    auto written = co_await stream.write(bytes);
    co_return written.ok();
  }

  static std::string event(const inner::Ask& ask, const json& delta, const json& finish) {
    const json out{{"id", ask.answer_id},
                   {"object", "chat.completion.chunk"},
                   {"choices", json::array({{{"index", 0}, {"delta", delta}, {"finish_reason", finish}}})}};
    return out.dump();
  }
  static std::string data(const std::string& event) { return inner::encode(inner::Data{"data: " + event + "\n\n"}); }

  // What was delivered, as this node would have made it.
  std::string first_word(const inner::Ask& ask) const {
    std::string text;
    std::vector<std::uint32_t> ids;
    for (std::uint32_t n = 0; n < ask.resume_count; ++n) {
      text += token_text(n);
      ids.push_back(kFirstId + n);
    }
    const bool right = script_.resume == inner::Resume::Tokens ? ask.resume_ids == ids : ask.resume_text == text;
    return right ? "" : "!";
  }

  io::Task<void> watch(std::shared_ptr<io::H2Stream> stream, inner::Decoder& decoder, bool& cancelled) {
    for (;;) {
      auto frame = decoder.next();
      if (!frame.ok()) co_return;
      if (frame->has_value()) {
        cancelled = cancelled || std::holds_alternative<inner::Cancel>(**frame);
        continue;
      }
      auto bytes = co_await stream->read();
      if (!bytes.ok() || bytes->empty()) co_return;
      stream->consume(bytes->size());
      decoder.feed(*bytes);
    }
  }

  io::Task<void> answer(std::shared_ptr<io::H2Stream> stream) {
    inner::Decoder decoder;
    std::optional<inner::Ask> ask;
    std::string body;
    for (bool whole = false; !whole;) {
      auto frame = decoder.next();
      if (!frame.ok()) co_return;
      if (!frame->has_value()) {
        auto bytes = co_await stream->read();
        if (!bytes.ok() || bytes->empty()) co_return;
        stream->consume(bytes->size());
        decoder.feed(*bytes);
      } else if (auto* asked = std::get_if<inner::Ask>(&**frame)) {
        ask = std::move(*asked);
      } else if (const auto* piece = std::get_if<inner::Body>(&**frame)) {
        whole = piece->bytes.empty();
        body += piece->bytes;
      }
    }
    ++script_.seen.asked;
    if (ask->resume_count > 0) ++script_.seen.resumed;
    ++running_;
    struct Slot {
      std::uint32_t& running;
      ~Slot() { --running; }
    } slot{running_};
    bool cancelled = false;
    io::TaskGroup watching(env_.executor());
    watching.spawn(watch(stream, decoder, cancelled));
    if (script_.stall_every != 0 && script_.seen.asked % script_.stall_every == 0) co_await stall(cancelled);
    if (ask->stream) {
      co_await make(*stream, *ask, count_prompt(body), cancelled);
    } else {
      co_await make_whole(*stream, *ask, count_prompt(body), cancelled);
    }
    (void)stream->end();
  }

  io::Task<void> stall(const bool& cancelled) {
    const Time until = env_.now() + script_.stall;
    while (env_.now() < until && !cancelled) co_await env_.sleep_for(5ms);
  }

  // A whole answer: silent from its first token until it is there.
  io::Task<void> make_whole(io::H2Stream& stream, const inner::Ask& ask, std::uint32_t prompt, const bool& cancelled) {
    co_await env_.sleep_for(at_rate(prompt, script_.prefill_tokens_per_s));
    const std::uint32_t most = ask.max_output_tokens != 0 ? ask.max_output_tokens : script_.answer_tokens;
    std::uint32_t n = 0;
    std::string text;
    for (; n < most && !cancelled; ++n) {
      co_await env_.sleep_for(at_rate(1, script_.decode_tokens_per_s));
      text += token_text(n);
      ++script_.seen.made;
      if (n > 0) continue;
      std::string begun = inner::encode(inner::Head{ask.site, options_.name, "scripted", inner::Resume::None});
      begun += inner::encode(inner::Tokens{1, {}, inner::Resume::None});
      (void)co_await send(stream, std::move(begun));
    }
    if (cancelled) ++script_.seen.cancelled;
    const json whole{
        {"id", ask.answer_id},
        {"choices", json::array({{{"index", 0}, {"message", {{"content", text}}}, {"finish_reason", "length"}}})},
        {"usage", {{"prompt_tokens", prompt}, {"completion_tokens", n}}}};
    std::string tail = whole.dump();
    tail.pop_back();
    inner::End end;
    end.usage = {prompt, n, 0};
    end.finish = cancelled ? "cancelled" : "length";
    std::string last;
    if (!cancelled) {
      last = inner::encode(inner::Tokens{n - 1, {}, inner::Resume::None});
      last += inner::encode(inner::Tail{tail});
    }
    last += inner::encode(end);
    (void)co_await send(stream, std::move(last));
  }

  io::Task<void> make(io::H2Stream& stream, const inner::Ask& ask, std::uint32_t prompt, const bool& cancelled) {
    co_await env_.sleep_for(at_rate(prompt + ask.resume_count, script_.prefill_tokens_per_s));
    inner::Head head{ask.site, options_.name, "scripted", script_.resume};
    std::string first = inner::encode(head);
    if (ask.resume_count == 0) first += data(event(ask, {{"role", "assistant"}, {"content", nullptr}}, nullptr));
    bool open = co_await send(stream, std::move(first));
    const std::uint32_t most = ask.max_output_tokens != 0 ? ask.max_output_tokens : script_.answer_tokens;
    std::uint32_t n = ask.resume_count;
    std::string wrong = first_word(ask);
    for (; open && n < most && !cancelled; ++n) {
      co_await env_.sleep_for(at_rate(1, script_.decode_tokens_per_s));
      ++script_.seen.made;
      inner::Tokens tokens;
      tokens.count = 1;
      if (script_.resume == inner::Resume::Tokens) tokens.ids = {kFirstId + n};
      tokens.resume = n + 1 >= script_.sealed_from ? inner::Resume::None : script_.resume;
      std::string both = inner::encode(tokens);
      both += data(event(ask, {{"content", std::exchange(wrong, "") + token_text(n)}}, nullptr));
      open = co_await send(stream, std::move(both));
    }
    while (script_.hangs_at_end && !cancelled) co_await env_.sleep_for(10ms);
    inner::End end;
    end.usage = {prompt, n, 0};
    end.finish = cancelled ? "cancelled" : "length";
    std::string last;
    if (cancelled) {
      ++script_.seen.cancelled;
    } else {
      last = data(event(ask, json::object(), "length"));
      json usage{{"id", ask.answer_id},
                 {"choices", json::array()},
                 {"usage", {{"prompt_tokens", prompt}, {"completion_tokens", n}}}};
      std::string tail = "data: " + usage.dump();
      tail.pop_back();
      last += inner::encode(inner::Tail{tail});
    }
    last += inner::encode(end);
    (void)co_await send(stream, std::move(last));
  }

  io::Env& env_;
  const agent::AgentOptions& options_;
  std::unique_ptr<io::Membership> membership_;
  NodeScript& script_;
  std::uint64_t version_ = 0;
  std::uint32_t running_ = 0;
};

}  // namespace

io::Task<int> run_scripted_node(io::Env& env, agent::AgentOptions options, NodeScript& script) {
  (void)env.files().make_folders(options.state);
  io::JoinOptions join;
  join.through = options.gateway;
  join.token = options.token;
  join.role = Role::Agent;
  join.name = options.name;
  auto identity = co_await io::load_or_join(env, options.state, std::move(join));
  if (!identity.ok()) co_return 1;
  auto membership = io::Membership::make(env, options.state, std::move(*identity));
  if (!membership.ok()) co_return 1;
  Node node(env, options, std::move(*membership), script);
  co_return co_await node.run();
}

}  // namespace aigrid::world
