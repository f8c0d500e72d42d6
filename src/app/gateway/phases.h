// The phases of a request before dispatch: authenticate, read intent, admit. Each gives the next what it needs or the
// error answer. No I/O: the key table and the compiled bundle are in memory.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/gateway/services.h"
#include "base/result.h"
#include "core/access/key_table.h"
#include "core/policy/residency.h"
#include "core/routing/decision.h"
#include "format/http/message.h"
#include "format/openai/error_body.h"
#include "format/openai/scan.h"
#include "grid/intent.h"

namespace aigrid::gateway {

// Or what the client gets instead of an answer.
template <class T>
using Phase = tl::expected<T, openai::ApiError>;

// Who asks.
struct Caller {
  std::string key_id;
  std::string tenant;
  std::string project;
  std::string zone;                 // of the key
  std::vector<std::string> models;  // of the key; empty: all that the tenant may see
  std::uint32_t data_level = 0;     // of the key
  std::vector<std::string> regimes;
};
Phase<Caller> authenticate(const Services& services, const http::RequestHead& head);

// What is asked: the scanned body and the effective intent.
struct Question {
  openai::RequestScan scan;
  grid::Intent intent;
};
// Channels, each only narrowing: the host name, the header, the model's `@zone`, the body.
Phase<Question> read_intent(const Services& services, const http::RequestHead& head, std::string_view body,
                            grid::Task task);

// Where it may go: everything routing needs, under one generation of the board. `input` borrows from `rules` and from
// the question: neither may move afterwards.
struct Admission {
  std::shared_ptr<Generation> generation;
  policy::Permit permit;           // also for what comes later: relays, other attempts
  std::vector<std::string> rules;  // what narrowed it, where that leaves nothing
  routing::RouteInput input;
};
// Nothing, or the refusal. Asked again after every bundle change: it decides and reserves nothing.
std::optional<openai::ApiError> admit(const Services& services, const Caller& caller, const Question& question,
                                      grid::Task task, Admission& admission);

}  // namespace aigrid::gateway
