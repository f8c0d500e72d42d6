// POST /inner/status: a gateway's status lines, for as long as it is connected. Kept in memory only.
#include <utility>

#include "app/control/inner_service.h"
#include "io/http/lines.h"

namespace aigrid::control {

// One that came back with more workers than it joined with, or fewer: agents and peers must know.
io::Task<void> InnerService::keep_workers(std::string gateway, std::uint32_t workers) {
  const auto entry = services_.catalog.find(api::Kind::Gateway, gateway);
  if (!entry || workers == 0) co_return;
  auto known = std::get<grid::Gateway>(entry->noun);
  if (std::exchange(known.workers, workers) == workers) co_return;
  WriteAsk write;
  write.change.puts.push_back(api::to_resource(known));
  write.by = "gateway:" + gateway;
  auto done = co_await services_.catalog.write(std::move(write));
  if (done.ok() && done->problems.empty()) co_return;
  services_.env.log().warn(
      "workers_not_noted",
      {{"gateway", gateway}, {"why", done.ok() ? done->problems.front().message : done.error().message}});
}

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
    co_await keep_workers(who.id, services_.board.workers_of(who.id));
  }
  services_.board.gone(who.id, number);
  (void)stream.end();
}

}  // namespace aigrid::control
