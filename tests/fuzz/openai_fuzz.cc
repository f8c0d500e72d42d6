// Client bodies, intent headers and engine events of any bytes: never a crash; a body that scans can be edited.
#include <cstdint>
#include <cstdlib>

#include "format/openai/edit.h"
#include "format/openai/intent.h"
#include "format/openai/scan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace aigrid::openai;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto chat = scan_chat(text);
  if (chat.has_value() && !edit_chat_body(text, {"m", chat->stream, 16, true}).ok()) std::abort();
  const auto embeddings = scan_embeddings(text);
  if (embeddings.has_value() && !edit_embeddings_body(text, {"m", false, 0, false}).ok()) std::abort();
  aigrid::grid::Intent intent;
  (void)parse_intent_header(text, intent);
  AnswerFilter filter({"id", 1, "m", false, false});
  (void)filter.event(text);
  (void)filter.event("[DONE]");
  AnswerFilter whole({"id", 1, "m", false, false});
  (void)whole.whole(text);
  return 0;
}
