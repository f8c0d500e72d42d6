// HTTP/1.1 server connections: reads requests, hands each to a ServeFn as an Exchange, writes the answer.
// It keeps reading while the ServeFn runs, so that a client that leaves is noticed at once, however silent the answer
// is. Thread contract: one worker. Lifetime: the limits, the Env and the Listener outlive the tasks; an Exchange lives
// while its ServeFn runs. Errors: origin Client; Unavailable once the client is gone, DeadlineExceeded when it is too
// slow.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "format/http/h1.h"
#include "format/http/message.h"
#include "io/env/env.h"

namespace aigrid::io {

struct ServerLimits {
  http::H1Limits parse;
  Duration head = 10s;               // from the first byte of a request to the end of its head
  Duration idle = 75s;               // between requests
  Duration body_piece = 15s;         // for each next 16 KiB of a body (or its end)
  Duration write_stall = 60s;        // the client takes not one byte
  std::size_t requests = 100'000;    // on one connection
  std::size_t connections = 20'000;  // for serve_listener
  // The body of an error the server itself answers (application/json), which may have headers of its own. Empty:
  // OpenAI's form.
  std::function<std::string(int status, std::string_view message, http::Headers& headers)> error_body;
};

// {"error":{"message","type","param","code"}}
std::string default_error_body(int status, std::string_view message);

class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const http::RequestHead& head() const = 0;
  virtual const Peer& peer() const = 0;

  // The whole body. ResourceExhausted over the limit: if the ServeFn then answers nothing, 413 is answered and the
  // connection closed.
  virtual Task<Result<std::string>> read_body(std::size_t limit) = 0;
  // The next 16 KiB or more of the body, less at its end; empty after it.
  virtual Task<Result<std::string>> read() = 0;

  // A whole answer. Framing headers are the server's: those given are replaced.
  virtual Task<Result<void>> respond(int status, http::Headers headers, std::string body) = 0;
  // A streamed answer: start, write*, finish. Each returns when its bytes are in the socket, which is what "delivered"
  // means. A ServeFn that returns without finish() leaves a visibly cut answer.
  virtual Task<Result<void>> start(int status, http::Headers headers) = 0;
  virtual Task<Result<void>> write(std::string_view bytes) = 0;  // `bytes` live until it returns
  virtual Task<Result<void>> finish() = 0;

  virtual bool started() const = 0;
  // The client closed or reset the connection (or closed its half: nobody waits for an answer then).
  virtual bool client_gone() const = 0;
  // Called once, at once if it has happened already. May set events; must not destroy the connection. Empty: forgets
  // the one before.
  virtual void on_client_gone(std::function<void()> fn) = 0;
  // Closes without a clean end: the client sees a cut answer, never a finished one.
  virtual void abort() = 0;
};

using ServeFn = std::function<Task<void>(Exchange&)>;

// Serves one connection until it ends.
Task<void> serve_http1(Env& env, std::unique_ptr<Stream> stream, const ServerLimits& limits, ServeFn serve);

// Turns an accepted stream into the one to serve (TLS handshake); runs in the connection's own task.
using WrapFn = std::function<Task<Result<std::unique_ptr<Stream>>>(std::unique_ptr<Stream>)>;

// Accepts until the listener is closed; one task in `connections` for each. Over the limit new ones are closed at once.
Task<void> serve_listener(Env& env, Listener& listener, TaskGroup& connections, const ServerLimits& limits,
                          ServeFn serve, WrapFn wrap = {});

}  // namespace aigrid::io
