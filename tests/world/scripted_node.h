// ScriptedNode: a node that speaks the inner frames itself, in place of an agent and its engine, for tests of what a
// gateway makes of them: it joins, takes bundles, reports, and answers every chat with the same made-up tokens, at the
// pace of its script. It continues an answer from ids or text as its script says, and says "!" where what it is given
// is not exactly what had been delivered. Stopped and killed by its host. One worker; the script outlives it.
#pragma once

#include <cstdint>

#include "app/agent/agent.h"
#include "format/inner/frames.h"
#include "io/env/env.h"

namespace aigrid::world {

struct NodeScript {
  double prefill_tokens_per_s = 2000;
  double decode_tokens_per_s = 100;
  std::uint32_t slots = 64;
  std::uint32_t answer_tokens = 200;
  // Every so many-th answer begins so late; 0: none does.
  std::uint64_t stall_every = 0;
  Duration stall = 2s;
  // After its last token a stream says nothing more.
  bool hangs_at_end = false;
  inner::Resume resume = inner::Resume::Tokens;
  // From this token on the stream cannot be continued (a tool call).
  std::uint32_t sealed_from = ~0U;
  // What the nodes of this script have seen, all together.
  struct {
    std::uint64_t asked = 0;
    std::uint64_t resumed = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t made = 0;
  } seen;
};

io::Task<int> run_scripted_node(io::Env& env, agent::AgentOptions options, NodeScript& script);

}  // namespace aigrid::world
