// One whole question and answer on an inner connection, bounded in size and time. One worker; the connection's run()
// must be running. Errors: those of the stream; DeadlineExceeded; ResourceExhausted for an answer over the limit.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"
#include "io/env/env.h"
#include "io/http/h2_connection.h"

namespace aigrid::io {

struct InnerAnswer {
  int status = 0;
  std::string body;
};

inline constexpr std::size_t kInnerAnswerLimit = std::size_t{1} << 20U;

// POST `path` with a JSON body.
Task<Result<InnerAnswer>> ask_inner(Env& env, H2Connection& connection, std::string path, std::string body,
                                    Duration within = 10s, http::Headers more = {});

// Of a stream that was asked for and stays open: why it was refused, if its head says that it was; nullopt for a 200
// and for a stream that is lost before its head.
Task<std::optional<std::string>> refusal_of(H2Stream& stream);

// To a dialler that serves us and is none of ours: POST /inner/refused {"why"}, so that its log has the reason, then
// the connection is closed.
Task<void> say_refused(Env& env, H2Connection& connection, std::string why, Duration within = 10s);
// The other end of it: logs `refused_by_peer`.
Task<void> hear_refusal(Env& env, H2Stream& stream, std::string from);

// An answer other than 2xx as an Error: 400 InvalidArgument, 401 Unauthenticated, 403 PermissionDenied, 404 NotFound,
// 409 Conflict, 429 ResourceExhausted, else Unavailable; its message is the problem's.
Error problem_of(const InnerAnswer& answer);

}  // namespace aigrid::io
