#include "app/up/remembered.h"

#include <nlohmann/json.hpp>

#include "format/json/json.h"

namespace aigrid::up {

std::string encode(const Remembered& r) {
  return json::dump({{"ports", r.ports},
                     {"admin_key", r.admin_key},
                     {"engine_secret", r.engine_secret},
                     {"tenant_keys", r.tenant_keys},
                     {"joined", r.joined}}) +
         "\n";
}

Result<Remembered> decode_remembered(std::string_view text) {
  const auto lost = [](const std::string& why) { return Error{Code::DataLoss, Origin::Self, Retry::Never, why}; };
  auto value = json::parse(text);
  if (!value.ok()) return lost(value.error().message);
  Remembered out;
  std::vector<std::string> joined;
  json::Reader reader(*value);
  reader.get("admin_key", out.admin_key)
      .get("engine_secret", out.engine_secret)
      .get("tenant_keys", out.tenant_keys)
      .get("joined", joined);
  if (const auto* ports = reader.object("ports")) {
    for (const auto& [name, port] : ports->items()) {
      if (port.is_number_unsigned() && port.get<unsigned>() <= 65535) out.ports[name] = port.get<int>();
    }
  }
  out.joined.insert(joined.begin(), joined.end());
  auto read = reader.result();
  if (!read.ok()) return lost(read.error().message);
  return out;
}

}  // namespace aigrid::up
