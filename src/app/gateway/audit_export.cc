#include "app/gateway/audit_export.h"

#include <utility>

#include "app/gateway/answers.h"
#include "app/gateway/audit_log.h"
#include "app/gateway/kept.h"
#include "format/openai/error_body.h"

namespace aigrid::gateway {

namespace {

io::Task<Result<audit::Pass>> opened(const AuditLog& log, std::string pass) { co_return log.reader(pass); }

io::Task<Result<void>> may_read(Services& services, const http::RequestHead& head) {
  constexpr std::string_view kBearer = "Bearer ";
  const auto given = head.headers.get("authorization");
  if (!given || !given->starts_with(kBearer)) {
    co_return Error{Code::Unauthenticated, Origin::Client, Retry::Never,
                    "send the header Authorization: Bearer agp1_…: aigrid audit export gets one from control"};
  }
  std::function<io::Task<Result<audit::Pass>>()> ask = [log = services.office.log,
                                                        pass = std::string(given->substr(kBearer.size()))] {
    return opened(*log, pass);
  };
  auto pass = co_await services.office.door.ask(services.env, std::move(ask));
  if (!pass.ok()) co_return std::move(pass).error();
  co_return Result<void>();
}

}  // namespace

io::Task<void> serve_audit(Services& services, io::Exchange& exchange, std::string which) {
  const std::string request_id = services.ledger.next_request_id();
  http::Headers headers = standard_headers(request_id, Duration{});
  Phase<std::string> part = std::string();
  const auto may = co_await may_read(services, exchange.head());
  if (!may.ok()) {
    part = tl::unexpected(openai::ApiError{401, "audit_not_readable", may.error().message, ""});
  } else {
    const std::size_t slash = std::min(which.find('/'), which.size());
    KeptAsk ask{which.substr(0, slash), {}, which.substr(std::min(slash + 1, which.size()))};
    part = co_await kept(services, std::move(ask));
  }
  if (part) {
    headers.set("content-type", "application/octet-stream");
    (void)co_await exchange.respond(200, std::move(headers), std::move(*part));
    co_return;
  }
  headers.set("content-type", "application/json");
  const int status = part.error().status;
  std::string body = openai::error_body(part.error(), request_id_member(request_id));
  (void)co_await exchange.respond(status, std::move(headers), std::move(body));
}

}  // namespace aigrid::gateway
