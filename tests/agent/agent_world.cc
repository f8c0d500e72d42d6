#include "agent/agent_world.h"

#include <nlohmann/json.hpp>

namespace aigrid::agent::test {

using nlohmann::json;

void AgentWorld::put_files() {
  io::Files& files = world.env(kNode).files();
  EXPECT_TRUE(files.make_folders("/models").ok());
  EXPECT_TRUE(files.make_folders("/state").ok());
  EXPECT_TRUE(files.replace("/models/chat.gguf", "weights").ok());
}

void AgentWorld::issue() {
  io::Env& env = world.env(kGateway);
  io::Keys& keys = env.keys();
  const std::string root_key = keys.new_key();
  auto root = keys.make_root({"test", 24h, env.wall()}, root_key);
  ASSERT_TRUE(root.ok());
  const auto member = [&](const Spiffe& id, std::string* key) {
    *key = keys.new_key();
    auto csr = keys.make_csr(*key, id);
    EXPECT_TRUE(csr.ok());
    auto chain = keys.issue({*root, root_key, *csr, id, 12h, env.wall()});
    EXPECT_TRUE(chain.ok());
    return chain.ok() ? *chain : std::string();
  };
  io::Identity agent;
  agent.chain = member({"test", Role::Agent, "paris", "n1"}, &agent.key);
  agent.roots = {*root};
  agent.bundle_key = crypto::SigningKey::from_seed(signing)->public_key();
  agent.grid = "test";
  EXPECT_TRUE(io::save_identity(world.env(kNode).files(), "/state", agent).ok());
  gateway_credentials_.chain = member({"test", Role::Gateway, "paris", "gw"}, &gateway_credentials_.key);
  gateway_credentials_.roots = {*root};
}

std::string AgentWorld::update() {
  bundle::Held target;
  target.sections = bundle::compile(inventory);
  target.parsed = bundle::manifest_of(target.sections, "test", 1, version);
  target.manifest = bundle::sign(target.parsed, signing);
  return bundle::encode(bundle::diff({}, 0, target, {}, bundle::Scope::Agent, {"n1"}));
}

io::Task<void> AgentWorld::run_node(io::Env& env) { exit_code = co_await run_agent(env, options); }

io::Task<void> AgentWorld::run_gateway(io::Env& env) {
  connection_ = nullptr;  // one of a killed process died with it
  auto listener = env.listen(kAddress, {});
  EXPECT_TRUE(listener.ok());
  io::TaskGroup tasks(env.executor());
  for (;;) {
    auto stream = co_await (*listener)->accept();
    if (!stream.ok()) co_return;
    tasks.spawn(serve(env, std::move(*stream)));
  }
}

io::Task<void> AgentWorld::serve(io::Env& env, std::unique_ptr<io::Stream> raw) {
  auto context = env.tls().make_context(gateway_credentials_, io::Purpose::Grid);
  EXPECT_TRUE(context.ok());
  io::ServerTls tls;
  tls.context = *context;
  tls.alpn = {io::kAlpnServe, io::kAlpnAsk};
  auto stream = co_await env.tls().accept(env, std::move(raw), std::move(tls));
  if (!stream.ok()) co_return;
  EXPECT_EQ((*stream)->peer().identity, "spiffe://test/agent/paris/n1");
  if ((*stream)->peer().alpn == io::kAlpnAsk) {
    const io::ServeStream take = [this](std::shared_ptr<io::H2Stream> s) { return take_records(std::move(s)); };
    io::H2Connection asked(env, std::move(*stream), http::H2Role::Server, take);
    co_await asked.run();
    co_return;
  }
  ++connections;
  if (connection_ != nullptr) connection_->close();
  io::H2Connection connection(env, std::move(*stream), http::H2Role::Requester);
  connection_ = &connection;
  pushes = std::make_unique<io::Channel<std::string>>(env.executor());
  io::TaskGroup tasks(env.executor());
  tasks.spawn(follow_up());
  tasks.spawn(push_bundles());
  co_await connection.run();
  if (connection_ == &connection) connection_ = nullptr;
}

io::Task<void> AgentWorld::take_records(std::shared_ptr<io::H2Stream> stream) {
  EXPECT_EQ(stream->request().target, "/inner/records");
  constexpr std::size_t kMost = std::size_t(64) << 10U;
  auto body = co_await stream->read_all(kMost);
  const bool ok = body.ok() && !refuse_records;
  (void)stream->respond({ok ? 200 : 503, {}}, true);
  std::string_view rest = ok ? std::string_view(*body) : std::string_view();
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    auto record = inner::decode_agent_record(rest.substr(0, end));
    EXPECT_TRUE(record.ok());
    if (record.ok()) (ledger::of_no_request(*record) ? own_work : records).push_back(std::move(*record));
    rest.remove_prefix(end + 1);
  }
}

io::Task<void> AgentWorld::follow_up() {
  auto stream = connection_->open({"GET", "/inner/up", {{"host", "agent"}}}, true);
  if (!stream.ok()) co_return;
  io::LineReader lines(**stream);
  for (;;) {
    auto line = co_await lines.next();
    if (!line.ok() || !line->has_value()) co_return;
    auto decoded = inner::decode_node_report(**line);
    EXPECT_TRUE(decoded.ok());
    if (decoded.ok()) report = *decoded;
    ++reports;
  }
}

