#include "core/audit/leaf.h"

#include <charconv>
#include <limits>
#include <type_traits>

#include "base/crypto/encode.h"
#include "core/audit/distance.h"
#include "core/audit/tree.h"

namespace aigrid::audit {

namespace {

constexpr char kVersion = 1;
constexpr std::uint64_t kOutcomes = static_cast<std::uint64_t>(grid::Outcome::IngressLost) + 1;

class Out {
 public:
  std::string bytes;

  void operator()(const std::string& v) {
    (*this)(std::uint64_t{v.size()});
    bytes += v;
  }
  void operator()(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7U) bytes.push_back(static_cast<char>(v | 0x80U));
    bytes.push_back(static_cast<char>(v));
  }
  void operator()(std::int64_t v) {
    (*this)((static_cast<std::uint64_t>(v) << 1U) ^ static_cast<std::uint64_t>(v >> 63U));
  }
  void operator()(grid::Outcome v) { (*this)(static_cast<std::uint64_t>(v)); }
  void operator()(bool v) { (*this)(std::uint64_t{v}); }
  template <class T>
  void operator()(const std::vector<T>& list) {
    (*this)(std::uint64_t{list.size()});
    for (const auto& item : list) one(item);
  }

 private:
  void one(const std::string& v) { (*this)(v); }
  template <class T>
  void one(const T& v);
};

class In {
 public:
  explicit In(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }
  void fail() {
    ok_ = false;
    rest_ = {};
  }

  void operator()(std::string& v) {
    std::uint64_t size = 0;
    (*this)(size);
    if (size > rest_.size()) return fail();
    v.assign(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }
  void operator()(std::uint64_t& v) {
    v = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      if ((shift == 63 && byte > 1) || (shift != 0 && byte == 0)) break;
      v |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) return;
    }
    v = 0;
    fail();
  }
  void operator()(std::int64_t& v) {
    std::uint64_t raw = 0;
    (*this)(raw);
    v = static_cast<std::int64_t>(raw >> 1U) ^ -static_cast<std::int64_t>(raw & 1U);
  }
  void operator()(grid::Outcome& v) {
    std::uint64_t raw = 0;
    (*this)(raw);
    if (raw >= kOutcomes) return fail();
    v = static_cast<grid::Outcome>(raw);
  }
  void operator()(bool& v) {
    std::uint64_t raw = 0;
    (*this)(raw);
    if (raw > 1) return fail();
    v = raw == 1;
  }
  template <class T>
  void operator()(std::vector<T>& list) {
    std::uint64_t size = 0;
    (*this)(size);
    if (size > rest_.size()) return fail();  // each item has at least a byte
    for (; ok_ && size > 0; --size) {
      list.emplace_back();
      one(list.back());
    }
  }

 private:
  void one(std::string& v) { (*this)(v); }
  template <class T>
  void one(T& v);

  std::string_view rest_;
  bool ok_ = true;
};

// Written and read in this one place, in the order in which they stand in the bytes.
template <class T, class N>
concept Is = std::is_same_v<std::remove_const_t<T>, N>;

template <class V, Is<grid::RouteStep> T>
void fields(V& v, T& s) {
  v(s.action), v(s.place), v(s.site);
}
template <class V, Is<grid::SitesRemoved> T>
void fields(V& v, T& s) {
  v(s.rule), v(s.sites);
}
template <class V, Is<grid::LeafAttempt> T>
void fields(V& v, T& a) {
  v(a.number), v(a.site), v(a.node), v(a.result), v(a.asked_us), v(a.prompt_tokens);
  v(a.completion_tokens), v(a.heard_tokens), v(a.hedge), v(a.resumes);
}
template <class V, Is<grid::RequestLeaf> T>
void fields(V& v, T& r) {
  v(r.request_id), v(r.tenant), v(r.project), v(r.key_id), v(r.key_zone), v(r.zones);
  v(r.data_level), v(r.regimes), v(r.received_unix_ms), v(r.bundle_version), v(r.bundle_hash), v(r.later_bundles),
      v(r.model), v(r.model_digest), v(r.endpoint);
  v(r.route), v(r.removed), v(r.gateway_certificate), v(r.request_hash), v(r.answer_hash);
  v(r.outcome), v(r.code), v(r.status);
  v(r.usage.prompt_tokens), v(r.usage.completion_tokens), v(r.usage.cached_tokens), v(r.attempts);
  v(r.price_book), v(r.input_nano), v(r.output_nano), v(r.prompt_most), v(r.charge_nano), v(r.ttft_us), v(r.total_us);
}
template <class V, Is<grid::AdminLeaf> T>
void fields(V& v, T& a) {
  v(a.actor), v(a.action), v(a.object), v(a.change);
}
template <class V, Is<grid::ConflictLeaf> T>
void fields(V& v, T& c) {
  v(c.source), v(c.epoch), v(c.sequence), v(c.held), v(c.offered);
}
template <class V, Is<grid::DistanceLeaf> T>
void fields(V& v, T& d) {
  v(d.statement), v(d.a), v(d.a_key), v(d.a_signature), v(d.b), v(d.b_key), v(d.b_signature);
}
template <class V, Is<grid::AuditLeaf> T>
void fields(V& v, T& l) {
  v(l.source), v(l.epoch), v(l.sequence), v(l.previous), v(l.unix_ms), v(l.salt);
}

template <class T>
void Out::one(const T& v) {
  fields(*this, v);
}
template <class T>
void In::one(T& v) {
  fields(*this, v);
}

bool hash_or_nothing(const std::string& v) { return v.empty() || v.size() == kHashBytes; }

