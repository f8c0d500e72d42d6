// Verify: a log judged by somebody who trusts nobody: are its checkpoints signed by its key and each the beginning of
// the next, is every leaf the one that was hashed, does each source's chain hold, was every request decided as the
// signed bundle of its time says (sites, prices), does its charge follow from its tokens. Leaves are fed in order, a
// tile at a time; look_at() of different tiles may run in parallel, everything else is sequential. Pure.
//
// What is withheld (an empty entry) is counted, its hash still proven; the chain of sources is judged only while
// nothing was withheld. What was decided under a bundle that is not there is counted as unjudged. A leaf of which only
// its hash or only its entry can be read is found, and keeps its place, so that what comes after it is judged too.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/audit/judge.h"
#include "core/audit/note.h"

namespace aigrid::audit {

// A leaf for which something does not hold; where a check covers several, one of [index, last].
struct Finding {
  std::uint64_t index = 0;
  std::uint64_t last = 0;
  std::string what;
};

struct Verdict {
  std::uint64_t size = 0;  // of the newest checkpoint
  std::uint64_t leaves = 0;
  std::uint64_t requests = 0;
  std::uint64_t withheld = 0;
  std::uint64_t unjudged = 0;  // their bundle is not there
  std::uint64_t conflicts = 0;
  std::uint64_t checkpoints = 0;
  std::int64_t charge_nano = 0;
  std::int64_t first_unix_ms = 0;
  std::int64_t last_unix_ms = 0;
  std::uint64_t distances = 0;    // round trips that both ends signed
  std::vector<Finding> doubts;    // what is sound and cannot be so: faster than light; at most kMostFindings
  std::vector<Finding> findings;  // the one that ends first first, then the narrowest; at most kMostFindings are kept
  std::uint64_t found = 0;        // all of them
};
inline constexpr std::size_t kMostFindings = 100;

// What look_at() says of one leaf.
struct Looked {
  Digest hash{};             // as the tile has it, else of the entry
  std::string wrong;         // empty: nothing
  std::uint64_t before = 0;  // of what is wrong: it may be any of so many leaves before this one, too
  bool withheld = false;
  bool request = false;
  bool unjudged = false;
  bool conflict = false;
  bool chained = true;  // one of a source, not of the log itself
  bool distance = false;
  std::string doubt;
  std::vector<std::pair<std::string, std::string>> signers;  // of a distance: gateway, public key
  std::string source;
  std::uint64_t epoch = 0;
  std::string previous;
  std::int64_t unix_ms = 0;
  std::int64_t charge_nano = 0;
};
// A tile of so many leaves; fewer come back where neither hash nor entry can be read. Any thread.
std::vector<Looked> look_at(std::uint64_t width, std::string_view hashes, std::string_view entries, const Laws& laws);

class Verifier {
 public:
  explicit Verifier(NoteKey key) : key_(std::move(key)) {}

  // Before the leaves, in any order. `remembered`: one that the reader kept from earlier.
  void checkpoint(std::string_view note, bool remembered = false);
  // In order.
  void tile(const std::vector<Looked>& leaves);
  // A tile of an upper level, once the leaves beneath it have been given; what follows from leaves that were not given
  // is not judged.
  void upper_tile(const TileName& name, std::string_view hashes);
  Verdict finish();

 private:
  void found(std::uint64_t from, std::uint64_t last, std::string what);
  void leaf(const Looked& leaf);
  void look_at_checkpoint();
  std::string follows(const TileName& name) const;

  struct Source {
    std::uint64_t epoch = 0;
    std::string hash;
    std::uint64_t index = 0;
  };
  NoteKey key_;
  std::map<std::uint64_t, Digest> signed_;  // size → root
  std::uint64_t remembered_ = 0;            // the largest size the reader has seen before
  std::map<std::string, Source, std::less<>> sources_;
  std::set<std::string> unread_;  // hashes of leaves that could not be read: a chain may go on from them
  Tree tree_;
  std::map<std::pair<unsigned, std::uint64_t>, std::string> upper_;  // full tiles as they should be
  std::uint64_t good_ = 0;                                           // leaves under the last checkpoint that fitted
  bool whole_ = true;                                                // nothing withheld so far
  Verdict verdict_;
};

}  // namespace aigrid::audit
