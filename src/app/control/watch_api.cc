// GET …?watch=1: changes as they happen, as server-sent events, or as JSON lines where those are asked for. Begins with
// what is there, or behind `resourceVersion` (or Last-Event-ID); 410 when that is too long ago.
#include <charconv>

#include "app/control/management_api.h"
#include "format/http/sse.h"

namespace aigrid::control {

namespace {

struct WatchStart {
  bool given = false;
  std::uint64_t since = 0;
};

Result<WatchStart> start_of(const Request& request) {
  std::string text;
  if (const auto found = request.query.find("resourceVersion"); found != request.query.end()) text = found->second;
  if (const auto id = request.exchange.head().headers.get("last-event-id")) text = std::string(*id);
  if (text.empty()) return WatchStart{};
  WatchStart start{true, 0};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), start.since);
  if (error != std::errc() || end != text.data() + text.size()) {
    return invalid("resourceVersion " + text + " is not a number: use that of a list or of an event");
  }
  return start;
}

class Writer {
 public:
  explicit Writer(bool lines) : lines_(lines) {}
  void add(std::string_view type, const json::Json& object, std::uint64_t revision) {
    const std::string text = json::dump({{"type", type}, {"object", object}});
    if (lines_) {
      out += text + "\n";
    } else {
      http::append_sse(out, text, type, std::to_string(revision));
    }
  }
  std::string out;

 private:
  bool lines_;
};

json::Json bookmark(std::uint64_t revision) { return {{"metadata", {{"resourceVersion", std::to_string(revision)}}}}; }

io::Task<Result<std::vector<io::ResourceChange>>> changes_since(Services& services, std::uint64_t since) {
  std::function<Result<std::vector<io::ResourceChange>>(io::Database&)> read =
      [since, limit = services.options.limits.watch_batch](io::Database& db) {
        return io::ResourceTable(db).changes(since, limit);
      };
  co_return co_await services.door.run(std::move(read));
}

}  // namespace

io::Task<void> ManagementApi::watch(Request& request, api::Kind kind) {
  auto start = start_of(request);
  if (!start.ok()) {
    co_await refuse(request, problem_of(start.error()));
    co_return;
  }
  const auto watched = std::make_shared<Catalog::Watch>(services_.catalog);
  request.exchange.on_client_gone([weak = std::weak_ptr(watched)] {
    if (const auto alive = weak.lock()) alive->changed.set();
  });
  std::uint64_t since = start->given ? start->since : services_.catalog.revision();
  auto changes = co_await changes_since(services_, since);
  if (!changes.ok() && changes.error().code == Code::NotFound) {
    co_await refuse(
        request, {410, "watch_too_old", changes.error().message, "list again and watch from its resourceVersion", {}});
    co_return;
  }
  if (!changes.ok()) {
    co_await refuse(request, problem_of(changes.error()));
    co_return;
  }
  const bool lines = request.exchange.head().headers.lists("accept", "application/jsonl");
  Writer writer(lines);
  if (!start->given) {
    for (const auto& entry : services_.catalog.list(kind)) {
      if (entry->stored.version <= since) writer.add("ADDED", view(*entry), entry->stored.version);
    }
    writer.add("BOOKMARK", bookmark(since), since);
  }
  http::Headers headers{{"content-type", lines ? "application/jsonl" : "text/event-stream"},
                        {"cache-control", "no-store"},
                        {"x-request-id", request.id}};
  auto sent = co_await request.exchange.start(200, std::move(headers));
  auto alarm = services_.env.timer([&watched] { watched->changed.set(); });
  const std::string name(api::to_string(kind));
  while (sent.ok() && changes.ok() && !request.exchange.client_gone()) {
    for (const auto& change : *changes) {
      since = change.revision;
      if (change.resource.kind == name) writer.add(io::to_string(change.kind), resource_json(change.resource), since);
    }
    if (changes->empty() && writer.out.empty()) {
      alarm->arm(services_.env.now() + services_.options.limits.bookmark_every);
      const Time waited = services_.env.now();
      co_await watched->changed.wait();
      if (services_.env.now() - waited >= services_.options.limits.bookmark_every)
        writer.add("BOOKMARK", bookmark(since), since);
    }
    if (!writer.out.empty()) {
      const std::string bytes = std::exchange(writer.out, {});
      sent = co_await request.exchange.write(bytes);
    }
    changes = co_await changes_since(services_, since);
  }
  // A watcher that fell too far behind is cut, and gets its 410 when it comes again.
}

}  // namespace aigrid::control
