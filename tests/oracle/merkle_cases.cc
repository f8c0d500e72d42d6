// Prints what core/audit makes of a log of COUNT leaves, "leaf 0", "leaf 1", …, one JSON object a line: roots of every
// size, inclusion proofs, consistency proofs. tests/conformance/test_merkle.py holds them against another program's.
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/crypto/encode.h"
#include "base/random.h"
#include "core/audit/test_log.h"

namespace {

using namespace aigrid;
using namespace aigrid::audit;
using nlohmann::json;

json texts(const Proof& proof) {
  json out = json::array();
  for (const auto& hash : proof) out.push_back(crypto::hex(crypto::view(hash)));
  return out;
}

std::string text(const Digest& hash) { return crypto::hex(crypto::view(hash)); }

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 600;
  const std::uint64_t proofs = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2000;
  TestLog log;
  for (std::uint64_t i = 0; i < count; ++i) {
    log.add("leaf " + std::to_string(i));
    std::cout << json{{"size", i + 1}, {"root", text(log.tree.root())}} << "\n";
  }
  Random random(1);
  for (std::uint64_t i = 0; i < proofs; ++i) {
    const std::uint64_t size = 1 + random.below(count);
    const std::uint64_t index = random.below(size);
    const std::uint64_t older = 1 + random.below(size);
    std::cout
        << json{{"index", index}, {"size", size}, {"inclusion", texts(*prove_inclusion(index, size, log.reader()))}}
        << "\n"
        << json{{"older", older}, {"size", size}, {"consistency", texts(*prove_consistency(older, size, log.reader()))}}
        << "\n";
  }
  return 0;
}
