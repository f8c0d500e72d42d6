// The refusals of a node, and its own residency decision. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>

#include "app/agent/bundle_follow.h"
#include "format/inner/frames.h"

namespace aigrid::agent {

inner::Refuse elsewhere(std::string code, std::string message);
// Retry::Elsewhere becomes Elsewhere, all else Never with 400.
inner::Refuse refusal_of(const Error& error);
// Nothing when this site is permitted. What the bundle forbids or does not know is refused: as final, or as elsewhere
// when the asker holds a newer bundle (then this node is behind, and still runs nothing).
std::optional<inner::Refuse> check_residency(const View& view, const std::string& site, const inner::Ask& ask,
                                             std::uint64_t version, std::int64_t second);

}  // namespace aigrid::agent
