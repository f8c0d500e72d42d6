// What a log gives to whoever may export it, one file at a time, under the names of folder.h; and how that is told.
// Thread contract: that of the Database. Errors: NotFound (no such part), those of Database.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/audit/log.h"

namespace aigrid::audit {

// `log`: its LogIntro. `checkpoints/SIZE`: those from this size on, kMostCheckpoints at a time, as checkpoints.json has
// them. `tile/…`: hashes, or leaves under `tile/entries/…`, of the tree of the newest checkpoint.
Result<std::string> export_part(io::Database& database, const Log& log, std::string_view which);
inline constexpr std::size_t kMostCheckpoints = 1000;

struct LogIntro {
  std::string log;
  std::string key;         // as NoteKey's text
  std::string checkpoint;  // the newest one
};
std::string encode(const LogIntro& intro);
Result<LogIntro> decode_intro(std::string_view text);

}  // namespace aigrid::audit
