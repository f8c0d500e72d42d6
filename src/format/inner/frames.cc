#include "format/inner/frames.h"

#include <algorithm>

#include "format/inner/fields.h"

namespace aigrid::inner {

namespace {

constexpr std::size_t kHeader = 4;

// Tags are wire format: never reuse one.
template <class F, class V>
  requires std::is_same_v<std::remove_const_t<F>, Ask>
void describe(F& f, V& v) {
  v(1, f.request_id);
  v(2, f.attempt);
  v(3, f.answer_id);
  v(4, f.created_unix_s);
  v(5, f.endpoint);
  v(6, f.tenant);
  v(7, f.project);
  v(8, f.key_id);
  v(9, f.model);
  v(10, f.deployment);
  v(11, f.site);
  v(12, f.node);
  v(13, f.excluded_nodes);
  v(14, f.zones);
  v(15, f.stream);
  v(16, f.prompt_tokens);
  v(17, f.max_output_tokens);
  v(18, f.hops);
  v(19, f.remaining_ms);
  v(20, f.bundle_version);
  v(21, f.grant);
  v(22, f.resume_ids);
  v(23, f.resume_text);
  v(24, f.resume_count);
  v(40, f.data_level);
  v(41, f.regimes);
  v(42, f.ingress_site);
  v(48, f.tier, kAskTier);
}

template <class F, class V>
  requires std::is_same_v<std::remove_const_t<F>, Refuse>
void describe(F& f, V& v) {
  v(1, f.verdict);
  v(2, f.status, kRefuseStatus);
  v(3, f.code);
  v(4, f.message);
  v(5, f.param);
  v(6, f.node);
  v(7, f.sites);
}

template <class F, class V>
  requires std::is_same_v<std::remove_const_t<F>, Head>
void describe(F& f, V& v) {
  v(1, f.site);
  v(2, f.node);
  v(3, f.engine);
  v(4, f.resume);
  v(5, f.prompt_tokens);
}

template <class F, class V>
  requires std::is_same_v<std::remove_const_t<F>, Tokens>
void describe(F& f, V& v) {
  v(1, f.count);
  v(2, f.ids);
  v(3, f.resume);
}

template <class F, class V>
  requires std::is_same_v<std::remove_const_t<F>, End>
void describe(F& f, V& v) {
  v(1, f.usage.prompt_tokens);
  v(2, f.usage.completion_tokens);
  v(3, f.usage.cached_tokens);
  v(4, f.finish);
  v(5, f.error);
  v(6, f.queue_us);
  v(7, f.prefill_us);
  v(8, f.decode_us);
  v(9, f.estimated);
}

template <class F>
constexpr FrameType type_of() {
  if constexpr (std::is_same_v<F, Ask>) return FrameType::Ask;
  if constexpr (std::is_same_v<F, Body>) return FrameType::Body;
  if constexpr (std::is_same_v<F, Cancel>) return FrameType::Cancel;
  if constexpr (std::is_same_v<F, Refuse>) return FrameType::Refuse;
  if constexpr (std::is_same_v<F, Head>) return FrameType::Head;
  if constexpr (std::is_same_v<F, Tokens>) return FrameType::Tokens;
  if constexpr (std::is_same_v<F, Data>) return FrameType::Data;
  if constexpr (std::is_same_v<F, Tail>) return FrameType::Tail;
  return FrameType::End;
}

void put_bytes(std::string& out, FrameType type, std::string_view bytes) {
  const FrameType before = type == FrameType::Tail ? FrameType::Data : type;
  while (bytes.size() > kMaxFrame) {
    encode_header(out, before, kMaxFrame);
    out.append(bytes.substr(0, kMaxFrame));
    bytes.remove_prefix(kMaxFrame);
  }
  encode_header(out, type, bytes.size());
  out.append(bytes);
}

template <class F>
void put_fields(std::string& out, const F& frame) {
  const std::size_t start = out.size();
  encode_header(out, type_of<F>(), 0);
  FieldWriter writer(out);
  describe(frame, writer);
  const std::size_t size = out.size() - start - kHeader;
  if (size > kMaxFrame) {
    out.resize(start);
    out.append(kHeader, '\0');
    return;
  }
  std::string header;
  encode_header(header, type_of<F>(), size);
  out.replace(start, kHeader, header);
}

Error broken(std::string message) { return {Code::DataLoss, Origin::Upstream, Retry::Elsewhere, std::move(message)}; }

template <class F>
Result<std::optional<Frame>> read_fields(std::string_view payload) {
  F frame;
  while (!payload.empty()) {
    const auto tag = static_cast<std::uint8_t>(payload.front());
    payload.remove_prefix(1);
    std::uint64_t length = 0;
    if (!take_varint(payload, length) || length > payload.size()) {
      return broken("inner frame of type " + std::to_string(static_cast<int>(type_of<F>())) + ": field " +
                    std::to_string(tag) + " is longer than its frame; close the stream");
    }
    FieldReader reader(tag, payload.substr(0, length));
    describe(frame, reader);
    if (!reader.ok()) {
      return broken("inner frame of type " + std::to_string(static_cast<int>(type_of<F>())) + ": field " +
                    std::to_string(tag) + " has a number that does not fit; close the stream");
    }
    payload.remove_prefix(length);
  }
  if constexpr (std::is_same_v<F, Refuse>) {
    if (frame.verdict > Refuse::Verdict::Redirect)
      return broken("inner refuse frame: unknown verdict; close the stream");
  }
  if constexpr (std::is_same_v<F, Head> || std::is_same_v<F, Tokens>) {
    if (frame.resume > Resume::Tokens) frame.resume = Resume::None;  // a way that only newer peers know
  }
  return std::optional<Frame>(std::move(frame));
}

Result<std::optional<Frame>> read_frame(std::uint8_t type, std::string_view payload) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::Ask: return read_fields<Ask>(payload);
    case FrameType::Body: return std::optional<Frame>(Body{payload});
    case FrameType::Cancel:
      if (!payload.empty()) return broken("inner cancel frame carries bytes; close the stream");
      return std::optional<Frame>(Cancel{});
    case FrameType::Refuse: return read_fields<Refuse>(payload);
    case FrameType::Head: return read_fields<Head>(payload);
    case FrameType::Tokens: return read_fields<Tokens>(payload);
    case FrameType::Data: return std::optional<Frame>(Data{payload});
    case FrameType::Tail: return std::optional<Frame>(Tail{payload});
    case FrameType::End: return read_fields<End>(payload);
  }
  return broken("inner frame of unknown type " + std::to_string(type) + "; close the stream");
}

}  // namespace

