#include "app/gateway/agents.h"

#include <utility>

#include "app/gateway/members.h"
#include "app/gateway/update_stream.h"
#include "format/json/json.h"
#include "io/client/update_stream.h"
#include "io/http/lines.h"

namespace aigrid::gateway {

namespace {

// Is there anything in `after` that must not wait for the next regular status? Load and counters can.
bool tells_more(const inner::NodeReport& before, const inner::NodeReport& after) {
  if (before.bundle_version != after.bundle_version || before.engines.size() != after.engines.size()) return true;
  for (std::size_t i = 0; i < after.engines.size(); ++i) {
    const auto& b = before.engines[i];
    const auto& a = after.engines[i];
    if (b.deployment != a.deployment || b.state != a.state || b.reason != a.reason || b.pid != a.pid) return true;
  }
  return false;
}

}  // namespace

Agents::Agents(io::Env& env, Board& board, std::function<void()> on_news)
    : env_(env), board_(board), on_news_(std::move(on_news)) {}

io::Task<void> Agents::follow(std::shared_ptr<io::H2Connection> connection, Spiffe agent) {
  auto member = std::make_shared<Member>(env_.executor());
  member->connection = connection;
  member->who = agent;
  if (auto old = members_.find(agent.id); old != members_.end()) {
    if (!old->second->connection->closed()) {
      env_.log().warn("agent_displaced", {{"node", agent.id},
                                          {"why",
                                           "it came again while its first connection lived: once is a restart; again "
                                           "and again, two machines hold its key: delete the Node, join under another "
                                           "name"}});
    }
    old->second->connection->close();
  }
  members_[agent.id] = member;
  env_.log().note("agent_connected", {{"node", agent.id}});
  {
    io::TaskGroup tasks(env_.executor());
    if (on_news_) tasks.spawn(push_bundles(member, agent.id));
    co_await follow_up(member, agent.id);
  }
  connection->close();
  auto it = members_.find(agent.id);
  if (it != members_.end() && it->second == member) {
    members_.erase(it);
    board_.node_lost(agent.id);
    env_.log().warn("agent_lost", {{"node", agent.id}});
  }
}

io::Task<void> Agents::follow_up(std::shared_ptr<Member> member, std::string node) {
  http::RequestHead head{"GET", "/inner/up", {{"host", "agent"}}};
  auto stream = member->connection->open(head, true);
  if (!stream.ok()) co_return;
  io::LineReader lines(**stream);
  for (;;) {
    auto line = co_await lines.next();
    if (!line.ok() || !line->has_value()) co_return;
    auto report = inner::decode_node_report(**line);
    if (!report.ok()) {
      env_.log().warn("node_report_refused", {{"node", node}, {"why", report.error().message}});
      continue;
    }
    report->node = node;  // who it is, its certificate says
    const bool news = tells_more(member->seen.report, *report);
    member->seen.report = *report;
    board_.node_reported(*report, env_.now());
    if (news && on_news_) on_news_();
  }
}

io::Task<void> Agents::push_bundles(std::shared_ptr<Member> member, std::string node) {
  http::RequestHead head{"POST", "/inner/bundle", {{"host", "agent"}}};
  head.headers.set(io::kHeldVersion, std::to_string(board_.held() ? board_.held()->parsed.version : 0));
  auto stream = member->connection->open(head, false);
  if (!stream.ok()) co_return;
  std::map<std::string, std::string> sections;
  std::uint64_t version = 0;
  // The agent first says what it holds.
  io::LineReader lines(**stream);
  io::TaskGroup tasks(env_.executor());  // after what its tasks use
  auto first = co_await lines.next();
  if (!first.ok() || !first->has_value()) co_return;
  const auto held = json::parse(**first);
  if (!held.ok()) co_return;
  json::Reader hello(*held, "bundle hello");
  hello.get("version", version).get("sections", sections);
  if (!hello.ok()) {
    env_.log().warn("bundle_hello_refused", {{"node", node}, {"why", hello.result().error().message}});
    co_return;
  }
  member->seen.bundle_version = version;
  if (const auto& own = board_.held(); own && own->parsed.version < version) {
    env_.log().warn("bundle_behind_node", {{"node", node},
                                           {"held", own->parsed.version},
                                           {"node_holds", version},
                                           {"why",
                                            "this gateway lost what it had last; the node decides by the newer one, "
                                            "and control sends it again when it is back"}});
  }
  on_news_();
  tasks.spawn(read_answers(member, &lines, node));
  std::shared_ptr<const bundle::Held> previous;
  std::uint64_t sent_version = version;
  for (;;) {
    if (std::exchange(member->refused, false)) {  // it does not hold what we sent: the next update is a whole one
      version = 0;
      sections.clear();
      previous.reset();
    }
    auto current = board_.held();
    if (current && current->parsed.version != sent_version) {
      const bundle::Update update =
          update_for(sections, version, previous.get(), *current, bundle::Scope::Agent, {node});
      auto sent = co_await io::write_update(**stream, update);
      if (!sent.ok()) co_return;
      version = sent_version = current->parsed.version;
      sections = current->parsed.sections;
      previous = current;
      continue;
    }
    co_await member->bundle_event.wait();
  }
}

io::Task<void> Agents::read_answers(std::shared_ptr<Member> member, io::LineReader* lines, std::string node) {
  for (;;) {
    auto line = co_await lines->next();
    if (!line.ok() || !line->has_value()) co_return;
    const auto answer = json::parse(**line);
    if (!answer.ok()) continue;
    std::uint64_t applied = 0;
    std::string why = "refused";
    json::Reader reader(*answer, "bundle answer");
    reader.get("applied", applied).get("why", why);
    if (reader.ok() && applied != 0) {
      member->seen.bundle_version = applied;
      member->seen.bundle_error.clear();
    } else {
      member->seen.bundle_error = why;
      member->refused = true;
      member->bundle_event.set();
      env_.log().warn("agent_refused_bundle", {{"node", node}, {"why", member->seen.bundle_error}});
    }
    on_news_();
  }
}

Result<std::shared_ptr<io::H2Stream>> Agents::open_attempt(const std::string& node) {
  auto it = members_.find(node);
  if (it == members_.end()) return unavailable("node \"" + node + "\" has no connection");
  return it->second->connection->open({"POST", "/inner/attempt", {{"host", "agent"}}}, false);
}

void Agents::bundle_changed() {
  for (auto& [name, member] : members_) {
    member->bundle_event.set();
    if (auto known = check_member(board_, member->who); !known.ok()) {
      env_.log().warn("agent_dropped", {{"node", name}, {"why", known.error().message}});
      member->connection->close();  // when it comes again it is told why
    }
  }
}

std::map<std::string, Agents::Seen> Agents::seen() const {
  std::map<std::string, Seen> out;
  for (const auto& [name, member] : members_) out[name] = member->seen;
  return out;
}

}  // namespace aigrid::gateway
