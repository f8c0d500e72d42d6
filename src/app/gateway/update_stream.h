// What goes into a bundle update for a reader, and what a gateway finds in one. Pure; the stream is io/client's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "format/bundle/bundle.h"

namespace aigrid::gateway {

// The update from what a reader says it holds to `target`; `previous` (may be null) is what it got from us before, the
// text its delta is against.
bundle::Update update_for(const std::map<std::string, std::string>& held, std::uint64_t held_version,
                          const bundle::Held* previous, const bundle::Held& target, bundle::Scope scope,
                          const std::vector<std::string>& nodes);

// The nodes whose agent sections a gateway holds after `update`: those it brings, and those held that it leaves as they
// are. Which nodes are of our site, control knows: it sends no others.
std::vector<std::string> agent_sections(const bundle::Held& held, const bundle::Update& update,
                                        const bundle::Manifest& next);

}  // namespace aigrid::gateway
