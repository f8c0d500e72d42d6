// Appends the secrets of every TLS session to the file AIGRID_TEST_KEYLOG, in NSS's format, so that a test can decrypt
// what it captured on the wire. The file is named when this is compiled, by the preset keylog alone; a test checks that
// no other binary can do it.
#pragma once

#include <openssl/ssl.h>

namespace aigrid::io {

void log_keys(SSL_CTX* context);

}  // namespace aigrid::io
