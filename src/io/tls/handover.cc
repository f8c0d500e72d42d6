#include "io/tls/handover.h"

#include <unistd.h>

#include <utility>

#include "io/env/epoll_env.h"
#include "io/tls/openssl_stream.h"
#include "io/tls/openssl_tls.h"

namespace aigrid::io {

struct Handover::Session {
  OpenSslStream::Moved moved;
};

Handover::Handover(std::unique_ptr<Stream> stream) {
  if (auto* secured = dynamic_cast<OpenSslStream*>(stream.get())) {
    session_ = std::make_unique<Session>(Session{secured->move_out()});
    stream = std::move(session_->moved.raw);
  }
  fd_ = stream->release_fd();
  remote_ = stream->peer().address;
  if (fd_ < 0) whole_ = std::move(stream);
}

Handover::~Handover() {
  if (fd_ >= 0) ::close(fd_);
}

Result<std::unique_ptr<Stream>> Handover::attach(Env& env) {
  std::unique_ptr<Stream> raw = std::move(whole_);
  if (fd_ >= 0) {
    AIGRID_TRY(raw, adopt_socket(env, std::exchange(fd_, -1), remote_));
  }
  if (!session_) return raw;
  auto* tls = dynamic_cast<OpenSslTls*>(&env.tls());
  if (tls == nullptr) return internal("tls: a connection is handed to a worker with another TLS");
  session_->moved.raw = std::move(raw);
  return tls->move_in(env, std::move(session_->moved));
}

}  // namespace aigrid::io
