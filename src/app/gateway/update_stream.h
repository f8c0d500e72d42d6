// Bundle updates on a stream: [length u32 big-endian | bundle::encode(update)], both towards agents and from control.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/bundle/bundle.h"
#include "io/http/h2_connection.h"

namespace aigrid::gateway {

io::Task<Result<void>> write_update(io::H2Stream& stream, const bundle::Update& update);

// The update from what a reader says it holds to `target`; `previous` (may be null) is what it got from us before, the
// text its delta is against.
bundle::Update update_for(const std::map<std::string, std::string>& held, std::uint64_t held_version,
                          const bundle::Held* previous, const bundle::Held& target, bundle::Scope scope,
                          const std::vector<std::string>& nodes);

// The nodes whose agent sections a gateway holds after `update`: those it brings, and those held that it leaves as they
// are. Which nodes are of our site, control knows: it sends no others.
std::vector<std::string> agent_sections(const bundle::Held& held, const bundle::Update& update,
                                        const bundle::Manifest& next);

// Splits a stream into update messages.
class UpdateReader {
 public:
  explicit UpdateReader(io::H2Stream& stream) : stream_(stream) {}
  // nullopt at the end of the stream.
  io::Task<Result<std::optional<bundle::Update>>> next();

 private:
  io::H2Stream& stream_;
  std::string buffer_;
};

}  // namespace aigrid::gateway
