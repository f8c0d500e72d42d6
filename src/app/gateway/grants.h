// Grants at a gateway: made for every hop of an attempt, checked when another gateway asks. One worker.
#pragma once

#include <optional>
#include <string_view>

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
// By which sites a request comes: where it came in, and who passes it on to us unread, if somebody does.
struct Way {
  std::string_view ingress;
  std::string_view via;
};
// The same after the grant: of site `here` under the law of `tables`.
std::optional<inner::Refuse> judge_hosting(const routing::Tables& tables, const std::string& here,
                                           const inner::Ask& ask, const Way& way, std::int64_t second);

}  // namespace aigrid::gateway
