// Distances as evidence of place: a round trip between two gateways, as each end measured it and both signed. Nothing
// is faster than light in vacuum, so two sites whose gateways answer each other in r are at most r · c / 2 apart; what
// is configured as further apart is not where it says. It proves no more than that: delay can be added, never taken
// away. Pure, any thread. Errors: InvalidArgument (no such statement, and why).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/crypto/ed25519.h"
#include "base/result.h"
#include "grid/place.h"
#include "grid/receipt.h"

namespace aigrid::audit {

struct Distance {
  std::string grid;
  std::string bundle;  // that says where the sites are: SHA-256 of its manifest, hex
  std::int64_t unix_ms = 0;
  struct End {
    std::string gateway;
    std::string site;
    std::int64_t rtt_us = 0;  // as it measured it; 0: it has not yet
    bool operator==(const End&) const = default;
  };
  End a;  // the one that asks the other
  End b;
  bool operator==(const Distance&) const = default;
};

// The text that both ends sign.
std::string format_distance(const Distance& distance);
Result<Distance> parse_distance(std::string_view text);

// What the asked end says: `proposed` with its own measurement, if that may be signed. `now_unix_ms`: its own clock.
Result<Distance> answer_distance(const Distance& proposed, const Distance::End& own, std::int64_t now_unix_ms);
inline constexpr std::int64_t kMostClockSkewMs = 60'000;

double great_circle_km(const grid::Site& a, const grid::Site& b);
// The least round trip that light takes there and back, in µs.
double least_rtt_us(double km);

// What is wrong with the leaf: its signatures, or faster than light between `a` and `b`; empty: nothing.
std::string judge_signatures(const grid::DistanceLeaf& leaf);
std::string judge_light(const Distance& distance, const grid::Site& a, const grid::Site& b);

}  // namespace aigrid::audit
