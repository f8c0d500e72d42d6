#include "app/gateway/bill.h"

#include <algorithm>
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

admission::Need Bill::need(const routing::RouteInput& input) const {
  std::uint64_t output = input.max_output_tokens;
  if (output == 0) {  // the longest that any of its engines makes
    for (const auto d : tables_->models[input.model].deployments) {
      output = std::max<std::uint64_t>(output, tables_->deployments[d].spec.max_output_tokens);
    }
  }
  if (input.task == grid::Task::Embedding) output = 0;
  const std::uint64_t tokens = std::min(input.prompt_tokens + output, ledger::kMostTokens);
  return {static_cast<std::int64_t>(tokens),
          ledger::price_nano(input.prompt_tokens, terms_.input_nano, output, terms_.output_nano)};
}

admission::Need Bill::used(const grid::Record& record) {
  const auto& usage = record.usage;
  return {static_cast<std::int64_t>(std::min(usage.prompt_tokens + usage.completion_tokens, ledger::kMostTokens)),
          record.charge_nano};
}

}  // namespace aigrid::gateway
