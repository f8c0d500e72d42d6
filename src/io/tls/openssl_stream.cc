#include "io/tls/openssl_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <array>
#include <utility>

namespace aigrid::io {
namespace {

constexpr std::size_t kRecord = 16 * 1024;      // the most plaintext one record carries
constexpr std::size_t kMaxUnsent = 128 * 1024;  // answers to the peer's key updates and the like

Error would_block() { return {Code::WouldBlock, Origin::Self, Retry::Same, {}}; }
Error cancelled() { return {Code::Cancelled, Origin::Self, Retry::Never, "tls stream closed"}; }

// Alerts that say the peer did not like our certificate (bad_certificate … unknown_ca, access_denied,
// certificate_required).
bool is_refusal(int alert) { return (alert >= 41 && alert <= 46) || alert == 48 || alert == 49 || alert == 116; }

void wake_once(Waiter*& waiter) {
  if (Waiter* w = std::exchange(waiter, nullptr)) w->wake();
}

}  // namespace

// The BIO through which OpenSSL reads and writes records. Writing always succeeds (what the raw stream does not take is
// kept), so OpenSSL never asks to write again and no plaintext is ever half taken.
struct RecordPort {
  static OpenSslStream& stream(BIO* bio) { return *static_cast<OpenSslStream*>(BIO_get_data(bio)); }
  static int write(BIO* bio, const char* bytes, int size) {
    stream(bio).send({bytes, static_cast<std::size_t>(size)});
    return size;
  }
  static int read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    OpenSslStream& s = stream(bio);
    const long n = s.receive(into, static_cast<std::size_t>(size));
    if (n < 0 && !s.raw_error_) BIO_set_retry_read(bio);
    return static_cast<int>(n);
  }
  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return stream(bio).raw_ended_ ? 1 : 0;
    return 0;
  }
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "aigrid stream");
      BIO_meth_set_write(m, &RecordPort::write);
      BIO_meth_set_read(m, &RecordPort::read);
      BIO_meth_set_ctrl(m, &RecordPort::control);
      return m;
    }();
    return made;
  }
};

OpenSslStream::OpenSslStream(Env& env, Lingering& lingering, std::unique_ptr<Stream> raw, Ssl ssl)
    : env_(env), lingering_(lingering), raw_(std::move(raw)), ssl_(std::move(ssl)) {
  peer_.address = raw_->peer().address;
  BIO* bio = BIO_new(RecordPort::method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

OpenSslStream::OpenSslStream(Env& env, Lingering& lingering, Moved moved)
    : OpenSslStream(env, lingering, std::move(moved.raw), std::move(moved.ssl)) {
  peer_ = std::move(moved.peer);
  ended_ = moved.ended;
  rest_ = std::move(moved.rest);
  if (!rest_.empty()) raw_->on_writable(&flush_);
}

OpenSslStream::Moved OpenSslStream::move_out() {
  raw_->on_readable(nullptr);
  raw_->on_writable(nullptr);
  closed_ = true;
  return {std::move(raw_), std::move(ssl_), std::move(peer_), rest_.substr(rest_at_), ended_};
}

OpenSslStream::~OpenSslStream() {
  if (!raw_) return;  // moved out
  ssl_.reset();
  raw_->on_readable(nullptr);
  raw_->on_writable(nullptr);
  if (closed_ || write_error_ || (rest_.empty() && !abandoned_)) return;
  lingering_.finish(env_, std::move(raw_), rest_.substr(rest_at_), abandoned_ || half_close_due_);
}

long OpenSslStream::receive(char* into, std::size_t size) {
  raw_error_.reset();
  auto n = raw_->try_read({into, size});
  if (n.ok()) {
    raw_ended_ = *n == 0;
    return static_cast<long>(*n);
  }
  if (n.error().code != Code::WouldBlock) raw_error_ = std::move(n).error();
  return -1;
}

void OpenSslStream::send(std::string_view record) {
  if (write_error_) return;
  if (rest_.empty()) {
    while (!record.empty()) {
      auto taken = raw_->try_write({&record, 1});
      if (taken.ok()) {
        record.remove_prefix(*taken);
      } else if (taken.error().code == Code::WouldBlock) {
        break;
      } else {
        write_error_ = std::move(taken).error();
        return;
      }
    }
    if (record.empty()) return;
    raw_->on_writable(&flush_);
  }
  rest_.append(record);
}

void OpenSslStream::flush() {
  while (rest_at_ < rest_.size() && !write_error_) {
    const std::string_view piece = std::string_view(rest_).substr(rest_at_);
    auto taken = raw_->try_write({&piece, 1});
    if (taken.ok()) {
      rest_at_ += *taken;
    } else if (taken.error().code == Code::WouldBlock) {
      raw_->on_writable(&flush_);
      return;
    } else {
      write_error_ = std::move(taken).error();
    }
  }
  const bool was_stalled = stalled();
  rest_ = {};
  rest_at_ = 0;
  if (std::exchange(half_close_due_, false) && !write_error_) raw_->shutdown_write();
  wake_once(writer_);
  if (was_stalled || write_error_) wake_once(reader_);
}

bool OpenSslStream::stalled() const { return rest_.size() > kMaxUnsent; }

Result<bool> OpenSslStream::handshake_step() {
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_.get());
  if (write_error_) return *write_error_;
  if (done == 1) {
    starved_ = false;
    return true;
  }
  const int error = SSL_get_error(ssl_.get(), done);
  if (error == SSL_ERROR_WANT_READ) {
    starved_ = true;
    return false;
  }
  return read_failure(error);
}

Error OpenSslStream::read_failure(int ssl_error) {
  if (raw_error_) return *raw_error_;
  const std::string who = peer_.address.empty() ? "the peer" : peer_.address;
  if (raw_ended_) return unavailable("tls connection with " + who + " was truncated: it ended without close_notify");
  const unsigned long code = ERR_peek_error();
  const int alert = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET : 0;
  const bool no_certificate = ERR_GET_REASON(code) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
  const std::string reason =
      ssl_error == SSL_ERROR_SSL ? x509::openssl_reason() : "openssl error " + std::to_string(ssl_error);
  ERR_clear_error();
  if (is_refusal(alert)) {
    return {Code::Unauthenticated, Origin::Upstream, Retry::Never, who + " refused our certificate: " + reason};
  }
  if (alert <= 0 && no_certificate) {
    return {Code::Unauthenticated, Origin::Upstream, Retry::Never, who + " showed no certificate, one is required"};
  }
  return unavailable("tls with " + who + " failed: " + reason);
}

Result<std::size_t> OpenSslStream::try_read(std::span<char> into) {
  if (closed_) return cancelled();
  if (ended_) return std::size_t{0};
  if (read_error_) return *read_error_;
  if (into.empty() || stalled()) return would_block();
  ERR_clear_error();
  std::size_t n = 0;
  const int got = SSL_read_ex(ssl_.get(), into.data(), into.size(), &n);
  if (got == 1) {
    starved_ = false;
    return n;
  }
  const int error = SSL_get_error(ssl_.get(), got);
  if (error == SSL_ERROR_WANT_READ) {
    starved_ = true;
    return would_block();
  }
  if (error == SSL_ERROR_ZERO_RETURN) {
    ended_ = true;
    return std::size_t{0};
  }
  read_error_ = read_failure(error);
  return *read_error_;
}

Result<std::size_t> OpenSslStream::write_record(std::string_view plain) {
  ERR_clear_error();
  std::size_t n = 0;
  const int put = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &n);
  if (write_error_) return *write_error_;
  if (put == 1) return n;
  const int error = SSL_get_error(ssl_.get(), put);
  write_error_ = read_error_ ? *read_error_ : read_failure(error);
  return *write_error_;
}

