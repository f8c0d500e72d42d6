#include "io/client/inner_ask.h"

#include "format/json/json.h"

namespace aigrid::io {

namespace {

constexpr std::size_t kRefusalLimit = 64 * 1024;

Task<Result<InnerAnswer>> read_answer(H2Stream& stream) {
  auto head = co_await stream.head();
  if (!head.ok()) co_return std::move(head).error();
  auto body = co_await stream.read_all(kInnerAnswerLimit);
  if (!body.ok() && body.error().code == Code::ResourceExhausted) {
    stream.reset();
    co_return Error{Code::ResourceExhausted, Origin::Upstream, Retry::Never, "an inner answer of over 1 MiB"};
  }
  if (!body.ok()) co_return std::move(body).error();
  co_return InnerAnswer{head->status, std::move(*body)};
}

}  // namespace

Task<Result<InnerAnswer>> ask_inner(Env& env, H2Connection& connection, std::string path, std::string body,
                                    Duration within, http::Headers more) {
  more.set("host", "inner");
  more.set("content-type", "application/json");
  http::RequestHead head{"POST", path, std::move(more)};
  auto opened = connection.open(std::move(head), false);
  if (!opened.ok()) co_return std::move(opened).error();
  const std::shared_ptr<H2Stream> stream = std::move(*opened);
  bool late = false;
  auto alarm = env.timer([&late, &stream] {
    late = true;
    stream->reset();
  });
  alarm->arm(env.now() + within);
  auto sent = co_await stream->write(body);
  if (sent.ok()) sent = stream->end();
  // A server may answer before it has read everything: what it says counts for more than a failed write.
  auto answer = co_await read_answer(*stream);
  if (!answer.ok() && late) {
    co_return Error{Code::DeadlineExceeded, Origin::Upstream, Retry::Elsewhere,
                    path + ": no answer within " + std::to_string(to_ms(within)) + " ms"};
  }
  co_return answer;
}

Task<std::optional<std::string>> refusal_of(H2Stream& stream) {
  auto head = co_await stream.head();
  if (!head.ok() || head->status < 300) co_return std::nullopt;
  InnerAnswer answer{head->status, {}};
  while (answer.body.size() < kRefusalLimit) {
    auto bytes = co_await stream.read();
    if (!bytes.ok() || bytes->empty()) break;
    stream.consume(bytes->size());
    answer.body += *bytes;
  }
  co_return problem_of(answer).message;
}

Task<void> say_refused(Env& env, H2Connection& connection, std::string why, Duration within) {
  TaskGroup running(env.executor());
  running.spawn(connection.run());
  const json::Json said{{"why", std::move(why)}};
  auto heard = co_await ask_inner(env, connection, "/inner/refused", json::dump(said), within);
  (void)heard;  // an older program does not know the question; it is closed all the same
  connection.close();
  co_await running.join();
}

Task<void> hear_refusal(Env& env, H2Stream& stream, std::string from) {
  std::string body;
  while (body.size() < kRefusalLimit) {
    auto bytes = co_await stream.read();
    if (!bytes.ok()) co_return;
    if (bytes->empty()) break;
    stream.consume(bytes->size());
    body += *bytes;
  }
  std::string why;
  if (auto value = json::parse(body); value.ok()) json::Reader(*value).get("why", why);
  env.log().warn("refused_by_peer", {{"peer", from}, {"why", why}});
  (void)stream.respond({200, {}}, true);
}

Error problem_of(const InnerAnswer& answer) {
  std::string message = "status " + std::to_string(answer.status);
  if (auto value = json::parse(answer.body); value.ok()) {
    std::string said;
    json::Reader(*value).get("message", said);
    if (!said.empty()) message = said;
  }
  const auto code = [&] {
    switch (answer.status) {
      case 400: return Code::InvalidArgument;
      case 401: return Code::Unauthenticated;
      case 403: return Code::PermissionDenied;
      case 404: return Code::NotFound;
      case 409: return Code::Conflict;
      case 429: return Code::ResourceExhausted;
      default: return Code::Unavailable;
    }
  }();
  const bool again = code == Code::Unavailable || code == Code::ResourceExhausted;
  return {code, Origin::Upstream, again ? Retry::Same : Retry::Never, std::move(message)};
}

}  // namespace aigrid::io
