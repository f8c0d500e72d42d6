#include "app/gateway/request_view.h"

#include <utility>

#include "app/gateway/kept.h"
#include "core/audit/leaf.h"
#include "grid/source.h"

namespace aigrid::gateway {

openai::ApiError unknown_request(const std::string& id) {
  return {404, "request_not_found",
          "no request \"" + id.substr(0, 120) + "\" of this tenant: its id is in the answer's header x-request-id", ""};
}

io::Task<Phase<std::string>> request_shown(Services& services, const Caller& caller, std::string which) {
  const auto named = audit::receipt_of(services.audit.name(), which.substr(0, which.find('/')));
  if (!named.ok()) co_return tl::unexpected(unknown_request(which));
  KeptAsk ask{std::string(grid::gateway_of(named->source)), caller.tenant, std::move(which)};
  co_return co_await kept(services, std::move(ask));
}

}  // namespace aigrid::gateway
