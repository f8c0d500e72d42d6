// What the ingress itself writes around an engine's answer: the list of models, the `grid` object, and the end of an
// answer, joined from the tail (the last JSON object without its closing brace). Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grid/model.h"
#include "grid/tier.h"
#include "grid/usage.h"

namespace aigrid::openai {

struct ModelCard {
  std::string id;
  std::int64_t created_unix_s = 0;
  std::string owned_by;
  grid::Task task = grid::Task::Chat;  // told as `grid.task`: which endpoint takes it
};

std::string model_object(const ModelCard& model);
std::string models_list(const std::vector<ModelCard>& models);

struct GridNote {
  std::string request_id;
  std::string site;
  std::string node;  // left out when empty
  std::string zone;  // left out when empty
  std::string tier;  // left out when empty
  std::string why;   // one sentence
  std::optional<double> ttft_ms;
  std::uint32_t resumed = 0;  // how often the stream went on at another node; left out when never
  std::string resumed_by;     // "tokens" | "text"
  bool hedged = false;        // asked for twice, for the sooner first token
  std::string receipt;        // left out when empty
  std::string explanation;    // JSON, already written; left out when empty
  bool dry_run = false;       // nothing was asked of any node:
  std::optional<double> predicted_ttft_ms;
  std::string price;  // JSON, already written; left out when empty
};

std::string grid_object(const GridNote& note);

// The last events of a chat stream whose engine was lost after its last token.
struct Closing {
  std::string id;
  std::int64_t created_unix_s = 0;
  std::string model;  // as the client asked for it
  std::string finish_reason;
  std::optional<grid::Usage> usage;  // where the client wants it said
};
struct ClosingText {
  std::string events;  // whole SSE events
  std::string tail;    // the last JSON object without its closing brace, begins with `data: `
};
ClosingText closing_events(const Closing& closing);

// What OpenAI calls the tier in `service_tier`; batch has no name there but ours.
std::string_view service_tier_of(grid::Tier tier);

// The end of an answer: the tail, `,"grid":…}`, and for a stream the event's end and [DONE]. `service_tier`: said where
// the client named one.
std::string finish_object(std::string_view tail, std::string_view grid, std::string_view service_tier = {});
std::string finish_stream(std::string_view tail, std::string_view grid, std::string_view service_tier = {});

}  // namespace aigrid::openai
