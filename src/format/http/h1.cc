#include "format/http/h1.h"

#include <algorithm>
#include <charconv>

namespace aigrid::http {
namespace {

constexpr std::size_t kExtensionBytes = 1024;  // of chunk extensions in one message
constexpr std::size_t kChunkLine = 256;
constexpr int kInformational = 16;

bool all_visible(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<std::uint64_t> decimal(std::string_view s) {
  if (s.empty() || s.size() > 18) return std::nullopt;  // 18 digits cannot overflow
  std::uint64_t out = 0;
  for (const char c : s) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return out;
}

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

}  // namespace

std::size_t H1Parser::feed(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && events_.empty() && state_ != State::Done && state_ != State::Failed) {
    const auto rest = bytes.substr(used);
    switch (state_) {
      case State::Length:
      case State::ChunkBytes:
      case State::UntilClose: used += feed_body(rest); break;
      default: used += feed_line(rest); break;
    }
  }
  return used;
}

void H1Parser::feed_end() {
  if (state_ == State::UntilClose) {
    finish();
  } else if (state_ != State::Done && state_ != State::Failed && !(idle() && role_ == H1Role::Server)) {
    fail(400, "connection closed in the middle of a message");
  }
}

std::optional<H1Event> H1Parser::next() {
  if (events_.empty()) return std::nullopt;
  H1Event out = std::move(events_.front());
  events_.pop_front();
  return out;
}

void H1Parser::restart() {
  state_ = State::Start;
  line_.clear();
  head_bytes_ = fields_ = extension_bytes_ = 0;
  informational_ = 0;
  left_ = body_seen_ = 0;
  no_body_ = false;
  authority_.clear();
  request_ = {};
  response_ = {};
  framing_ = {};
  events_.clear();
}

std::string H1Parser::over_limit() const {
  return "over the limit of " + std::to_string(limits_.body_bytes) + " bytes: send less at once";
}

void H1Parser::fail(int status, std::string reason) {
  state_ = State::Failed;
  H1Event event;
  event.kind = H1Event::Kind::Error;
  event.status = role_ == H1Role::Server ? status : 502;
  event.reason = std::move(reason);
  events_.push_back(std::move(event));
}

void H1Parser::finish() {
  state_ = State::Done;
  H1Event event;
  event.kind = H1Event::Kind::End;
  events_.push_back(std::move(event));
}

std::size_t H1Parser::feed_line(std::string_view bytes) {
  const auto lf = bytes.find('\n');
  const std::size_t used = lf == std::string_view::npos ? bytes.size() : lf + 1;
  const std::size_t length = line_.size() + used;
  if (state_ == State::ChunkSize || state_ == State::ChunkEnd) {
    if (length > kChunkLine) return fail(400, "chunk size line longer than 256 bytes"), used;
  } else {
    head_bytes_ += used;
    if (state_ == State::Start && role_ == H1Role::Server && length > limits_.target_bytes + 64)
      return fail(414, "request target longer than " + std::to_string(limits_.target_bytes) + " bytes"), used;
    if (head_bytes_ > limits_.head_bytes)
      return fail(431, "header fields larger than " + std::to_string(limits_.head_bytes) + " bytes"), used;
  }
  if (lf == std::string_view::npos) {
    line_.append(bytes);
    return used;
  }
  std::string whole;
  std::string_view line = bytes.substr(0, used);
  if (!line_.empty()) {
    line_.append(line);
    whole = std::move(line_);
    line_.clear();
    line = whole;
  }
  line.remove_suffix(1);
  if (line.empty() || line.back() != '\r') return fail(400, "a line ends with LF alone; lines end with CR LF"), used;
  line.remove_suffix(1);
  if (!is_field_value(line)) return fail(400, "control character in a line of the head"), used;
  take_line(line);
  return used;
}

void H1Parser::take_line(std::string_view line) {
  switch (state_) {
    case State::Start:
      if (line.empty() && role_ == H1Role::Server) {
        // RFC 9112 2.2: a stray empty line after an earlier request is ignored, once.
        if (head_bytes_ > 2) return fail(400, "empty lines before the request line");
        return;
      }
      if (role_ == H1Role::Server) {
        take_request_line(line);
      } else {
        take_status_line(line);
      }
      break;
    case State::Fields:
      if (line.empty()) {
        end_head();
      } else {
        take_field(line);
      }
      break;
    case State::ChunkSize: take_chunk_size(line); break;
    case State::ChunkEnd:
      if (!line.empty()) return fail(400, "chunk longer than its size");
      state_ = State::ChunkSize;
      break;
    case State::Trailers: {
      std::string_view name;
      std::string_view value;
      if (line.empty()) {
        finish();
      } else if (check_field(line, name, value) && ++fields_ > limits_.headers) {
        fail(431, "more than " + std::to_string(limits_.headers) + " trailer fields");
      }
      break;
    }
    default: break;
  }
}

bool H1Parser::take_version(std::string_view version) {
  if (version == "HTTP/1.1") {
    framing_.minor = 1;
  } else if (version == "HTTP/1.0") {
    framing_.minor = 0;
  } else {
    const bool http = version.size() == 8 && version.starts_with("HTTP/");
    fail(http ? 505 : 400, http ? "only HTTP/1.1 and HTTP/1.0 are spoken here" : "malformed HTTP version");
    return false;
  }
  return true;
}

void H1Parser::take_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return fail(400, "malformed request line");
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, second - first - 1);
  if (!is_token(method) || method.size() > 32) return fail(400, "malformed method");
  if (!all_visible(target) || target.empty()) return fail(400, "malformed request target");
  if (!take_version(line.substr(second + 1))) return;
  if (target.size() > limits_.target_bytes)
    return fail(414, "request target longer than " + std::to_string(limits_.target_bytes) + " bytes");
  request_.method = std::string(method);
  state_ = State::Fields;
  take_target(target);
}

