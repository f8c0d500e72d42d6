#include "app/agent/model_file.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/crypto/encode.h"
#include "base/crypto/hash.h"
#include "format/http/message.h"

namespace aigrid::agent {

namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20U;

Result<std::string> hash_of(io::File& file) {
  crypto::Hasher hasher;
  std::vector<char> piece(kPiece);
  std::uint64_t at = 0;
  for (;;) {
    AIGRID_TRY(const std::size_t n, file.read_at(at, piece));
    if (n == 0) break;
    hasher.add({piece.data(), n});
    at += n;
  }
  return crypto::hex(crypto::view(hasher.finish()));
}

}  // namespace

io::Task<Result<void>> check_model_file(io::Env& env, std::string path, std::string sha256) {
  auto opened = env.files().open(path, io::OpenMode::Read);
  if (!opened.ok()) {
    Error error = std::move(opened).error();
    error.message = "model file \"" + path + "\": " + error.message + "; put it there or correct the model's source";
    co_return error;
  }
  if (sha256.empty()) co_return Result<void>{};
  // The file belongs to the blocking thread until that is done.
  auto file = std::shared_ptr<io::File>(std::move(*opened));
  auto hash = std::make_shared<Result<std::string>>(std::string());
  const std::function<void()> work = [file, hash] { *hash = hash_of(*file); };
  co_await env.blocking(work);
  if (!hash->ok()) co_return std::move(*hash).error();
  if (**hash == http::lower(sha256)) co_return Result<void>{};
  co_return Error{Code::DataLoss, Origin::Self, Retry::Never,
                  "model file \"" + path + "\" is corrupt: its sha256 is " + **hash + ", the model's is " + sha256 +
                      "; fetch it again"};
}

}  // namespace aigrid::agent
