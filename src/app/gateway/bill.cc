#include "app/gateway/bill.h"

#include <utility>

#include "core/ledger/rating.h"
#include "core/ledger/terms.h"

namespace aigrid::gateway {

Bill::Bill(std::shared_ptr<const routing::Tables> admitted_under, const routing::RouteInput& input,
           std::size_t body_bytes)
    : tables_(std::move(admitted_under)) {
  const auto& tenant = tables_->tenants[input.tenant];
  terms_.operator_name = tenant.spec.operator_name;
  terms_.prompt_most = ledger::prompt_most(body_bytes);
  const auto price = tables_->price(input.tenant, input.model);
  if (!price.agreed) return;
  const auto& book = tables_->price_books[tenant.price_book];
  terms_.price_book = book.name;
  terms_.currency = book.currency;
  terms_.input_nano = price.input_nano;
  terms_.output_nano = price.output_nano;
}

void Bill::complete(grid::Record& record) const {
  record.terms = terms_;
  record.bundle_version = tables_->version;
  for (auto& attempt : record.attempts) {
    // Of a stream, what went to the client is known better already.
    const auto heard = heard_.find(attempt.number);
    if (attempt.heard_tokens == 0 && heard != heard_.end()) attempt.heard_tokens = heard->second;
    const auto site = tables_->find_site(attempt.site);
    if (!site) continue;
    const auto& entry = tables_->sites[*site];
    attempt.operator_name = entry.spec.operator_name;
    attempt.cost_nano = entry.spec.cost_nano_per_token;
    attempt.margin_ppm = entry.margin_ppm;
  }
  record.charge_nano = ledger::rate(record).price_nano;
}

}  // namespace aigrid::gateway
