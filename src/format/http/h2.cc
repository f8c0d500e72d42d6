#include "format/http/h2.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace aigrid::http {

// What nghttp2 does not keep for us.
struct H2Session::Stream {
  StreamId id = 0;
  RequestHead request;
  ResponseHead response;
  std::string host;
  std::size_t head_bytes = 0;
  std::size_t head_fields = 0;
  bool head_seen = false;  // a final head came: later HEADERS are trailers
  bool remote_end = false;
  bool refused = false;    // its head broke a rule; a reset is on its way
  bool answered = false;   // our head was given
  bool local_end = false;  // end() or a head with end
  bool deferred = false;   // nghttp2 waits for resume_data
  bool above = false;      // buffered has passed kSendBuffer
  std::string out;
  std::size_t out_sent = 0;
};

namespace {

constexpr std::uint64_t kStrikes = 200;

std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Names whose values repeat between requests; everything else would only churn the compression table.
bool repeats(std::string_view name) {
  return name == "content-type" || name == "accept" || name == "host" || name == "user-agent" || name == "server" ||
         name == "cache-control";
}

bool connection_only(std::string_view name) {
  return name == "connection" || name == "keep-alive" || name == "proxy-connection" || name == "transfer-encoding" ||
         name == "upgrade" || name == "host";
}

// nghttp2 wants mutable pointers; it copies what it is given.
nghttp2_nv pair_of(std::string_view name, std::string_view value, bool index) {
  nghttp2_nv nv{};
  nv.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));
  nv.namelen = name.size();
  nv.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data()));
  nv.valuelen = value.size();
  nv.flags = static_cast<std::uint8_t>(index ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX);
  return nv;
}

void add_fields(std::vector<nghttp2_nv>& out, const Headers& headers) {
  for (const auto& h : headers) {
    if (connection_only(h.name) || !is_token(h.name) || !is_field_value(h.value)) continue;
    out.push_back(pair_of(h.name, h.value, repeats(h.name)));
  }
}

}  // namespace

struct H2Session::Callbacks {
  static H2Session& self(void* p) { return *static_cast<H2Session*>(p); }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* p) {
    auto& s = self(p);
    if (s.role_ == H2Role::Server && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      auto stream = std::make_unique<Stream>();
      stream->id = frame->hd.stream_id;
      s.streams_[frame->hd.stream_id] = std::move(stream);
    }
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* p) {
    auto& s = self(p);
    Stream* stream = s.find(frame->hd.stream_id);
    if (!stream || stream->head_seen) return 0;  // trailers are dropped
    if (s.take_header(*stream, view(name, name_size), view(value, value_size))) return 0;
    stream->refused = true;
    s.strike();
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* p) {
    auto& s = self(p);
    switch (frame->hd.type) {
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
          H2PingAck ack{};
          std::copy_n(frame->ping.opaque_data, 8, ack.payload.begin());
          s.emit(ack);
        }
        return 0;
      case NGHTTP2_GOAWAY: s.emit(H2Goaway{frame->goaway.last_stream_id, frame->goaway.error_code}); return 0;
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA: break;
      default: return 0;
    }
    Stream* stream = s.find(frame->hd.stream_id);
    if (!stream || stream->refused) return 0;
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !stream->head_seen) s.head_done(*stream);
    if (frame->hd.type == NGHTTP2_DATA && frame->hd.length == 0 && !ends) s.strike();
    if (ends && !stream->remote_end && !stream->refused) {
      stream->remote_end = true;
      s.emit(H2End{stream->id});
    }
    return 0;
  }

  static int data_chunk(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                        std::size_t size, void* p) {
    auto& s = self(p);
    nghttp2_session_consume_connection(session, size);
    Stream* stream = s.find(id);
    if (stream && !stream->refused) s.emit(H2Bytes{id, std::string(view(bytes, size))});
    return 0;
  }

  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* p) {
    auto& s = self(p);
    const auto at = s.streams_.find(id);
    if (at == s.streams_.end()) return 0;
    const Stream& stream = *at->second;
    const bool well =
        code == NGHTTP2_NO_ERROR && stream.remote_end && stream.local_end && stream.out_sent == stream.out.size();
    if (well) {
      ++s.served_;
    } else if (s.role_ == H2Role::Requester || stream.head_seen) {  // else nobody knows the stream
      s.emit(H2Reset{id, code});
    }
    s.streams_.erase(at);
    return 0;
  }

  static int invalid_frame(nghttp2_session*, const nghttp2_frame*, int, void* p) {
    self(p).strike();
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t room,
                           std::uint32_t* flags, nghttp2_data_source*, void* p) {
    auto& s = self(p);
    Stream* stream = s.find(id);
    if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t n = std::min(room, stream->out.size() - stream->out_sent);
    std::copy_n(stream->out.data() + stream->out_sent, n, into);
    stream->out_sent += n;
    const std::size_t left = stream->out.size() - stream->out_sent;
    if (left == 0) {
      stream->out.clear();
      stream->out_sent = 0;
    } else if (stream->out_sent >= kSendBuffer) {
      stream->out.erase(0, stream->out_sent);
      stream->out_sent = 0;
    }
    if (stream->above && left < kSendBuffer / 2) {
      stream->above = false;
      s.emit(H2Writable{id});
    }
    if (left == 0 && stream->local_end) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (n == 0) {
      stream->deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(n);
  }
};