io::Task<void> AgentWorld::push_bundles() {
  auto stream = connection_->open({"POST", "/inner/bundle", {{"host", "agent"}}}, false);
  if (!stream.ok()) co_return;
  io::TaskGroup tasks(connection_executor());
  tasks.spawn(read_answers(*stream));
  while (auto bytes = co_await pushes->next()) {
    std::string framed;
    for (int shift = 24; shift >= 0; shift -= 8) framed += static_cast<char>((bytes->size() >> shift) & 0xffU);
    framed += *bytes;
    (void)co_await (*stream)->write(framed);
  }
}

io::Task<void> AgentWorld::read_answers(std::shared_ptr<io::H2Stream> stream) {
  io::LineReader lines(*stream);
  for (;;) {
    auto line = co_await lines.next();
    if (!line.ok() || !line->has_value()) co_return;
    bundle_answers.push_back(**line);
  }
}

Trial AgentWorld::chat_trial(const std::string& text, int most, bool stream, const std::string& tenant) const {
  Trial out;
  out.ask.request_id = "r1";
  out.ask.attempt = 1;
  out.ask.answer_id = "chatcmpl-r1";
  out.ask.created_unix_s = 1700000000;
  out.ask.endpoint = "chat.completions";
  out.ask.tenant = tenant;
  out.ask.model = "chat";
  out.ask.deployment = "chat";
  out.ask.site = "paris";
  out.ask.node = "n1";
  out.ask.stream = stream;
  out.ask.prompt_tokens = 7;
  out.ask.max_output_tokens = static_cast<std::uint32_t>(most);
  out.ask.remaining_ms = 20'000;
  out.ask.bundle_version = version;
  json body{{"model", "chat"}, {"messages", json::array({{{"role", "user"}, {"content", text}}})}};
  if (stream) body["stream"] = true;
  out.body = body.dump();
  return out;
}

io::Task<void> AgentWorld::attempt(io::Env& env, Trial& trial) {
  auto opened = connection_->open({"POST", "/inner/attempt", {{"host", "agent"}}}, false);
  if (!opened.ok()) {
    trial.lost = true;
    co_return;
  }
  auto stream = *opened;
  std::string up;
  if (trial.grant) {
    const io::Binding& binding = stream->binding();
    const auto age_ms = static_cast<std::uint64_t>(to_ms(env.now() - binding.since));
    // Trials share one request's name: no two grants may be the same.
    const inner::GrantTerms terms{age_ms + 30'000 + granted_++, granted_version.value_or(version)};
    trial.ask.grant = inner::issue_grant(trial.ask, binding.peer.binding_key, terms);
  }
  inner::encode_to(up, trial.ask);
  inner::encode_to(up, inner::Body{trial.body});
  inner::encode_to(up, inner::Body{});
  (void)co_await stream->write(up);
  inner::Decoder decoder;
  if (trial.cancel_after > Duration(0)) {
    co_await env.sleep_for(trial.cancel_after);
    const std::string frame = inner::encode(inner::Cancel{});
    (void)co_await stream->write(frame);
  }
  bool cancelled = false;
  while (!trial.done()) {
    auto bytes = co_await stream->read();
    if (!bytes.ok() || bytes->empty()) {
      trial.lost = true;
      co_return;
    }
    if (trial.read_nothing) co_await env.sleep_for(3600s);
    stream->consume(bytes->size());
    decoder.feed(*bytes);
    for (;;) {
      auto frame = decoder.next();
      EXPECT_TRUE(frame.ok());
      if (!frame.ok() || !frame->has_value()) break;
      take(trial, **frame);
    }
    if (trial.cancel_after_tokens > 0 && trial.tokens >= trial.cancel_after_tokens && !cancelled) {
      cancelled = true;
      const std::string frame = inner::encode(inner::Cancel{});
      (void)co_await stream->write(frame);
    }
    if (trial.reset_after_tokens > 0 && trial.tokens >= trial.reset_after_tokens) {
      stream->reset();
      trial.lost = true;
    }
  }
}

void AgentWorld::take(Trial& trial, const inner::Frame& frame) {
  if (const auto* head = std::get_if<inner::Head>(&frame)) {
    trial.order += 'H';
    trial.head = *head;
  } else if (const auto* tokens = std::get_if<inner::Tokens>(&frame)) {
    if (!trial.order.ends_with('t')) trial.order += 't';
    trial.tokens += tokens->count;
    trial.ids.insert(trial.ids.end(), tokens->ids.begin(), tokens->ids.end());
    if (tokens->count > 0) trial.resume = tokens->resume;
  } else if (const auto* bytes = std::get_if<inner::Data>(&frame)) {
    trial.order += 'd';
    trial.client += bytes->bytes;
  } else if (const auto* tail = std::get_if<inner::Tail>(&frame)) {
    trial.order += 'T';
    trial.tail = tail->bytes;
  } else if (const auto* end = std::get_if<inner::End>(&frame)) {
    trial.order += 'E';
    trial.end = *end;
  } else if (const auto* refuse = std::get_if<inner::Refuse>(&frame)) {
    trial.order += 'R';
    trial.refuse = *refuse;
  }
}

}  // namespace aigrid::agent::test
