#include "core/ledger/engine_account.h"

namespace aigrid::ledger {

namespace {

std::uint64_t take_beyond(std::uint64_t counted, std::uint64_t& written) {
  if (counted <= written) return 0;
  const std::uint64_t more = counted - written;
  written = counted;
  return more;
}

}  // namespace

void EngineAccount::wrote(const grid::Usage& work) {
  written_.prompt_tokens += work.prompt_tokens;
  written_.completion_tokens += work.completion_tokens;
}

grid::Usage EngineAccount::unclaimed(const grid::Usage& counters) {
  grid::Usage out;
  out.prompt_tokens = take_beyond(counters.prompt_tokens, written_.prompt_tokens);
  out.completion_tokens = take_beyond(counters.completion_tokens, written_.completion_tokens);
  return out;
}

}  // namespace aigrid::ledger
