// A spool's folder after a crash, or in the hands of an enemy: any bytes as its segment. It opens, gives only records
// whose sums fit, takes new ones, and has them when it is opened again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "io/env/virtual_world.h"
#include "io/store/segment.h"
#include "io/store/spool.h"

namespace {

using namespace aigrid;

io::Task<void> open_twice(io::Env& env, std::string bytes, bool* done) {
  const auto made = env.files().make_folders("/spool");
  const auto put = env.files().replace("/spool/" + io::segment_name(1), bytes);
  if (!made.ok() || !put.ok()) std::abort();
  std::uint64_t held = 0;
  std::uint64_t last = 0;
  {
    auto spool = io::Spool::open(env, "/spool");
    if (!spool.ok()) std::abort();
    const auto got = (*spool)->read(1'000'000, 1'000'000'000);
    if (!got.ok()) std::abort();
    held = got->size();
    std::size_t whole = 0;
    for (const auto& e : *got) whole += e.bytes.size() + io::kFrameHead;
    if (whole + (*spool)->repaired_bytes() > bytes.size()) std::abort();
    const auto next = (*spool)->append("one more");
    if (!next.ok()) std::abort();
    last = *next;
    const auto durable = co_await (*spool)->durable(last);
    if (!durable.ok()) std::abort();
  }
  auto again = io::Spool::open(env, "/spool");
  if (!again.ok()) std::abort();
  const auto got = (*again)->read(1'000'000, 1'000'000'000);
  if (!got.ok() || got->size() != held + 1 || got->back().sequence != last || got->back().bytes != "one more") {
    std::abort();
  }
  *done = true;
}

}  // namespace

// The first byte says how the rest is framed: as it is, or cut into records with right sums, the last one torn.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  std::string rest(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const std::size_t piece = bytes[0] % 32U;
  if (piece != 0) {
    std::string framed;
    for (std::size_t at = 0; at < rest.size(); at += piece) io::append_frame(framed, rest.substr(at, piece));
    framed.resize(framed.size() - std::min<std::size_t>(framed.size(), bytes[0] / 32U));
    rest = std::move(framed);
  }
  io::WorldOptions options;
  options.keep_event_log = false;
  io::VirtualWorld world(1, options);
  world.add_host("a");
  bool done = false;
  world.spawn("a", [&](io::Env& env) { return open_twice(env, rest, &done); });
  world.run_for(1s);
  if (!done) std::abort();
  return 0;
}
