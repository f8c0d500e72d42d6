#include "io/env/system_error.h"

#include <cctype>
#include <cerrno>
#include <system_error>

namespace aigrid::io {
namespace {

Error with_code(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR: return {Code::NotFound, Origin::Self, Retry::Never, {}};
    case EACCES:
    case EPERM:
    case EROFS: return {Code::PermissionDenied, Origin::Self, Retry::Never, {}};
    case EEXIST:
    case EADDRINUSE:
    case ENOTEMPTY: return {Code::AlreadyExists, Origin::Self, Retry::Never, {}};
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return {Code::ResourceExhausted, Origin::Self, Retry::Elsewhere, {}};
    case ETIMEDOUT: return {Code::DeadlineExceeded, Origin::Upstream, Retry::Elsewhere, {}};
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN: return unavailable({});
    case EINVAL:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case ENAMETOOLONG:
    case EISDIR: return {Code::InvalidArgument, Origin::Self, Retry::Never, {}};
    default: return internal({});
  }
}

}  // namespace

Error system_error(int number, std::string what) {
  Error error = with_code(number);
  std::string words = std::generic_category().message(number);
  if (!words.empty()) words[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(words[0])));
  error.message = std::move(what) + ": " + words;
  return error;
}

}  // namespace aigrid::io
