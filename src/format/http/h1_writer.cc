#include "format/http/h1_writer.h"

#include <array>
#include <charconv>

namespace aigrid::http {
namespace {

void append_clean(std::string& out, std::string_view value) {
  for (const char c : value) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
}

void append_fields(std::string& out, const Headers& headers) {
  for (const auto& h : headers) {
    if (!is_token(h.name)) continue;  // a name that is no token cannot be sent in any form
    out.append(h.name).append(": ");
    append_clean(out, h.value);
    out.append("\r\n");
  }
  out.append("\r\n");
}

}  // namespace

std::string write_request_head(const RequestHead& head) {
  std::string out;
  out.reserve(256);
  out.append(head.method).append(" ");
  for (const char c : head.target) {
    if (c > 0x20 && c < 0x7f) {
      out.push_back(c);
    } else {  // never a space or control in the request line
      constexpr std::string_view kHex = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
    }
  }
  out.append(" HTTP/1.1\r\n");
  append_fields(out, head.headers);
  return out;
}

std::string write_response_head(const ResponseHead& head) {
  std::string out;
  out.reserve(256);
  out.append("HTTP/1.1 ").append(std::to_string(head.status)).append(" ").append(reason_phrase(head.status));
  out.append("\r\n");
  append_fields(out, head.headers);
  return out;
}

std::string chunk_prefix(std::size_t size) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  std::string out(digits.data(), end);
  out.append("\r\n");
  return out;
}

}  // namespace aigrid::http
