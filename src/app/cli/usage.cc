// usage: what was used, by whom and where, and what it costs.
#include "app/cli/access.h"
#include "app/cli/usage_table.h"

namespace aigrid::cli {

namespace {

std::string escaped(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == ':';
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

std::string target_of(const UsageOptions& options) {
  std::string out;
  const auto add = [&out](const std::string& name, const std::string& value) {
    out += (out.empty() ? "?" : "&") + name + "=" + escaped(value);
  };
  for (const auto& column : options.by) add("by", column);
  if (!options.from.empty()) add("from", options.from);
  if (!options.to.empty()) add("to", options.to);
  if (options.settlement) add("settlement", "1");
  return "/api/v1/usage" + out;
}

}  // namespace

io::Task<int> run_usage(io::Env& env, Writer& writer, UsageOptions options) {
  const std::string target = target_of(options);
  auto answer = co_await call(env, options.access, "GET", target);
  if (!answer.ok()) co_return fail(writer, answer.error());
  if (options.json) {
    writer.out(pretty(*answer));
  } else {
    writer.out(options.settlement ? settlement_table(*answer) : usage_table(*answer));
  }
  co_return 0;
}

}  // namespace aigrid::cli
