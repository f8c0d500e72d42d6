// Grants at a gateway: made for every hop of an attempt, checked when another gateway asks. One worker.
#pragma once

#include <optional>

#include "app/gateway/services.h"
#include "format/inner/grant.h"
#include "io/http/h2_connection.h"

namespace aigrid::gateway {

// Leave for `ask`, final but for its grant, on `stream`'s connection.
std::string grant_for(io::Env& env, const Board& board, const inner::Ask& ask, const io::H2Stream& stream);

// What a site decides for itself about an attempt that another site's ingress asks for: is the grant good, is it for
// this site, may the request be hosted here, and may it have come in where the peer's certificate says it did?
// Nothing, or the refusal.
std::optional<inner::Refuse> refuse_hosting(Services& services, const inner::Ask& ask, const io::H2Stream& stream);

}  // namespace aigrid::gateway
