#include "io/tls/virtual_hello.h"

#include <array>

#include "base/crypto/encode.h"
#include "base/crypto/hash.h"
#include "io/pki/virtual_cert.h"

namespace aigrid::io {
namespace {

constexpr std::string_view kClient = "aigrid virtual client hello";
constexpr std::string_view kServer = "aigrid virtual server hello";
constexpr std::string_view kProof = "aigrid virtual client proof";
constexpr std::string_view kVerdict = "aigrid virtual verdict";

template <std::size_t N>
Result<std::array<std::string, N>> read(std::string_view text, std::string_view title,
                                        const std::array<std::string_view, N>& names) {
  AIGRID_TRY(const std::vector<std::string> lines, take_lines(text, title, names));
  if (!text.empty()) return invalid(std::string(title) + ": more lines than expected");
  std::array<std::string, N> out;
  for (std::size_t i = 0; i < N; ++i) {
    AIGRID_TRY(out[i], crypto::from_hex(lines[i]));
  }
  return out;
}

std::string line(std::string_view name, std::string_view value) {
  return std::string(name) + "=" + crypto::hex(value) + "\n";
}

}  // namespace

std::string hello_frame(std::string_view text) {
  std::string out;
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<char>((text.size() >> shift) & 255U));
  return out.append(text);
}

Result<std::size_t> hello_length(std::string_view header) {
  std::size_t n = 0;
  for (const char c : header.substr(0, kHelloHeader)) n = n << 8U | static_cast<unsigned char>(c);
  if (n > kMaxHello) return invalid("a hello of " + std::to_string(n) + " bytes: the peer does not speak virtual tls");
  return n;
}

std::string ClientHello::text() const {
  std::string names;
  for (const auto& name : alpn) names += name + "\n";
  return std::string(kClient) + "\n" + line("nonce", nonce) + line("alpn", names);
}

Result<ClientHello> ClientHello::parse(std::string_view text) {
  AIGRID_TRY(const auto v, read<2>(text, kClient, {"nonce", "alpn"}));
  ClientHello out{v[0], {}};
  for (std::size_t at = 0; at < v[1].size();) {
    const std::size_t end = v[1].find('\n', at);
    if (end == std::string::npos) return invalid("client hello: broken protocol list");
    out.alpn.push_back(v[1].substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string ServerHello::unsigned_text() const {
  return std::string(kServer) + "\n" + line("nonce", nonce) + line("alpn", alpn) +
         line("wants_certificate", wants_certificate ? "1" : "0") + line("chain", chain);
}

std::string ServerHello::text() const { return unsigned_text() + line("signature", signature); }

Result<ServerHello> ServerHello::parse(std::string_view text) {
  AIGRID_TRY(const auto v, read<5>(text, kServer, {"nonce", "alpn", "wants_certificate", "chain", "signature"}));
  return ServerHello{v[0], v[1], v[2] == "1", v[3], v[4]};
}

std::string ClientProof::text() const {
  return std::string(kProof) + "\n" + line("chain", chain) + line("signature", signature);
}

Result<ClientProof> ClientProof::parse(std::string_view text) {
  AIGRID_TRY(const auto v, read<2>(text, kProof, {"chain", "signature"}));
  return ClientProof{v[0], v[1]};
}

std::string Verdict::text() const { return std::string(kVerdict) + "\n" + line("refusal", refusal); }

Result<Verdict> Verdict::parse(std::string_view text) {
  AIGRID_TRY(const auto v, read<1>(text, kVerdict, {"refusal"}));
  return Verdict{v[0]};
}

std::string transcript(std::string_view side, std::string_view client_hello, std::string_view server_hello) {
  return crypto::bytes(crypto::Hasher()
                           .add("aigrid virtual tls ")
                           .add(side)
                           .add(hello_frame(client_hello))
                           .add(hello_frame(server_hello))
                           .finish());
}

}  // namespace aigrid::io
