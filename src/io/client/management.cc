#include "io/client/management.h"

#include "format/json/json.h"
#include "io/http/web.h"

namespace aigrid::io {

namespace {

constexpr std::size_t kAnswerLimit = std::size_t{256} << 20U;

}  // namespace

ManagementClient::ManagementClient(Env& env, std::string address, std::string admin_key, std::string ca)
    : env_(env), address_(std::move(address)), admin_key_(std::move(admin_key)), ca_(std::move(ca)) {}

Task<Result<ManagementAnswer>> ManagementClient::call(std::string method, std::string target, std::string body,
                                                      http::Headers headers, Duration within) {
  headers.set("authorization", "Bearer " + admin_key_);
  if (!body.empty() && !headers.has("content-type")) headers.set("content-type", "application/json");
  http::RequestHead head{std::move(method), std::move(target), std::move(headers)};
  ClientTimes times;
  times.head = within;
  times.piece = within;
  auto answer = co_await web_request(env_, address_, ca_, std::move(head), std::move(body), times);
  if (!answer.ok()) co_return std::move(answer).error();
  auto whole = co_await answer->read_all(kAnswerLimit);
  if (!whole.ok()) co_return std::move(whole).error();
  co_return ManagementAnswer{answer->head.status, std::move(answer->head.headers), std::move(*whole)};
}

Task<Result<ManagementAnswer>> ManagementClient::watch(std::string target, std::function<bool(std::string_view)> line) {
  http::RequestHead head{
      "GET", std::move(target), {{"authorization", "Bearer " + admin_key_}, {"accept", "application/jsonl"}}};
  auto answer = co_await web_request(env_, address_, ca_, std::move(head), {}, {});
  if (!answer.ok()) co_return std::move(answer).error();
  ManagementAnswer out{answer->head.status, answer->head.headers, {}};
  if (!out.ok()) {
    auto whole = co_await answer->read_all(kAnswerLimit);
    if (whole.ok()) out.body = std::move(*whole);
    co_return out;
  }
  std::string rest;
  for (;;) {
    auto bytes = co_await answer->read();
    if (!bytes.ok()) co_return std::move(bytes).error();
    if (bytes->empty()) co_return out;
    rest += *bytes;
    for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      const std::string one = rest.substr(0, end);
      rest.erase(0, end + 1);
      if (!one.empty() && !line(one)) co_return out;
    }
  }
}

std::string describe_problem(const ManagementAnswer& answer) {
  std::string text = std::to_string(answer.status);
  auto value = json::parse(answer.body);
  if (!value.ok()) return text + " " + std::string(http::reason_phrase(answer.status));
  std::string code;
  std::string detail;
  std::string remedy;
  json::Reader(*value).get("code", code).get("detail", detail).get("remedy", remedy);
  if (!code.empty()) text += " " + code;
  if (!detail.empty()) text += ": " + detail;
  if (!remedy.empty()) text += " (" + remedy + ")";
  return text;
}

}  // namespace aigrid::io
