#include "app/gateway/bill.h"

#include <algorithm>
#include <utility>

#include "core/ledger/rating.h"
#include "core/ledger/terms.h"

namespace aigrid::gateway {

Bill::Bill(std::shared_ptr<const routing::Tables> admitted_under, const routing::RouteInput& input,
           std::size_t body_bytes)
    : tables_(std::move(admitted_under)), body_bytes_(body_bytes) {
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

Bill::Most Bill::most(const routing::RouteInput& input) const {
  std::uint64_t output = input.max_output_tokens;
  std::uint64_t context = 0;
  for (const auto d :
       tables_->models[input.model].deployments) {  // the longest that any of its engines takes and makes
    const auto& spec = tables_->deployments[d].spec;
    context = std::max<std::uint64_t>(context, spec.context_tokens);
    if (input.max_output_tokens != 0) continue;
    output =
        std::max<std::uint64_t>(output, spec.max_output_tokens != 0 ? spec.max_output_tokens : spec.context_tokens);
  }
  // Embeddings are of many inputs, each as long as a context.
  if (input.task == grid::Task::Embedding) return {body_bytes_, 0};
  // The JSON around a body's text is longer than what a model's template puts around it.
  return {context != 0 ? std::min<std::uint64_t>(body_bytes_, context) : body_bytes_, output};
}

admission::Need Bill::need(const routing::RouteInput& input) const { return need(input, most(input).prompt); }

admission::Need Bill::need(const routing::RouteInput& input, std::uint64_t prompt) const {
  const std::uint64_t output = most(input).output;
  const std::uint64_t likely = std::min<std::uint64_t>(input.prompt_tokens, prompt);
  const auto tokens = [](std::uint64_t n) { return static_cast<std::int64_t>(std::min(n, ledger::kMostTokens)); };
  admission::Need need;
  need.tokens = tokens(prompt + output);
  need.likely_tokens = tokens(likely + output);
  need.spend_nano = ledger::price_nano(prompt, terms_.input_nano, output, terms_.output_nano);
  need.likely_spend_nano = ledger::price_nano(likely, terms_.input_nano, output, terms_.output_nano);
  return need;
}

admission::Need Bill::used(const grid::Record& record) {
  const auto& usage = record.usage;
  admission::Need used;
  used.tokens = static_cast<std::int64_t>(std::min(usage.prompt_tokens + usage.completion_tokens, ledger::kMostTokens));
  used.spend_nano = record.charge_nano;
  return used;
}

}  // namespace aigrid::gateway