template <class B>
Result<grid::AuditLeaf> read_body(In& in, grid::AuditLeaf& leaf) {
  fields(in, leaf);
  fields(in, leaf.body.emplace<B>());
  if (!in.done())
    return invalid("a leaf is cut, has a number that is not in its shortest form, or has bytes left over");
  if (leaf.source.empty() || !hash_or_nothing(leaf.previous) || leaf.salt.size() != kSaltBytes) {
    return invalid("a leaf has a source, the hash of the one before or none, and a salt of 16 bytes");
  }
  return std::move(leaf);
}

bool take_number(std::string_view text, std::uint64_t& out) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && at == text.data() + text.size();
}

}  // namespace

Result<std::string> encode(const grid::AuditLeaf& leaf) {
  Out out;
  out.bytes.reserve(512);
  out.bytes.push_back(kVersion);
  out.bytes.push_back(static_cast<char>(leaf.body.index() + 1));
  fields(out, leaf);
  std::visit([&out](const auto& body) { fields(out, body); }, leaf.body);
  if (out.bytes.size() > kMaxLeafBytes) {
    return invalid("a leaf has at most 65535 bytes, not " + std::to_string(out.bytes.size()));
  }
  return std::move(out.bytes);
}

Result<grid::AuditLeaf> decode_leaf(std::string_view bytes) {
  if (bytes.size() < 2 || bytes.size() > kMaxLeafBytes) return invalid("a leaf has 2 to 65535 bytes");
  if (bytes[0] != kVersion) return invalid("a leaf of version " + std::to_string(bytes[0]) + "; this program reads 1");
  In in(bytes.substr(2));
  grid::AuditLeaf leaf;
  switch (bytes[1]) {
    case 1: return read_body<grid::RequestLeaf>(in, leaf);
    case 2: return read_body<grid::AdminLeaf>(in, leaf);
    case 3: return read_body<grid::ConflictLeaf>(in, leaf);
    case 4: return read_body<grid::DistanceLeaf>(in, leaf);
    default: return invalid("a leaf of kind " + std::to_string(bytes[1]) + "; this program reads 1 to 4");
  }
}

std::string format_receipt(const grid::Receipt& r) {
  return r.log + "/" + r.source + "/" + std::to_string(r.epoch) + "-" + std::to_string(r.sequence);
}

Result<grid::Receipt> parse_receipt(std::string_view text) {
  const auto wrong = [&] {
    return invalid("\"" + std::string(text.substr(0, 120)) + "\" is not a receipt: log/source/epoch-sequence");
  };
  grid::Receipt r;
  const std::size_t first = text.find('/');
  if (first == std::string_view::npos || first == 0) return wrong();
  const std::size_t second = text.find('/', first + 1);
  if (second == std::string_view::npos || second == first + 1) return wrong();
  const std::string_view place = text.substr(second + 1);
  const std::size_t dash = place.find('-');
  if (dash == std::string_view::npos || !take_number(place.substr(0, dash), r.epoch) ||
      !take_number(place.substr(dash + 1), r.sequence)) {
    return wrong();
  }
  r.log = std::string(text.substr(0, first));
  r.source = std::string(text.substr(first + 1, second - first - 1));
  return r;
}

Result<grid::Receipt> receipt_of(std::string_view log, std::string_view request_id) {
  constexpr std::string_view kBegin = "req_";
  grid::Receipt r;
  r.log = std::string(log);
  const std::size_t last = request_id.rfind('_');
  const std::size_t middle = last == std::string_view::npos || last == 0 ? last : request_id.rfind('_', last - 1);
  if (!request_id.starts_with(kBegin) || middle == std::string_view::npos || middle <= kBegin.size() ||
      !take_number(request_id.substr(middle + 1, last - middle - 1), r.epoch) ||
      !take_number(request_id.substr(last + 1), r.sequence)) {
    return invalid("\"" + std::string(request_id.substr(0, 120)) +
                   "\" is not the id of a request: req_gateway_epoch_number");
  }
  r.source = std::string(request_id.substr(kBegin.size(), middle - kBegin.size()));
  return r;
}

std::vector<std::string> bundles_of(const grid::AuditLeaf& leaf) {
  std::vector<std::string> out;
  if (const auto* request = std::get_if<grid::RequestLeaf>(&leaf.body)) {
    out = request->later_bundles;
    out.push_back(request->bundle_hash);
  } else if (const auto* distance = std::get_if<grid::DistanceLeaf>(&leaf.body)) {
    const auto stated = parse_distance(distance->statement);
    const auto hash = stated.ok() ? crypto::from_hex(stated->bundle) : Result<std::string>(std::string());
    if (hash.ok()) out.push_back(*hash);
  }
  return out;
}

void append_entry(std::string& bundle, std::string_view leaf) {
  bundle.push_back(static_cast<char>((leaf.size() >> 8U) & 0xffU));
  bundle.push_back(static_cast<char>(leaf.size() & 0xffU));
  bundle += leaf;
}

std::vector<std::string_view> take_entries(std::string_view& bundle, std::size_t most) {
  std::vector<std::string_view> out;
  while (out.size() < most && bundle.size() >= 2) {
    const std::size_t size =
        static_cast<std::size_t>(static_cast<unsigned char>(bundle[0])) << 8U | static_cast<unsigned char>(bundle[1]);
    if (size > bundle.size() - 2) break;
    out.push_back(bundle.substr(2, size));
    bundle.remove_prefix(2 + size);
  }
  return out;
}

Result<std::vector<std::string_view>> parse_entries(std::string_view bundle) {
  auto out = take_entries(bundle, kTileWidth);
  if (bundle.empty()) return out;
  return invalid(out.size() == kTileWidth ? "an entry bundle has at most 256 leaves" : "an entry bundle is cut");
}

}  // namespace aigrid::audit
