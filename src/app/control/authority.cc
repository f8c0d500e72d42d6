#include "app/control/authority.h"

#include <array>

#include "base/crypto/ed25519.h"
#include "base/crypto/encode.h"
#include "format/json/json.h"
#include "io/client/inner_messages.h"
#include "io/pki/keys.h"

namespace aigrid::control {

namespace {

std::string random_bytes(io::Env& env, std::size_t count) {
  std::string bytes(count, '\0');
  env.entropy(bytes);
  return bytes;
}

}  // namespace

std::string Authority::encode() const {
  const json::Json out = {
      {"grid", grid_}, {"key", key_}, {"root", root_}, {"bundle_seed", crypto::hex(bundle_seed_)}, {"epoch", epoch_}};
  return out.dump(2) + "\n";
}

Result<Authority> Authority::decode(std::string_view text) {
  AIGRID_TRY(const json::Json value, json::parse(text));
  Authority out;
  std::string seed;
  json::Reader reader(value, "authority");
  reader.get("grid", out.grid_)
      .get("key", out.key_)
      .get("root", out.root_)
      .get("bundle_seed", seed)
      .get("epoch", out.epoch_);
  AIGRID_CHECK_OK(reader.result());
  AIGRID_TRY(out.bundle_seed_, crypto::from_hex(seed));
  return out;
}

Result<void> Authority::derive() {
  AIGRID_TRY(const auto signer, crypto::SigningKey::from_seed(bundle_seed_));
  bundle_key_ = signer.public_key();
  return {};
}

Result<Authority> Authority::load_or_make(io::Env& env, const ControlOptions& options) {
  const std::string path = options.state + "/authority.json";
  auto text = env.files().read_all(path);
  Authority out;
  if (text.ok()) {
    auto held = decode(*text);
    if (!held.ok()) {
      return Error{
          Code::DataLoss, Origin::Self, Retry::Never,
          path + ": " + held.error().message + "; restore it from a backup: without it no member can be renewed"};
    }
    out = std::move(*held);
    if (out.grid_ != options.grid) {
      return invalid("state directory " + options.state + " is of grid " + out.grid_ + ", not " + options.grid +
                     ": name the right one with --grid or use another --state");
    }
  } else if (text.error().code == Code::NotFound) {
    out.grid_ = options.grid;
    AIGRID_CHECK_OK(io::control_name(out.grid_).format());  // the name must be fit for identities
    out.key_ = env.keys().new_key();
    AIGRID_TRY(out.root_, env.keys().make_root({out.grid_, options.limits.root_lifetime, env.wall()}, out.key_));
    out.bundle_seed_ = random_bytes(env, 32);
    AIGRID_CHECK_OK(env.files().replace(path, out.encode()));
  } else {
    return std::move(text).error();
  }
  out.lifetime_ = options.certificate_lifetime;
  AIGRID_CHECK_OK(out.derive());
  return out;
}

Result<std::string> Authority::issue(io::Env& env, const std::string& csr, const Spiffe& id) const {
  return env.keys().issue({root_, key_, csr, id, lifetime_, env.wall()});
}

Result<io::Identity> Authority::own_identity(io::Env& env) const {
  const Spiffe name = io::control_name(grid_);
  const std::string key = env.keys().new_key();
  AIGRID_TRY(const auto csr, env.keys().make_csr(key, name));
  AIGRID_TRY(const auto chain, issue(env, csr, name));
  return io::Identity{key, chain, {root_}, bundle_key_, grid_};
}

Result<std::string> Authority::root_pin(io::Env& env) const { return env.keys().spki_hash(root_); }

Result<std::string> load_or_make_admin_key(io::Env& env, const ControlOptions& options) {
  if (!options.admin_key.empty()) return options.admin_key;
  const std::string path = options.state + "/admin_key";
  auto held = env.files().read_all(path);
  if (held.ok()) {
    while (held->ends_with('\n')) held->pop_back();
    if (held->empty())
      return Error{Code::DataLoss, Origin::Self, Retry::Never, path + " is empty: remove it and start again"};
    return held;
  }
  if (held.error().code != Code::NotFound) return held;
  std::string key = "agadmin_" + crypto::base62(random_bytes(env, 32));
  AIGRID_CHECK_OK(env.files().replace(path, key + "\n"));
  return key;
}

}  // namespace aigrid::control
