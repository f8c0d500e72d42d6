#include "app/gateway/request_record.h"

namespace aigrid::gateway {

grid::Record record_of(const Admitted& admitted, const dispatch::action::Finish& finish, Time now, Time first_byte) {
  const auto& tables = *admitted.admission.generation->tables;
  grid::Record record;
  record.request_id = admitted.request_id;
  record.tenant = admitted.caller.tenant;
  record.project = admitted.caller.project;
  record.key_id = admitted.caller.key_id;
  record.model = tables.models[admitted.admission.input.model].spec.name;
  record.endpoint = admitted.endpoint;
  record.tier = grid::to_string(admitted.admission.input.tier);
  record.outcome = finish.outcome;
  record.status = finish.status;
  record.code = finish.code;
  record.usage = finish.usage;
  record.attempts = finish.attempts;
  record.received_unix_ms = unix_ms(admitted.received_wall);
  record.total_us = (now - admitted.received).count() / 1000;
  if (first_byte != Time{}) {
    record.ttft_us = (first_byte - admitted.received).count() / 1000;
  } else if (finish.outcome == grid::Outcome::Finished) {
    record.ttft_us = record.total_us;  // a whole answer: its first byte leaves now
  }
  return record;
}

}  // namespace aigrid::gateway