// Small pieces share a record; a record goes out only when the one before it has left, so one at most waits here.
Result<std::size_t> OpenSslStream::try_write(std::span<const std::string_view> pieces) {
  if (closed_) return cancelled();
  if (write_error_) return *write_error_;
  if (shut_) return internal("tls stream: write after shutdown_write");
  if (!rest_.empty()) return would_block();
  std::size_t taken = 0;
  std::size_t offset = 0;  // into pieces.front()
  std::array<char, kRecord> joined;
  while (!pieces.empty() && rest_.empty()) {
    std::string_view record = pieces.front().substr(offset, kRecord);
    if (record.size() < kRecord && pieces.size() > 1) {
      std::size_t filled = record.copy(joined.data(), record.size());
      for (std::size_t i = 1; i < pieces.size() && filled < kRecord; ++i) {
        filled += pieces[i].copy(joined.data() + filled, kRecord - filled);
      }
      record = {joined.data(), filled};
    }
    if (record.empty()) break;
    const std::size_t size = record.size();
    AIGRID_CHECK_OK(write_record(record));
    taken += size;
    for (offset += size; !pieces.empty() && offset >= pieces.front().size(); pieces = pieces.subspan(1)) {
      offset -= pieces.front().size();
    }
  }
  return taken;
}

void OpenSslStream::on_readable(Waiter* waiter) {
  reader_ = waiter;
  if (waiter == nullptr) {
    raw_->on_readable(nullptr);
  } else if (read_error_ || ended_ || closed_) {
    wake_once(reader_);
  } else if (stalled()) {
    return;  // flush() wakes it
  } else if (!starved_) {
    wake_once(reader_);  // there may be plaintext inside OpenSSL, of which the raw stream knows nothing
  } else {
    reader_ = nullptr;  // the raw stream wakes it, also when it closes or fails
    raw_->on_readable(waiter);
  }
}

void OpenSslStream::on_writable(Waiter* waiter) {
  writer_ = waiter;
  if (rest_.empty() || write_error_ || closed_) wake_once(writer_);
}

void OpenSslStream::shutdown_write() {
  if (shut_ || closed_ || write_error_) return;
  shut_ = true;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  if (rest_.empty()) {
    raw_->shutdown_write();
  } else {
    half_close_due_ = true;
  }
}

void OpenSslStream::close() {
  if (closed_) return;
  closed_ = true;
  rest_ = {};
  raw_->on_writable(nullptr);
  raw_->close();
  wake_once(reader_);
  wake_once(writer_);
}

void OpenSslStream::abandon() { abandoned_ = true; }

}  // namespace aigrid::io
