// Rating: a record to its charge: every token of every attempt ends in one line, billed, or waived for a reason and at
// somebody's expense. A pure function of the record, which carries the terms in force at admission, so whoever rates it
// again, in whatever order, gets the same integers. Money in 1e-9 of the currency unit; no rounding happens here.
// Thread contract: any thread. Errors: none; a record that contradicts itself is rated to the tenant's advantage and
// said to be suspect.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grid/usage.h"

namespace aigrid::ledger {

enum class Bucket : std::uint8_t {
  Billed,
  Retry,          // an attempt that came to nothing before the one that answered
  HedgeLoser,     // raced the one that answered for its first token
  ResumePrefill,  // the prompt again, and what was delivered already, for an answer that goes on elsewhere
  PlatformError,  // of a request that the grid failed, or that the ingress never got
  CancelTail,     // made after the ingress had the last token that its client could have had
  PolicyCut,      // the law changed under the request
  FreeTier,       // no price was agreed
  Probe,          // of no request: asks whether the engine answers
};
std::string_view to_string(Bucket bucket);  // "billed" | "retry" | …

// At whose expense. Seller: the operator that sells to the tenant. Site: the operator that did the work.
enum class Bearer : std::uint8_t { Tenant, Seller, Site };
std::string_view to_string(Bearer bearer);

struct ChargeLine {
  std::uint32_t attempt = 0;
  Bucket bucket = Bucket::Billed;
  Bearer bearer = Bearer::Tenant;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::int64_t price_nano = 0;  // 0 unless billed
  std::int64_t cost_nano = 0;   // the site's own
};

struct Charge {
  std::string id;  // of the request: one charge over all its attempts
  std::vector<ChargeLine> lines;
  std::int64_t price_nano = 0;
  std::int64_t cost_nano = 0;
  std::string suspect;  // why the counts of node and ingress do not fit; empty: they do
};

// Completion tokens that a node may count beyond the frames the ingress got before it is taken for an error: the end of
// a turn is made, but has no text.
constexpr std::uint64_t count_slack(std::uint64_t heard) { return heard / 64 + 4; }

// Amounts saturate at the largest int64 instead of wrapping: a bill that large is looked at, not paid.
Charge rate(const grid::Record& record);

// The record with counts that no request can have cut to kMostTokens, so that sums of very many of them stay exact.
grid::Record bounded(grid::Record record);

// Tokens at unit prices, saturating.
std::int64_t price_nano(std::uint64_t prompt, std::int64_t input_nano, std::uint64_t completion,
                        std::int64_t output_nano);

// a + b, at most the largest int64.
std::int64_t saturating_add(std::int64_t a, std::int64_t b);

}  // namespace aigrid::ledger
