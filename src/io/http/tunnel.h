// A byte stream carried by one HTTP/2 exchange, each way: what a third party that passes bytes on needs, and the two
// ends that speak TLS through it. Thread contract: one worker. Lifetime: the Stream holds the exchange; dropping it
// resets what is not over, and what was not sent yet is lost (the protocol above has ended before). Flow control: the
// exchange's window is given back as bytes are taken, and at most 64 KiB wait to be sent, so a slow end holds that much
// and no more. Errors: those of the exchange.
#pragma once

#include <memory>
#include <string_view>

#include "io/env/env.h"
#include "io/http/h2_connection.h"

namespace aigrid::io {

// `exchange` is open both ways: as its server, answered with 200; as its requester, after a 200 came. The other end's
// address names who passes the bytes on, and TLS above keeps it.
std::unique_ptr<Stream> tunnel(Env& env, std::shared_ptr<H2Stream> exchange, std::string_view through);
// Who that is; empty: nobody, `address` is the other end's own.
std::string_view tunnelled_through(std::string_view address);

// Passes bytes on between two exchanges until both ways have ended or one has failed; then neither is left open.
Task<void> pass_on(Env& env, std::shared_ptr<H2Stream> a, std::shared_ptr<H2Stream> b);

}  // namespace aigrid::io
