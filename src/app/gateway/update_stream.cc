#include "app/gateway/update_stream.h"

#include <set>

namespace aigrid::gateway {

namespace {

constexpr std::size_t kLengthBytes = 4;
// A whole bundle of 10^6 keys is about 200 MB; anything above is not an update.
constexpr std::uint32_t kMaxUpdate = 512U << 20U;

std::uint32_t length_of(std::string_view bytes) {
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) n = (n << 8U) | static_cast<unsigned char>(bytes[i]);
  return n;
}

}  // namespace

io::Task<Result<void>> write_update(io::H2Stream& stream, const bundle::Update& update) {
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

bundle::Update update_for(const std::map<std::string, std::string>& held, std::uint64_t held_version,
                          const bundle::Held* previous, const bundle::Held& target, bundle::Scope scope,
                          const std::vector<std::string>& nodes) {
  std::map<std::string, std::shared_ptr<const std::string>> history;
  if (previous != nullptr) {
    for (const auto& [name, hash] : previous->parsed.sections) {
      if (auto it = previous->sections.find(name); it != previous->sections.end()) history[hash] = it->second;
    }
  }
  return bundle::diff(held, held_version, target, history, scope, nodes);
}

std::vector<std::string> agent_sections(const bundle::Held& held, const bundle::Update& update,
                                        const bundle::Manifest& next) {
  constexpr std::string_view kPrefix = "agent/";
  std::set<std::string> nodes;
  const auto note = [&](const std::string& section) {
    if (section.starts_with(kPrefix)) nodes.insert(section.substr(kPrefix.size()));
  };
  for (const auto& [section, text] : update.full) note(section);
  for (const auto& [section, lines] : update.changed) note(section);
  for (const auto& [section, text] : held.sections) {
    const auto before = held.parsed.sections.find(section);
    const auto after = next.sections.find(section);
    if (before != held.parsed.sections.end() && after != next.sections.end() && before->second == after->second) {
      note(section);
    }
  }
  return {nodes.begin(), nodes.end()};
}

io::Task<Result<std::optional<bundle::Update>>> UpdateReader::next() {
  for (;;) {
    if (buffer_.size() >= kLengthBytes) {
      const std::uint32_t length = length_of(buffer_);
      if (length > kMaxUpdate) {
        co_return Error{Code::DataLoss, Origin::Upstream, Retry::Same,
                        "bundle update of " + std::to_string(length) + " bytes: over the limit"};
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

}  // namespace aigrid::gateway
