// LineReader: newline-delimited messages on an HTTP/2 stream, bounded, with the window returned as bytes arrive.
// One worker; the stream outlives the reader.
#pragma once

#include <optional>
#include <string>

#include "io/http/h2_connection.h"

namespace aigrid::io {

class LineReader {
 public:
  static constexpr std::size_t kMaxLine = std::size_t{8} << 20U;

  explicit LineReader(H2Stream& stream) : stream_(stream) {}

  // The next line without its newline; nullopt at the end of the stream. DataLoss for a line over kMaxLine.
  Task<Result<std::optional<std::string>>> next() {
    for (;;) {
      if (const auto end = buffer_.find('\n', searched_); end != std::string::npos) {
        std::optional<std::string> line(buffer_.substr(0, end));
        buffer_.erase(0, end + 1);
        searched_ = 0;
        co_return line;
      }
      searched_ = buffer_.size();
      if (searched_ > kMaxLine) {
        co_return Error{Code::DataLoss, Origin::Upstream, Retry::Never, "a line of over 8 MiB: not a message"};
      }
      auto bytes = co_await stream_.read();
      if (!bytes.ok()) co_return std::move(bytes).error();
      if (bytes->empty()) co_return std::optional<std::string>{};
      stream_.consume(bytes->size());
      buffer_ += *bytes;
    }
  }

 private:
  H2Stream& stream_;
  std::string buffer_;
  std::size_t searched_ = 0;
};

}  // namespace aigrid::io
