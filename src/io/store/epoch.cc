#include "io/store/epoch.h"

#include <algorithm>
#include <charconv>

namespace aigrid::io {

Result<std::uint64_t> raise_epoch(Files& files, const std::string& path, WallTime wall) {
  std::uint64_t epoch = static_cast<std::uint64_t>(std::max<std::int64_t>(unix_seconds(wall), 1));
  auto text = files.read_all(path);
  if (text.ok()) {
    std::uint64_t held = 0;
    const char* end = text->data() + text->size();
    const auto [at, error] = std::from_chars(text->data(), end, held);
    if (error != std::errc() || at == text->data() || (at != end && *at != '\n')) {
      return Error{Code::DataLoss, Origin::Self, Retry::Never,
                   "epoch file " + path + " is not a number: write into it one larger than any used before"};
    }
    epoch = held + 1;
  } else if (text.error().code != Code::NotFound) {
    return text.error();
  }
  AIGRID_CHECK_OK(files.replace(path, std::to_string(epoch) + "\n"));
  return epoch;
}

}  // namespace aigrid::io
