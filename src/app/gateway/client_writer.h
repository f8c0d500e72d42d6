// ClientWriter: everything that goes to one client, in order, through one task, so that a client slow to take it never
// stops the request's events: it tells them what was delivered, and that the client is gone. One worker; what is
// pushed after close() is void.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "app/gateway/meters.h"
#include "app/gateway/told.h"
#include "io/env/env.h"
#include "io/http/server.h"

namespace aigrid::gateway {

class ClientWriter {
 public:
  ClientWriter(io::Env& env, io::Exchange& exchange, Meters& meters, Time received, Events& events);

  // The head of a streamed answer, its bytes as an attempt sent them, and its end; or a whole answer.
  void start(http::Headers headers) { output_.push(Start{std::move(headers)}); }
  void bytes(std::uint32_t attempt, std::string bytes) { output_.push(Bytes{attempt, std::move(bytes)}); }
  void last(std::string bytes) { output_.push(Last{std::move(bytes)}); }
  void whole(int status, http::Headers headers, std::string body) {
    output_.push(Whole{status, std::move(headers), std::move(body)});
  }

  // Until all that was pushed before is written, or the client is gone.
  io::Task<void> close();
  // The client is gone: what was not written never will be.
  void abort();
  Time first_byte() const { return first_byte_; }  // Time{}: none has left yet

 private:
  struct Start {
    http::Headers headers;
  };
  struct Bytes {
    std::uint32_t attempt = 0;
    std::string bytes;
  };
  struct Last {
    std::string bytes;
  };
  struct Whole {
    int status = 200;
    http::Headers headers;
    std::string body;
  };
  using Output = std::variant<Start, Bytes, Last, Whole>;

  io::Task<void> write_all();
  io::Task<Result<void>> write(Output& output);
  void note_first_byte();

  io::Env& env_;
  io::Exchange& exchange_;
  Meters& meters_;
  Time received_;
  Events& events_;
  io::Channel<Output> output_;
  Time first_byte_{};
  io::TaskGroup writing_;
};

}  // namespace aigrid::gateway
