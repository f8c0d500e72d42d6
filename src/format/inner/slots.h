// What gateways of one site say to each other about the slots of its nodes, as JSON on `POST /inner/slot`: one ask, one
// answer; the stream stays open while the slot is waited for or held, and its end, however it comes, gives it back.
// Pure, any thread. Errors: InvalidArgument (not JSON, wrong type or range, no deployment).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/inner/frames.h"

namespace aigrid::inner {

struct SlotAsk {
  std::uint32_t worker = 0;  // of the gateway asked: the queue's owner
  std::string deployment;
  std::string tenant;
  std::string model;
  std::string project;
  std::vector<std::string> zones;  // with the next two: where else it may run
  std::uint32_t data_level = 0;
  std::vector<std::string> regimes;
  std::string held;  // the node whose slot the asker holds already: count it; else empty
  std::vector<std::string> excluded_nodes;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t max_output_tokens = 0;
  std::uint8_t hops = 0;
  std::uint8_t tier = kAskTier;  // grid::Tier; one that is not known is the last
  std::uint32_t remaining_ms = 0;
};

struct SlotAnswer {
  bool granted = false;
  std::string node;     // granted: this one's
  std::string message;  // refused: why
  std::string better;   // refused: the site where it gets its turn sooner, if there is one
};

std::string encode(const SlotAsk& ask);
Result<SlotAsk> decode_slot_ask(std::string_view text);
std::string encode(const SlotAnswer& answer);
Result<SlotAnswer> decode_slot_answer(std::string_view text);

}  // namespace aigrid::inner
