// Bundle updates on a stream: [length u32 big-endian | bundle::encode(update)], from control to gateways and from
// gateways to agents. One worker. Errors: those of the stream; DataLoss for what is no update or longer than the reader
// is ready to hold.
#pragma once

#include <optional>
#include <string>

#include "format/bundle/bundle.h"
#include "io/http/h2_connection.h"

namespace aigrid::io {

// Header of POST /inner/bundle to an agent: the version that the gateway holds as it asks. It may be older than the
// node's, if the gateway lost its newest one: then grants of that version are not stale.
inline constexpr const char* kHeldVersion = "x-aigrid-bundle-version";

// A whole bundle of 10^6 keys is about 200 MB. An agent's holds no keys: the sites, the policies and its own node.
inline constexpr std::size_t kMaxUpdateToGateway = std::size_t{512} << 20U;
inline constexpr std::size_t kMaxUpdateToAgent = std::size_t{64} << 20U;

Task<Result<void>> write_update(H2Stream& stream, const bundle::Update& update);

// Splits a stream into update messages.
class UpdateReader {
 public:
  UpdateReader(H2Stream& stream, std::size_t most) : stream_(stream), most_(most) {}
  // nullopt at the end of the stream.
  Task<Result<std::optional<bundle::Update>>> next();

 private:
  H2Stream& stream_;
  std::size_t most_;
  std::string buffer_;
};

}  // namespace aigrid::io