H2Session::H2Session(H2Role role) : role_(role) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::frame_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::stream_closed);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, Callbacks::invalid_frame);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_peer_max_concurrent_streams(option, kMaxStreams);
  nghttp2_option_set_stream_reset_rate_limit(option, 1000, 33);
  nghttp2_option_set_max_outbound_ack(option, 1000);
  nghttp2_option_set_max_settings(option, 32);
  nghttp2_option_set_no_closed_streams(option, 1);
  if (role == H2Role::Requester) {
    nghttp2_session_client_new2(&session_, callbacks, this, option);
  } else {
    nghttp2_session_server_new2(&session_, callbacks, this, option);
  }
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const std::array<nghttp2_settings_entry, 5> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kMaxStreams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(kMaxHeadBytes)},
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 4096},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

H2Session::~H2Session() { nghttp2_session_del(session_); }

H2Session::Stream* H2Session::find(StreamId stream) const {
  const auto at = streams_.find(stream);
  return at == streams_.end() ? nullptr : at->second.get();
}

bool H2Session::take_header(Stream& stream, std::string_view name, std::string_view value) {
  stream.head_bytes += name.size() + value.size() + 32;  // as RFC 9113 §6.5.2 counts
  if (++stream.head_fields > kMaxHeaders + 8 || stream.head_bytes > kMaxHeadBytes) return false;
  if (role_ == H2Role::Requester) {
    if (name == ":status") {
      std::from_chars(value.data(), value.data() + value.size(), stream.response.status);
    } else {
      stream.response.headers.add(name, value);
    }
    return true;
  }
  if (name == ":method") {
    stream.request.method = std::string(value);
  } else if (name == ":path") {
    stream.request.target = std::string(value);
  } else if (name == ":authority" || name == "host") {
    if (!stream.host.empty() && !same_text(stream.host, value)) return false;
    stream.host = std::string(value);
  } else if (name.front() != ':') {
    stream.request.headers.add(name, value);
  }
  return true;
}

void H2Session::head_done(Stream& stream) {
  if (role_ == H2Role::Requester) {
    if (stream.response.status < 200) {  // informational: the final head follows
      stream.response = {};
      stream.head_fields = stream.head_bytes = 0;
      return;
    }
    stream.head_seen = true;
    emit(H2ResponseHead{stream.id, std::move(stream.response)});
    return;
  }
  const auto& target = stream.request.target;
  if (stream.request.method == "CONNECT" || target.empty() || target.front() != '/' ||
      !is_token(stream.request.method)) {
    stream.refused = true;
    strike();
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_PROTOCOL_ERROR);
    return;
  }
  stream.head_seen = true;
  if (!stream.host.empty()) stream.request.headers.add("host", stream.host);
  emit(H2RequestHead{stream.id, std::move(stream.request)});
}

Result<void> H2Session::receive(std::string_view bytes) {
  if (broken_.empty() && nghttp2_session_want_read(session_) == 0)
    return unavailable("http/2: the session has ended, by goaway or a protocol error");
  if (broken_.empty()) {
    const auto used =
        nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (used < 0) {
      broken_ = std::string("http/2: peer broke the protocol: ") + nghttp2_strerror(static_cast<int>(used));
    } else if (strikes_ > kStrikes + served_ / 4) {
      broken_ = "http/2: peer sends too many frames that bring nothing";
      nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
    }
  }
  if (!broken_.empty()) return unavailable(broken_);
  return {};
}

