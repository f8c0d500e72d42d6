#include "io/client/update_stream.h"

namespace aigrid::io {

namespace {

constexpr std::size_t kLengthBytes = 4;

std::size_t length_of(std::string_view bytes) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) n = (n << 8U) | static_cast<unsigned char>(bytes[i]);
  return n;
}

}  // namespace

Task<Result<void>> write_update(H2Stream& stream, const bundle::Update& update) {
  const std::string body = bundle::encode(update);
  std::string message;
  message.reserve(kLengthBytes + body.size());
  for (int shift = 24; shift >= 0; shift -= 8) message.push_back(static_cast<char>((body.size() >> shift) & 0xffU));
  message += body;
  // In pieces: write() takes all it is given into memory at once.
  constexpr std::size_t kPiece = 64 * 1024;
  for (std::size_t at = 0; at < message.size(); at += kPiece) {
    const std::string piece = message.substr(at, kPiece);
    auto written = co_await stream.write(piece);
    if (!written.ok()) co_return std::move(written).error();
  }
  co_return Result<void>{};
}

Task<Result<std::optional<bundle::Update>>> UpdateReader::next() {
  for (;;) {
    if (buffer_.size() >= kLengthBytes) {
      const std::size_t length = length_of(buffer_);
      if (length > most_) {
        co_return Error{Code::DataLoss, Origin::Upstream, Retry::Same,
                        "bundle update of " + std::to_string(length) + " bytes: over the limit of " +
                            std::to_string(most_) + " here; look at what grew in the configuration"};
      }
      if (buffer_.size() >= kLengthBytes + length) {
        auto update = bundle::decode_update(std::string_view(buffer_).substr(kLengthBytes, length));
        buffer_.erase(0, kLengthBytes + length);
        if (!update.ok()) co_return std::move(update).error();
        std::optional<bundle::Update> out(std::move(*update));
        co_return out;
      }
    }
    auto bytes = co_await stream_.read();
    if (!bytes.ok()) co_return std::move(bytes).error();
    if (bytes->empty()) co_return std::optional<bundle::Update>{};
    stream_.consume(bytes->size());
    buffer_ += *bytes;
  }
}

}  // namespace aigrid::io
