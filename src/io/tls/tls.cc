#include "io/tls/tls.h"

namespace aigrid::io {

IdentityRule exactly(const Spiffe& id) {
  return [id](const Spiffe& shown) { return shown == id; };
}

}  // namespace aigrid::io
