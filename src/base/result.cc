#include "base/result.h"

namespace aigrid {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::InvalidArgument: return "invalid_argument";
    case Code::Unauthenticated: return "unauthenticated";
    case Code::PermissionDenied: return "permission_denied";
    case Code::NotFound: return "not_found";
    case Code::AlreadyExists: return "already_exists";
    case Code::Conflict: return "conflict";
    case Code::ResourceExhausted: return "resource_exhausted";
    case Code::Unavailable: return "unavailable";
    case Code::DeadlineExceeded: return "deadline_exceeded";
    case Code::Cancelled: return "cancelled";
    case Code::WouldBlock: return "would_block";
    case Code::DataLoss: return "data_loss";
    case Code::Unimplemented: return "unimplemented";
    case Code::Internal: return "internal";
  }
  return "unknown";
}

}  // namespace aigrid
