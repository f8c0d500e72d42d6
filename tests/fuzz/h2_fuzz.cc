// HTTP/2 glue, both roles: any bytes after the preface, with answers given to what is accepted. Must not crash, and
// what is buffered for a peer that reads nothing stays bounded.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "format/http/h2.h"

namespace {

using namespace aigrid::http;

void answer(H2Session& s, H2Role role, unsigned salt) {
  while (auto event = s.next_event()) {
    if (const auto* head = std::get_if<H2RequestHead>(&*event)) {
      if (head->head.target.empty()) std::abort();
      s.respond(head->stream, ResponseHead{200, {{"content-type", "text/event-stream"}}}, salt % 3 == 0);
      s.send(head->stream, std::string(salt * 100, 'x'));
      if (salt % 2 == 0) s.end(head->stream);
      if (salt % 5 == 0) s.reset(head->stream);
    } else if (const auto* bytes = std::get_if<H2Bytes>(&*event)) {
      s.consume(bytes->stream, bytes->bytes.size());
      if (role == H2Role::Server) s.send(bytes->stream, bytes->bytes);
    }
  }
  const auto out = s.pending_output().size();
  s.consume_output(out);
  if (s.pending_output().size() > (4U << 20U)) std::abort();
}

void run(H2Role role, std::string_view bytes, unsigned salt) {
  H2Session s(role);
  if (role == H2Role::Requester) {
    for (int i = 0; i < 3; ++i) {
      const RequestHead head{"POST", "/x", {{"host", "h"}}};
      (void)s.open(head, i == 0).ok();
    }
  } else {
    (void)s.receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").ok();
  }
  answer(s, role, salt);
  const std::size_t step = 1 + salt * 16;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    if (!s.receive(bytes.substr(at, step)).ok()) break;
    answer(s, role, salt);
  }
  s.goaway();
  answer(s, role, salt);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  run(H2Role::Server, bytes, data[0]);
  run(H2Role::Requester, bytes, data[0]);
  return 0;
}
