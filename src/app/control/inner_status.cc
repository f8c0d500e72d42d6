// POST /inner/status: a gateway's status lines, for as long as it is connected. Kept in memory only.
#include "app/control/inner_service.h"
#include "io/http/lines.h"

namespace aigrid::control {

io::Task<void> InnerService::status(io::H2Stream& stream, Spiffe who) {
  if (!stream.respond({200, {}}).ok()) co_return;
  io::LineReader lines(stream);
  io::Env& env = services_.env;
  const std::uint64_t number = ++services_.status_streams;
  for (;;) {
    auto line = co_await lines.next();
    if (!line.ok() || !*line) break;
    auto taken =
        services_.board.take({who.site, who.id, number}, services_.catalog, **line, env.now(), unix_ms(env.wall()));
    if (!taken.ok()) env.log().warn("status_refused", {{"gateway", who.id}, {"why", taken.error().message}});
  }
  services_.board.gone(who.id, number);
  (void)stream.end();
}

}  // namespace aigrid::control
