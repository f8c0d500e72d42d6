// Intent from its three channels: the X-AIGrid-Intent header (a structured field, RFC 8941), the body's `grid` object
// and the neighbouring `provider` object. What we do not know is refused with its name: a constraint is never ignored.
// Pure, any thread.
#pragma once

#include <optional>
#include <string_view>

#include "format/openai/error_body.h"
#include "grid/intent.h"

namespace aigrid::openai {

// zone="fr" | zone=("fr" "eu"), ttft-ms=30 | ttft-ms=30;require, sort=latency|price, fallback=?0, only=("paris"),
// ignore=("lyon"), data-level=2, regimes=("gdpr"), max-price=1.5 (currency units per million output tokens), trace,
// dry-run, tier=realtime|standard|economy|batch. Returns what is wrong with it, or nothing. On error `out` is
// unchanged.
std::optional<ApiError> parse_intent_header(std::string_view value, grid::Intent& out);

// Currency units per 10^6 tokens → 10^-9 units per token.
inline std::int64_t nano_per_token(double per_million) { return static_cast<std::int64_t>(per_million * 1000.0 + 0.5); }

}  // namespace aigrid::openai