std::optional<H2Event> H2Session::next_event() {
  if (events_.empty()) return std::nullopt;
  std::optional<H2Event> out(std::move(events_.front()));
  events_.pop_front();
  return out;
}

std::string_view H2Session::pending_output() {
  constexpr std::size_t kTurn = 64 * 1024;
  while (output_.size() - output_sent_ < kTurn) {
    const std::uint8_t* bytes = nullptr;
    const auto n = nghttp2_session_mem_send(session_, &bytes);
    if (n <= 0) {
      if (n < 0 && broken_.empty()) broken_ = std::string("http/2: ") + nghttp2_strerror(static_cast<int>(n));
      break;
    }
    output_.append(view(bytes, static_cast<std::size_t>(n)));
  }
  return std::string_view(output_).substr(output_sent_);
}

void H2Session::consume_output(std::size_t n) {
  output_sent_ += n;
  if (output_sent_ == output_.size()) {
    output_.clear();
    output_sent_ = 0;
  } else if (output_sent_ >= 256 * 1024) {
    output_.erase(0, output_sent_);
    output_sent_ = 0;
  }
}

bool H2Session::finished() const {
  return output_.empty() && nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

Result<StreamId> H2Session::open(const RequestHead& head, bool end) {
  if (!broken_.empty()) return unavailable(broken_);
  if (nghttp2_session_check_request_allowed(session_) == 0)
    return unavailable("http/2: the peer accepts no new streams (goaway); use another connection");
  std::vector<nghttp2_nv> fields;
  const auto host = head.headers.get("host");
  fields.push_back(pair_of(":method", head.method, true));
  fields.push_back(pair_of(":scheme", "https", true));
  if (host) fields.push_back(pair_of(":authority", *host, true));
  fields.push_back(pair_of(":path", head.target, head.target.find('?') == std::string::npos));
  add_fields(fields, head.headers);
  nghttp2_data_provider body{};
  body.read_callback = Callbacks::read_body;
  const auto id =
      nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), end ? nullptr : &body, nullptr);
  if (id < 0) return unavailable(std::string("http/2: cannot open a stream: ") + nghttp2_strerror(id));
  auto stream = std::make_unique<Stream>();
  stream->id = id;
  stream->answered = true;
  stream->local_end = end;
  streams_[id] = std::move(stream);
  return id;
}

bool H2Session::respond(StreamId id, const ResponseHead& head, bool end) {
  Stream* stream = find(id);
  if (!stream || stream->answered || role_ != H2Role::Server) return false;
  const std::string status = std::to_string(head.status);
  std::vector<nghttp2_nv> fields;
  fields.push_back(pair_of(":status", status, true));
  add_fields(fields, head.headers);
  nghttp2_data_provider body{};
  body.read_callback = Callbacks::read_body;
  if (nghttp2_submit_response(session_, id, fields.data(), fields.size(), end ? nullptr : &body) != 0) return false;
  stream->answered = true;
  stream->local_end = end;
  return true;
}

void H2Session::resume(Stream& stream) {
  if (!stream.deferred) return;
  stream.deferred = false;
  nghttp2_session_resume_data(session_, stream.id);
}

bool H2Session::send(StreamId id, std::string_view bytes) {
  Stream* stream = find(id);
  if (!stream || !stream->answered || stream->local_end) return false;
  if (bytes.empty()) return true;
  stream->out.append(bytes);
  if (stream->out.size() - stream->out_sent >= kSendBuffer) stream->above = true;
  resume(*stream);
  return true;
}

bool H2Session::end(StreamId id) {
  Stream* stream = find(id);
  if (!stream || !stream->answered || stream->local_end) return false;
  stream->local_end = true;
  resume(*stream);
  return true;
}

void H2Session::reset(StreamId id, std::uint32_t code) {
  if (find(id)) nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, code);
}

std::size_t H2Session::buffered(StreamId id) const {
  const Stream* stream = find(id);
  return stream ? stream->out.size() - stream->out_sent : 0;
}

void H2Session::consume(StreamId id, std::size_t n) {
  if (find(id)) nghttp2_session_consume_stream(session_, id, n);
}

void H2Session::ping(const PingPayload& payload) { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, payload.data()); }

void H2Session::goaway(std::uint32_t code) {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_), code, nullptr,
                        0);
}

}  // namespace aigrid::http
