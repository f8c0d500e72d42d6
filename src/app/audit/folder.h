// An exported log as files, and its judgement without any network:
//   keys                     verifier keys, one a line: each log's, and `<grid>/bundles`, the control plane's
//   log/LOG/checkpoint       the newest one; checkpoints.json: every one
//   log/LOG/tile/…           tlog-tiles: hashes by level, the leaves under entries/; what is withheld is an empty entry
//   bundles/HASH             what decisions are judged by: the signed manifest and its lawful sections
// Blocking. Errors: those of the reader for `keys`; everything else is a finding.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/audit/verify.h"

namespace aigrid::audit {

// A file of the folder, by its path there. NotFound: there is none.
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

struct VerifyOptions {
  std::vector<std::string> keys;         // that the reader trusts; empty: those of the folder are taken at their word
  std::vector<std::string> checkpoints;  // notes the reader kept from earlier
};
struct LogVerdict {
  std::string log;
  std::string key;
  Verdict verdict;
};
struct FolderVerdict {
  std::vector<LogVerdict> logs;
  std::vector<std::string> problems;  // of the folder itself
  std::size_t bundles = 0;
  bool ok() const;
};

// One folder judged step by step, so that whoever has cores can use them: load() a batch, look() at each of its parts,
// on as many threads as wanted, take() it; then the next.
class FolderJudge {
 public:
  static Result<std::unique_ptr<FolderJudge>> open(const ReadFile& read, const VerifyOptions& options);
  virtual ~FolderJudge() = default;

  // Some tiles of one log, with what is in them.
  struct Batch {
    struct Part {
      TileName name;
      std::string hashes;
      std::string entries;
      std::vector<Looked> looked;
    };
    std::size_t log = 0;
    std::vector<Part> parts;
  };
  // False: there is no more.
  virtual bool load(Batch& batch) = 0;
  virtual void look(Batch& batch, std::size_t part) const = 0;
  virtual void take(Batch& batch) = 0;
  virtual FolderVerdict finish() = 0;
};

// All of that, one step after the other.
Result<FolderVerdict> verify_folder(const ReadFile& read, const VerifyOptions& options);

// The name of a log, that of its folder, out of its origin; empty: not fit for a path.
std::string log_of_origin(std::string_view origin);
inline constexpr std::string_view kBundlesKey = "/bundles";  // ends the name of the control plane's key

std::string encode_checkpoints(const std::vector<std::string>& notes);
Result<std::vector<std::string>> decode_checkpoints(std::string_view text);

}  // namespace aigrid::audit
