#include "io/http/server.h"

#include <algorithm>

#include "io/http/server_connection.h"

namespace aigrid::io {

namespace {

Task<void> accept_one(Env& env, std::unique_ptr<Stream> stream, const ServerLimits& limits, ServeFn serve,
                      WrapFn wrap) {
  if (wrap) {
    auto wrapped = co_await wrap(std::move(stream));
    if (!wrapped.ok()) {
      env.log().write(Level::Debug, "connection_refused", {{"reason", wrapped.error().message}});
      co_return;
    }
    stream = std::move(*wrapped);
  }
  co_await serve_http1(env, std::move(stream), limits, std::move(serve));
}

void append_json_text(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (byte < 0x20) {
      out.append("\\u00").append({kHex[byte >> 4U], kHex[byte & 15U]});
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace

std::string default_error_body(int status, std::string_view message) {
  std::string code = http::lower(http::reason_phrase(status));
  std::replace(code.begin(), code.end(), ' ', '_');
  std::string out = R"({"error":{"message":")";
  append_json_text(out, message);
  out.append(R"(","type":")").append(status < 500 ? "invalid_request_error" : "server_error");
  out.append(R"(","param":null,"code":")").append(code).append("\"}}");
  return out;
}

Task<void> serve_http1(Env& env, std::unique_ptr<Stream> stream, const ServerLimits& limits, ServeFn serve) {
  ServerConnection connection(env, std::move(stream), limits);
  co_await connection.run(std::move(serve));
}

Task<void> serve_listener(Env& env, Listener& listener, TaskGroup& connections, const ServerLimits& limits,
                          ServeFn serve, WrapFn wrap) {
  for (;;) {
    auto stream = co_await listener.accept();
    if (!stream.ok()) {
      const auto code = stream.error().code;
      if (code == Code::Cancelled) co_return;
      env.log().warn("accept_failed", {{"address", listener.address()}, {"reason", stream.error().message}});
      // Out of descriptors: those in use must end first. Anything else concerned one connection only.
      if (code == Code::ResourceExhausted) co_await env.sleep_for(50ms);
      continue;
    }
    if (connections.size() >= limits.connections) continue;  // dropping the stream closes it
    connections.spawn(accept_one(env, std::move(*stream), limits, serve, wrap));
  }
}

}  // namespace aigrid::io
