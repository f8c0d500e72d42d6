// TLS of the public listener, from PEM files. Without a certificate only a loopback address may be plain: an API key
// must not travel in clear. For start-up.
#pragma once

#include "app/gateway/gateway.h"
#include "io/http/server.h"

namespace aigrid::gateway {

// How the listener wraps what it accepts: TLS, or nothing on loopback. Errors: InvalidArgument naming the option.
Result<io::WrapFn> public_wrap(io::Env& env, const GatewayOptions& options);

}  // namespace aigrid::gateway
