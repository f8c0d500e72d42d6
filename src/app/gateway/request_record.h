// The record of one request that was dispatched, as its life ended; its place and its money are the caller's.
#pragma once

#include "app/gateway/admitted.h"
#include "core/dispatch/request_life.h"
#include "grid/usage.h"

namespace aigrid::gateway {

// `first_byte`: Time{} where none has left yet.
grid::Record record_of(const Admitted& admitted, const dispatch::action::Finish& finish, Time now, Time first_byte);

}  // namespace aigrid::gateway
