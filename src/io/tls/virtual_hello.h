// The three hellos of VirtualTls and the server's verdict, as texts in length-prefixed frames. Pure; for io/tls only.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aigrid::io {

inline constexpr std::size_t kHelloHeader = 4;  // big-endian length
inline constexpr std::size_t kMaxHello = 1024 * 1024;

std::string hello_frame(std::string_view text);
Result<std::size_t> hello_length(std::string_view header);

struct ClientHello {
  std::string nonce;  // 32 bytes
  std::vector<std::string> alpn;
  std::string text() const;
  static Result<ClientHello> parse(std::string_view text);
};

struct ServerHello {
  std::string nonce;
  std::string alpn;
  bool wants_certificate = false;
  std::string chain;
  std::string signature;  // over transcript("server", client hello + unsigned_text)
  std::string unsigned_text() const;
  std::string text() const;
  static Result<ServerHello> parse(std::string_view text);
};

struct ClientProof {
  std::string chain;      // empty: no certificate
  std::string signature;  // over transcript("client", client hello + server hello)
  std::string text() const;
  static Result<ClientProof> parse(std::string_view text);
};

struct Verdict {
  std::string refusal;  // empty: welcome
  std::string text() const;
  static Result<Verdict> parse(std::string_view text);
};

std::string transcript(std::string_view side, std::string_view client_hello, std::string_view server_hello);

}  // namespace aigrid::io
