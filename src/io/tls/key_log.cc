#include "io/tls/key_log.h"

#include <memory>
#include <string>

#include "io/pki/x509.h"

namespace aigrid::io {
namespace {

void write_line(const SSL*, const char* line) {
  const std::unique_ptr<BIO, x509::Freer<&BIO_free>> file(BIO_new_file(AIGRID_TEST_KEYLOG, "a"));
  const std::string text = std::string(line) + "\n";
  if (file) BIO_write(file.get(), text.data(), static_cast<int>(text.size()));
}

}  // namespace

void log_keys(SSL_CTX* context) { SSL_CTX_set_keylog_callback(context, &write_line); }

}  // namespace aigrid::io
