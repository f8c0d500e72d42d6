// What every answer to a client has: headers, retry advice, the record and its log line.
#pragma once

#include <string>

#include "app/gateway/services.h"
#include "core/dispatch/request_life.h"
#include "format/http/message.h"

namespace aigrid::gateway {

struct Admitted;

http::Headers standard_headers(const std::string& request_id, Duration took);
// Retry-After where another try may help, x-should-retry: false where it cannot.
void add_retry_headers(http::Headers& headers, const dispatch::action::Fail& failure);
// `"request_id":"…"`: a member for error bodies.
std::string request_id_member(const std::string& request_id);
// The candidates of a decision in names, each with its score parts or the rule that removed it, as JSON.
std::string explanation_json(const routing::Tables& tables, const routing::Explanation& explanation);
// Into the ledger's spool, the audit log, the meters and the log. Called once a request.
void write_record(Services& services, const Admitted& admitted, grid::Record record);

}  // namespace aigrid::gateway
