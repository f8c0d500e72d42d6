#include "io/client/identity.h"

#include "base/crypto/encode.h"
#include "format/json/json.h"
#include "io/client/inner_messages.h"

namespace aigrid::io {

using json::Json;

std::string encode(const Identity& identity) {
  Json out = {{"key", identity.key},
              {"chain", identity.chain},
              {"roots", identity.roots},
              {"bundle_key", crypto::hex(identity.bundle_key)},
              {"grid", identity.grid}};
  return out.dump(2) + "\n";
}

Result<Identity> decode_identity(std::string_view text) {
  AIGRID_TRY(const Json value, json::parse(text));
  Identity out;
  std::string bundle_key;
  json::Reader reader(value, "identity");
  reader.get("key", out.key)
      .get("chain", out.chain)
      .get("roots", out.roots)
      .get("bundle_key", bundle_key)
      .get("grid", out.grid);
  AIGRID_CHECK_OK(reader.result());
  AIGRID_TRY(out.bundle_key, crypto::from_hex(bundle_key));
  if (out.key.empty() || out.chain.empty() || out.roots.empty() || out.bundle_key.size() != 32 || out.grid.empty()) {
    return invalid("identity: key, chain, roots, bundle_key (64 hex digits) and grid must all be there");
  }
  AIGRID_CHECK_OK(check_roots(out.roots));
  return out;
}

Result<Identity> load_identity(Files& files, const std::string& state) {
  const std::string path = state + "/identity.json";
  AIGRID_TRY(const std::string text, files.read_all(path));
  auto identity = decode_identity(text);
  if (!identity.ok()) {
    return Error{Code::DataLoss, Origin::Self, Retry::Never,
                 path + ": " + identity.error().message + "; remove the file and join again with a new token"};
  }
  return identity;
}

Result<void> save_identity(Files& files, const std::string& state, const Identity& identity) {
  AIGRID_CHECK_OK(files.make_folders(state));
  return files.replace(state + "/identity.json", encode(identity));
}

}  // namespace aigrid::io