void encode_header(std::string& out, FrameType type, std::size_t size) {
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>((size >> 16U) & 0xffU));
  out.push_back(static_cast<char>((size >> 8U) & 0xffU));
  out.push_back(static_cast<char>(size & 0xffU));
}

void encode_to(std::string& out, const Frame& frame) {
  std::visit(
      [&out](const auto& f) {
        using F = std::remove_cvref_t<decltype(f)>;
        if constexpr (std::is_same_v<F, Body> || std::is_same_v<F, Data> || std::is_same_v<F, Tail>) {
          put_bytes(out, type_of<F>(), f.bytes);
        } else if constexpr (std::is_same_v<F, Cancel>) {
          encode_header(out, FrameType::Cancel, 0);
        } else {
          put_fields(out, f);
        }
      },
      frame);
}

std::string encode(const Frame& frame) {
  std::string out;
  encode_to(out, frame);
  return out;
}

void Decoder::feed(std::string_view bytes) {
  // Views given out end here, so what was used can go.
  if (used_ == buffer_.size()) {
    buffer_.clear();
    used_ = 0;
  } else if (used_ > buffer_.size() / 2) {
    buffer_.erase(0, used_);
    used_ = 0;
  }
  buffer_.append(bytes);
}

Result<std::optional<Frame>> Decoder::next() {
  const std::string_view rest = std::string_view(buffer_).substr(used_);
  if (rest.size() < kHeader) return std::optional<Frame>();
  const auto byte = [&rest](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(rest[i])); };
  const std::size_t size = (byte(1) << 16U) | (byte(2) << 8U) | byte(3);
  if (size > max_frame_) {
    return broken("inner frame of " + std::to_string(size) + " bytes is over the limit of " +
                  std::to_string(max_frame_) + "; close the stream");
  }
  if (rest.size() < kHeader + size) return std::optional<Frame>();
  auto frame = read_frame(static_cast<std::uint8_t>(rest[0]), rest.substr(kHeader, size));
  if (frame.ok()) used_ += kHeader + size;
  return frame;
}

}  // namespace aigrid::inner
