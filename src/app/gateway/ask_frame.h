// The frame that opens one attempt of a request: everything that the far side needs to judge and to run it alone.
#pragma once

#include "app/gateway/admitted.h"
#include "app/gateway/mandate.h"
#include "core/dispatch/delivered.h"
#include "core/dispatch/request_life.h"
#include "format/inner/frames.h"

namespace aigrid::gateway {

// `given`: what the client has of the answer already, from which it is to go on.
inner::Ask ask_frame(const Services& services, const Admitted& admitted, const Mandate& mandate,
                     const dispatch::RequestLife& life, const dispatch::action::Ask& ask,
                     const dispatch::Delivered& given);

}  // namespace aigrid::gateway
