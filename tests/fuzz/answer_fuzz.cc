// An engine's events of any bytes, several in a row: as the chat stream they are (AnswerFilter, with and without
// AnswerJoin), and as llama.cpp's native stream (its counts and its token reader). Never a crash; a whole answer is one
// JSON object, and no client's event holds a line of its own.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/registry.h"
#include "engine/token_resume.h"
#include "format/openai/edit.h"

namespace {

using namespace aigrid;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

void filter(const std::vector<std::string_view>& events, bool join) {
  openai::AnswerEdit edit;
  edit.id = "chatcmpl-1";
  edit.model = "m";
  edit.join = join;
  edit.hide_logprobs = !join;
  openai::AnswerFilter answer(edit);
  std::uint64_t tokens = 0;
  for (const auto event : events) {
    const auto piece = answer.event(event);
    if (!piece.ok()) return;
    tokens += piece->tokens;
    if (join && !piece->client.empty()) std::abort();
    if (answer.done()) break;
  }
  if (!answer.done() && !answer.event("[DONE]").ok()) return;
  if (join && !nlohmann::json::accept(answer.tail() + "}")) std::abort();
  if (answer.usage().completion_tokens < tokens && !answer.usage_exact()) std::abort();
}

void join(const std::vector<std::string_view>& events) {
  openai::AnswerJoin answer;
  for (const auto event : events) {
    const auto chunk = nlohmann::ordered_json::parse(event, nullptr, false);
    if (!chunk.is_discarded()) answer.add(chunk);
  }
  if (!answer.whole().is_object()) std::abort();
}

void native(const std::vector<std::string_view>& events) {
  const auto* tokens = engine::driver_of(grid::Driver::LlamaCpp).tokens();
  openai::AnswerEdit edit;
  edit.model = "m";
  openai::AnswerFilter answer(edit);
  for (const auto event : events) {
    (void)tokens->prompt(event).ok();
    (void)tokens->ids(event).ok();
    (void)tokens->text(event).ok();
    const auto payloads = tokens->as_chat(event, event.size() % 2 == 0);
    if (!payloads.ok()) continue;
    for (const auto& payload : *payloads) {
      if (payload != "[DONE]" && !nlohmann::json::accept(payload)) std::abort();
      if (!answer.done()) (void)answer.event(payload).ok();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto events = lines_of({reinterpret_cast<const char*>(bytes), size});
  filter(events, false);
  filter(events, true);
  join(events);
  native(events);
  return 0;
}
