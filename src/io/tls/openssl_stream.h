// OpenSslStream: a Stream of plaintext over a raw Stream of TLS records. Reads come straight from the raw stream; what
// it does not take at once of what we write waits here (one record, <= 17 KiB, and handshake messages) and goes out by
// itself. Thread contract: one worker. Errors: as io/tls/tls.h. For io/tls only.
#pragma once

#include <openssl/ssl.h>

#include <optional>

#include "io/pki/x509.h"
#include "io/tls/lingering.h"
#include "io/tls/tls.h"

namespace aigrid::io {

class OpenSslStream final : public Stream {
 public:
  using Ssl = std::unique_ptr<SSL, x509::Freer<&SSL_free>>;
  // What goes along when a stream moves to another worker.
  struct Moved {
    std::unique_ptr<Stream> raw;
    Ssl ssl;
    Peer peer;
    std::string rest;  // records not yet taken by raw
    bool ended = false;
  };
  OpenSslStream(Env& env, Lingering& lingering, std::unique_ptr<Stream> raw, Ssl ssl);
  OpenSslStream(Env& env, Lingering& lingering, Moved moved);
  ~OpenSslStream() override;

  Result<std::size_t> try_read(std::span<char> into) override;
  Result<std::size_t> try_write(std::span<const std::string_view> pieces) override;
  void on_readable(Waiter* waiter) override;
  void on_writable(Waiter* waiter) override;
  void shutdown_write() override;
  void close() override;
  const Peer& peer() const override { return peer_; }

  // One step of the handshake: true when done, false when it waits for bytes.
  Result<bool> handshake_step();
  bool flushed() const { return rest_.empty() || write_error_; }
  SSL* ssl() { return ssl_.get(); }
  Peer& edit_peer() { return peer_; }
  // Leaves this one closed. Nobody may wait on it.
  Moved move_out();
  // A failed handshake still has an alert to deliver.
  void abandon();

 private:
  class Flush final : public Waiter, public Ready {
   public:
    explicit Flush(OpenSslStream& stream) : stream_(stream) {}
    void wake() noexcept override { stream_.env_.executor().schedule(*this); }

   private:
    void run() noexcept override { stream_.flush(); }
    OpenSslStream& stream_;
  };
  friend struct RecordPort;  // the BIO

  long receive(char* into, std::size_t size);  // 0 at the end, -1 nothing now or broken
  void send(std::string_view record);
  void flush();
  bool stalled() const;  // too much unsent to read on: the peer makes us answer and does not take the answers
  Error read_failure(int ssl_error);
  Result<std::size_t> write_record(std::string_view plain);

  Env& env_;
  Lingering& lingering_;
  std::unique_ptr<Stream> raw_;
  Ssl ssl_;
  Peer peer_;
  Flush flush_{*this};
  std::string rest_;  // records not yet taken by raw_
  std::size_t rest_at_ = 0;
  Waiter* reader_ = nullptr;
  Waiter* writer_ = nullptr;
  std::optional<Error> read_error_;   // final
  std::optional<Error> write_error_;  // final
  std::optional<Error> raw_error_;    // of the last receive()
  bool raw_ended_ = false;
  bool starved_ = false;  // the last read used up all there was
  bool ended_ = false;    // close_notify seen
  bool shut_ = false;     // close_notify sent
  bool half_close_due_ = false;
  bool closed_ = false;
  bool abandoned_ = false;
};

}  // namespace aigrid::io
