// What goes into a bundle update for a reader. Pure; the stream is io/client's.
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

}  // namespace aigrid::gateway
