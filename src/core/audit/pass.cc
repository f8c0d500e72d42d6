#include "core/audit/pass.h"

#include <charconv>

#include "base/crypto/encode.h"

namespace aigrid::audit {

namespace {

constexpr std::string_view kTitle = "aigrid audit pass\n";

Error denied(std::string what) { return {Code::PermissionDenied, Origin::Client, Retry::Never, std::move(what)}; }

}  // namespace

std::string bundles_key_name(std::string_view grid) { return std::string(grid) + "/bundles"; }

std::string issue_pass(const Pass& pass, const crypto::SigningKey& bundles_key) {
  const std::string text =
      std::string(kTitle) + pass.grid + "\n" + pass.admin + "\n" + std::to_string(pass.until_unix_s) + "\n";
  return std::string(kPassBegin) + crypto::base64url(sign_note(text, bundles_key_name(pass.grid), bundles_key));
}

Result<Pass> open_pass(std::string_view text, std::string_view grid, std::string_view bundles_public_key,
                       std::int64_t now_unix_s) {
  if (!text.starts_with(kPassBegin)) return invalid("an audit pass begins with agp1_: control gives them to admins");
  AIGRID_TRY(const std::string note, crypto::from_base64url(text.substr(kPassBegin.size())));
  AIGRID_TRY(const std::string signed_text, open_note(note, {bundles_key_name(grid), std::string(bundles_public_key)}));
  std::string_view rest = signed_text;
  if (!rest.starts_with(kTitle)) return invalid("this note is no audit pass");
  rest.remove_prefix(kTitle.size());
  Pass pass;
  std::string until;
  for (std::string* line : {&pass.grid, &pass.admin, &until}) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return invalid("an audit pass has a grid, an admin and a time");
    *line = std::string(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  const auto [at, error] = std::from_chars(until.data(), until.data() + until.size(), pass.until_unix_s);
  if (error != std::errc() || at != until.data() + until.size() || !rest.empty()) {
    return invalid("the time of an audit pass is a number of seconds");
  }
  if (pass.grid != grid) return denied("an audit pass of grid \"" + pass.grid + "\", not of this one");
  if (now_unix_s >= pass.until_unix_s) return denied("this audit pass is over: ask control for another");
  return pass;
}

}  // namespace aigrid::audit