void H1Parser::take_target(std::string_view target) {
  if (request_.method == "CONNECT") return fail(501, "CONNECT is not supported");
  if (target.find('#') != std::string_view::npos) return fail(400, "fragment in request target");
  if (target.front() == '/' || (target == "*" && request_.method == "OPTIONS")) {
    request_.target = std::string(target);
    return;
  }
  // absolute-form: RFC 9112 3.2.2, its authority replaces Host.
  const auto mark = target.find("://");
  const auto scheme = mark == std::string_view::npos ? std::string_view() : target.substr(0, mark);
  if (!same_text(scheme, "http") && !same_text(scheme, "https")) return fail(400, "malformed request target");
  const auto rest = target.substr(mark + 3);
  const auto path = std::min(rest.find_first_of("/?"), rest.size());
  authority_ = std::string(rest.substr(0, path));
  if (authority_.empty() || authority_.find('@') != std::string::npos)
    return fail(400, "malformed authority in request target");
  request_.target = std::string(rest.substr(path));
  if (request_.target.empty() || request_.target.front() == '?') request_.target.insert(0, "/");
}

void H1Parser::take_status_line(std::string_view line) {
  // "HTTP/1.1 200 OK"; the reason and the space before it may be missing.
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' '))
    return fail(502, "malformed status line");
  if (!take_version(line.substr(0, 8))) return;
  const auto status = decimal(line.substr(9, 3));
  if (!status || *status < 100 || *status > 599) return fail(502, "malformed status code");
  response_.status = static_cast<int>(*status);
  state_ = State::Fields;
}

bool H1Parser::check_field(std::string_view line, std::string_view& name, std::string_view& value) {
  if (line.front() == ' ' || line.front() == '\t') return fail(400, "folded header line"), false;
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    fail(400, "malformed header field name");
    return false;
  }
  name = line.substr(0, colon);
  value = trim(line.substr(colon + 1));
  return true;
}

void H1Parser::take_field(std::string_view line) {
  std::string_view name;
  std::string_view value;
  if (!check_field(line, name, value)) return;
  if (++fields_ > limits_.headers) return fail(431, "more than " + std::to_string(limits_.headers) + " header fields");
  headers().add(name, value);
}

