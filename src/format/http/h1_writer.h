// HTTP/1.1 serialisation: heads and chunk framing, normalised (one space, CR LF, no folding). Pure functions.
// CR, LF and NUL in a value become spaces (RFC 9110 5.5), so nothing given here can split a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "format/http/message.h"

namespace aigrid::http {

// Framing fields (content-length, transfer-encoding, connection) are the caller's and written as given.
std::string write_request_head(const RequestHead& head);
std::string write_response_head(const ResponseHead& head);

// A chunk on the wire is chunk_prefix(size), the bytes, kChunkEnd. The size is never 0.
std::string chunk_prefix(std::size_t size);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace aigrid::http
