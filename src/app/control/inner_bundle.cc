// POST /inner/bundle: what the gateway holds comes first (one JSON object), then updates go out for as long as it
// stays: [u32 big-endian length | update], at once and at every publish.
#include "app/control/inner_service.h"
#include "io/client/update_stream.h"
#include "io/http/lines.h"

namespace aigrid::control {

namespace {

struct Hello {
  std::uint64_t version = 0;
  std::map<std::string, std::string> sections;
};

Result<Hello> decode_hello(std::string_view line) {
  AIGRID_TRY(const json::Json value, json::parse(line));
  Hello hello;
  json::Reader reader(value, "bundle hello");
  reader.get("version", hello.version).get("sections", hello.sections);
  AIGRID_CHECK_OK(reader.result());
  return hello;
}

std::vector<std::string> nodes_of_site(const Catalog& catalog, const std::string& site) {
  std::vector<std::string> nodes;
  for (const auto& entry : catalog.list(api::Kind::Node)) {
    if (std::get<grid::Node>(entry->noun).site == site) nodes.push_back(entry->stored.name);
  }
  return nodes;
}

bool may_hold(const std::string& section, const std::vector<std::string>& nodes) {
  if (!section.starts_with("agent/")) return true;
  for (const auto& node : nodes) {
    if (bundle::in_scope(bundle::Scope::Gateway, section, node)) return true;
  }
  return false;
}

}  // namespace

io::Task<void> InnerService::bundle(io::H2Stream& stream, Spiffe who) {
  io::LineReader lines(stream);
  auto line = co_await lines.next();
  if (!line.ok()) co_return;
  auto hello = decode_hello(line->value_or("{}"));
  if (!hello.ok()) {
    co_await refuse(stream, 400, "invalid_request", hello.error().message);
    co_return;
  }
  const auto reader = std::make_shared<Publisher::Reader>(services_.publisher);
  stream.on_failure([weak = std::weak_ptr(reader)] {
    if (const auto alive = weak.lock()) alive->published.set();
  });
  if (!stream.respond({200, {{"content-type", "application/octet-stream"}}}).ok()) co_return;
  std::uint64_t sent_version = 0;
  bool first = true;
  while (!stream.failure()) {
    const auto current = services_.publisher.current();
    // A reader that claims to be ahead has a bundle of another life of this store: it is told what is true here.
    const bool news = current && (first ? hello->version != current->parsed.version || hello->sections.empty()
                                        : sent_version != current->parsed.version);
    if (news) {
      const auto nodes = nodes_of_site(services_.catalog, who.site);
      const auto update = services_.publisher.update_from(hello->sections, hello->version, nodes);
      hello->sections.clear();
      for (const auto& [section, hash] : current->parsed.sections) {
        if (may_hold(section, nodes)) hello->sections[section] = hash;
      }
      hello->version = current->parsed.version;
      auto sent = co_await io::write_update(stream, update);
      if (!sent.ok()) co_return;
    }
    if (current) {
      first = false;
      sent_version = current->parsed.version;
      if (services_.publisher.current() != current) continue;
    }
    co_await reader->published.wait();
  }
}

}  // namespace aigrid::control
