#include "app/agent/engine_call.h"

#include <utility>

namespace aigrid::agent {

io::Task<Result<io::ClientResponse>> call_engine(io::Env& env, EngineDoor door, engine::Request request,
                                                 io::ClientTimes times) {
  http::RequestHead head{request.method, door.prefix + request.target, {{"host", door.host}}};
  if (!request.body.empty()) head.headers.add("content-type", "application/json");
  if (!door.secret.empty()) head.headers.add("authorization", "Bearer " + door.secret);
  co_return co_await io::http1_request(env, door.address, std::move(head), std::move(request.body), times);
}

io::Task<Result<io::WholeResponse>> ask_engine(io::Env& env, EngineDoor door, engine::Request request, Duration within,
                                               std::size_t limit) {
  io::ClientTimes times;
  times.connect = times.head = times.piece = within;
  auto response = co_await call_engine(env, std::move(door), std::move(request), times);
  if (!response.ok()) co_return std::move(response).error();
  auto body = co_await response->read_all(limit);
  if (!body.ok()) co_return std::move(body).error();
  io::WholeResponse whole{response->head, std::move(*body)};
  co_return whole;
}

}  // namespace aigrid::agent
