// HTTP/1.1 client: one request, its answer as a stream or whole. A connection that carried a stream is never used
// again. Thread contract: one worker. Lifetime: the Env outlives everything here; destroying a ClientResponse closes.
// Errors: connecting: what dial says (Unavailable, another try elsewhere may help). Closed before the head:
// Unavailable, elsewhere. Cut body: DataLoss, never a clean end. Too slow: DeadlineExceeded. Not HTTP: DataLoss.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "format/http/h1.h"
#include "format/http/message.h"
#include "io/env/env.h"

namespace aigrid::io {

struct ClientTimes {
  Duration connect = 5s;
  Duration head = 60s;           // from the request's first byte to the end of the answer's head
  Duration piece = Duration(0);  // for each next bytes of the body; 0: for ever (the caller may close())
};

namespace detail {
class ClientConnection;
}

class ClientResponse {
 public:
  explicit ClientResponse(std::unique_ptr<detail::ClientConnection> connection);
  ClientResponse(ClientResponse&&) noexcept;
  ClientResponse& operator=(ClientResponse&&) noexcept;
  ~ClientResponse();

  http::ResponseHead head;
  // The next bytes of the body, as they arrive; empty at its end.
  Task<Result<std::string>> read();
  // The rest of the body. ResourceExhausted over the limit.
  Task<Result<std::string>> read_all(std::size_t limit);
  // Ends the exchange now: a pending or later read fails with Cancelled, and the server sees us gone. Idempotent.
  void close();

 private:
  friend class Http1Pool;
  std::unique_ptr<detail::ClientConnection> connection_;
};

// `head.headers` gets content-length, and host and connection: close where they are missing.
Task<Result<ClientResponse>> http1_request(Env& env, Address to, http::RequestHead head, std::string body,
                                           ClientTimes times = {});
// The same over a stream already there (TLS, say).
Task<Result<ClientResponse>> http1_request_on(Env& env, std::unique_ptr<Stream> stream, http::RequestHead head,
                                              std::string body, ClientTimes times = {});

struct WholeResponse {
  http::ResponseHead head;
  std::string body;
};

// Keeps idle connections for whole (not streamed) exchanges. A request that fails on a kept connection before its
// answer begins is sent again on a fresh one if its method allows it (GET, HEAD, PUT, DELETE, OPTIONS).
class Http1Pool {
 public:
  struct Limits {
    std::size_t kept_per_address = 8;
    Duration kept_for = 15s;
    std::size_t body_bytes = 16U << 20U;
  };
  explicit Http1Pool(Env& env);
  Http1Pool(Env& env, Limits limits);
  ~Http1Pool();

  Task<Result<WholeResponse>> request(Address to, http::RequestHead head, std::string body, ClientTimes times = {});
  std::size_t kept() const;

 private:
  struct Kept {
    std::unique_ptr<detail::ClientConnection> connection;
    Time since;
  };
  std::unique_ptr<detail::ClientConnection> take(const Address& to);
  void keep(const Address& to, std::unique_ptr<detail::ClientConnection> connection);
  Task<Result<WholeResponse>> exchange(Address to, std::unique_ptr<detail::ClientConnection> connection,
                                       http::RequestHead head, std::string body, ClientTimes times);

  Env& env_;
  Limits limits_;
  std::map<Address, std::vector<Kept>> kept_;
};

}  // namespace aigrid::io