bool H1Parser::frame_message(const Headers& fields) {
  const auto coding = fields.get("transfer-encoding");
  const auto length = fields.get("content-length");
  if (coding && length) return fail(400, "both Content-Length and Transfer-Encoding"), false;
  if (fields.count("content-length") > 1) return fail(400, "Content-Length more than once"), false;
  if (fields.count("transfer-encoding") > 1) return fail(400, "Transfer-Encoding more than once"), false;
  if (coding) {
    if (framing_.minor == 0) return fail(400, "Transfer-Encoding in HTTP/1.0"), false;
    if (!same_text(*coding, "chunked"))
      return fail(501, "transfer coding is not chunked alone; only chunked is supported"), false;
    framing_.chunked = true;
  }
  if (length) {
    framing_.length = decimal(*length);
    if (!framing_.length) return fail(400, "malformed Content-Length"), false;
  }
  framing_.keep_alive = framing_.minor == 1
                            ? !fields.lists("connection", "close")
                            : fields.lists("connection", "keep-alive") && !fields.lists("connection", "close");
  return true;
}

void H1Parser::check_host() {
  const auto hosts = request_.headers.count("host");
  if (hosts > 1) return fail(400, "Host more than once");
  if (hosts == 0 && framing_.minor == 1) return fail(400, "Host is missing");
  if (hosts == 1) {
    const auto host = *request_.headers.get("host");
    if (!all_visible(host) || host.find_first_of("@/?#,\\") != std::string_view::npos)
      return fail(400, "malformed Host");
  }
  if (!authority_.empty()) request_.headers.set("host", authority_);
}

void H1Parser::end_head() {
  if (role_ == H1Role::Client && response_.status < 200) {
    if (response_.status == 101) return fail(502, "protocol switch that nobody asked for");
    if (++informational_ > kInformational) return fail(502, "too many informational responses");
    response_ = {};
    head_bytes_ = fields_ = 0;
    state_ = State::Start;
    return;
  }
  if (!frame_message(headers())) return;
  if (role_ == H1Role::Server) {
    check_host();
    if (state_ == State::Failed) return;
    if (const auto expect = request_.headers.get("expect")) {
      if (!same_text(*expect, "100-continue")) return fail(417, "unknown expectation");
      framing_.expect_continue = framing_.minor == 1;
    }
  }
  if (framing_.length && *framing_.length > limits_.body_bytes && !no_body_)
    return fail(413, "a body of " + std::to_string(*framing_.length) + " bytes is " + over_limit());
  begin_body();
}

void H1Parser::begin_body() {
  H1Event head;
  head.kind = H1Event::Kind::Head;
  events_.push_back(std::move(head));
  const bool bodiless = role_ == H1Role::Client && (no_body_ || response_.status == 204 || response_.status == 304);
  head_bytes_ = fields_ = 0;  // trailers are counted anew
  if (bodiless) {
    finish();
  } else if (framing_.chunked) {
    state_ = State::ChunkSize;
  } else if (framing_.length) {
    left_ = *framing_.length;
    if (left_ == 0) {
      finish();
    } else {
      state_ = State::Length;
    }
  } else if (role_ == H1Role::Server) {
    finish();
  } else {
    framing_.until_close = true;
    framing_.keep_alive = false;
    state_ = State::UntilClose;
  }
}

void H1Parser::take_chunk_size(std::string_view line) {
  const auto semicolon = line.find(';');
  auto digits = line.substr(0, semicolon);
  if (semicolon != std::string_view::npos) {
    extension_bytes_ += line.size() - semicolon;
    if (extension_bytes_ > kExtensionBytes) return fail(400, "too many chunk extensions");
    digits = trim(digits);
  }
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (digits.empty() || digits.size() > 15 || error != std::errc() || end != digits.data() + digits.size())
    return fail(400, "malformed chunk size");
  if (size == 0) {
    state_ = State::Trailers;
    return;
  }
  body_seen_ += size;
  if (body_seen_ > limits_.body_bytes) return fail(413, "the chunked body is " + over_limit());
  left_ = size;
  state_ = State::ChunkBytes;
}

std::size_t H1Parser::feed_body(std::string_view bytes) {
  H1Event event;
  event.kind = H1Event::Kind::Body;
  if (state_ == State::UntilClose) {
    body_seen_ += bytes.size();
    if (body_seen_ > limits_.body_bytes) return fail(413, "the body is " + over_limit()), bytes.size();
    event.body = bytes;
    events_.push_back(std::move(event));
    return bytes.size();
  }
  const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  left_ -= used;
  event.body = bytes.substr(0, used);
  events_.push_back(std::move(event));
  if (left_ == 0) {
    if (state_ == State::Length) {
      finish();
    } else {
      state_ = State::ChunkEnd;
    }
  }
  return used;
}

}  // namespace aigrid::http
