// HTTP/1.1 parser, both roles: must not crash, must not depend on how the bytes were cut, and what it accepts must
// survive being written and read again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "format/http/h1.h"
#include "format/http/h1_writer.h"

namespace {

using namespace aigrid::http;

std::string run(H1Role role, std::string_view bytes, std::size_t step) {
  H1Parser p(role);
  std::string trace;
  std::string body;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto n = p.feed(bytes.substr(at, step));
    at += n;
    while (auto e = p.next()) {
      if (e->kind == H1Event::Kind::Body) {
        body += e->body;
      } else {
        trace += std::to_string(static_cast<int>(e->kind)) + "/" + std::to_string(e->status) + " ";
      }
    }
    if (n == 0) break;
  }
  // What the writer writes is HTTP/1.1, where a Host must be; HTTP/1.0 may come without.
  if (!p.failed() && p.done() && role == H1Role::Server && p.request().headers.has("host")) {
    H1Parser again(role);
    const auto wire = write_request_head(p.request());
    again.feed(wire);
    if (again.failed() || !(again.request() == p.request())) std::abort();
    (void)parse_target(p.request().target).ok();
  }
  p.feed_end();
  return trace + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const auto role : {H1Role::Server, H1Role::Client})
    if (run(role, bytes, bytes.size()) != run(role, bytes, 1U + data[0] % 7U)) std::abort();
  return 0;
}
