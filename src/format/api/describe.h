// The one description of every kind: describe(noun, visitor) offers each field's name, member and rule in document
// order. Private to format/api. A visitor has `operator()(const char* name, Member& member, const Rule& rule)` for
// text, bool, numbers, lists, maps, enums and prices.
#pragma once

#include <limits>
#include <type_traits>

#include "format/api/schema.h"

namespace aigrid::api {

enum class Form : std::uint8_t { Any, Country, Jurisdiction, Currency, Sha256 };

struct Rule {
  const char* meaning = "";
  bool required = false;
  const char* unit = "";
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  Form form = Form::Any;
  int refers = -1;  // Kind
};

inline constexpr double kHuge = std::numeric_limits<double>::infinity();

constexpr Rule text(const char* meaning, bool required = false) { return {.meaning = meaning, .required = required}; }
constexpr Rule form(Form f, const char* meaning, bool required = false) {
  return {.meaning = meaning, .required = required, .form = f};
}
constexpr Rule refers(Kind kind, const char* meaning, bool required = false) {
  return {.meaning = meaning, .required = required, .refers = static_cast<int>(kind)};
}
constexpr Rule amount(const char* unit, double min, double max, const char* meaning, bool required = false) {
  return {.meaning = meaning, .required = required, .unit = unit, .min = min, .max = max};
}

template <class N, class T>
concept Is = std::is_same_v<std::remove_const_t<N>, T>;

// A Deployment names its nodes; the only way there is yet, so that it is written and nothing is kept.
enum class Placement : std::uint8_t { Explicit };

template <Is<grid::Operator> N, class V>
void describe(N& n, V& v) {
  v("legal_name", n.legal_name, text("the firm's full name"));
  v("control", n.control, form(Form::Country, "countries whose law reaches the firm"));
}

template <Is<grid::Site> N, class V>
void describe(N& n, V& v) {
  v("kind", n.kind, text("what sort of place it is", true));
  v("operator", n.operator_name, refers(Kind::Operator, "the firm that owns the site", true));
  v("country", n.country, form(Form::Country, "where it stands", true));
  v("jurisdiction", n.jurisdiction, form(Form::Jurisdiction, "whose law applies there; the country if not given"));
  v("city", n.city, text("for people"));
  v("lat", n.lat, amount("degrees", -90, 90, "latitude, north positive", true));
  v("lon", n.lon, amount("degrees", -180, 180, "longitude, east positive", true));
  v("power_limit_w", n.power_limit_w, amount("W", 0, 1e10, "electric power the site may draw; 0: none stated"));
  v("cooling_limit_c", n.cooling_limit_c, amount("°C", 0, 150, "inlet temperature it must stay under; 0: none stated"));
  v("cost_nano_per_token", n.cost_nano_per_token,
    amount("1e-9 currency units", 0, 1e15, "what a token costs the operator here"));
  v("attributes", n.attributes, text("certifications and the like; absent means unknown"));
  v("cordoned", n.cordoned, text("takes no new work"));
  v("drain", n.drain, text("takes no new work, and what runs there moves away"));
}

template <Is<grid::Node> N, class V>
void describe(N& n, V& v) {
  v("site", n.site, refers(Kind::Site, "where it stands", true));
  v("cordoned", n.cordoned, text("takes no new work"));
  v("nameplate_w", n.nameplate_w, amount("W", 0, 1e7, "power at full load"));
  v("idle_w", n.idle_w, amount("W", 0, 1e7, "power when idle"));
  v("accelerators", n.accelerators, text("GPU models, one entry each"));
  v("labels", n.labels, text("free labels"));
  v("drain", n.drain, text("takes no new work, and what runs there moves away"));
}

template <Is<grid::Gateway> N, class V>
void describe(N& n, V& v) {
  v("site", n.site, refers(Kind::Site, "where it stands", true));
  v("public_address", n.public_address, text("host:port of the client API"));
  v("inner_address", n.inner_address, text("host:port that peers and agents dial"));
  v("workers", n.workers, amount("", 1, 1024, "event loops; peers open one connection each"));
}

template <Is<grid::Link> N, class V>
void describe(N& n, V& v) {
  v("a", n.a, refers(Kind::Site, "one end", true));
  v("b", n.b, refers(Kind::Site, "the other end; `control` is allowed", true));
  v("rtt_ms", n.rtt_ms, amount("ms", 0, 60000, "round trip until measured"));
  v("source", n.source, text("where rtt_ms comes from: measured or derived"));
  v("dial", n.dial, text("address that gateways at the site KEY dial to reach the other end"));
}

template <Is<grid::Zone> N, class V>
void describe(N& n, V& v) {
  v("jurisdictions", n.jurisdictions, form(Form::Jurisdiction, "whose sites belong to it"));
  v("include", n.include, refers(Kind::Zone, "zones whose sites belong to it too"));
  v("exclude", n.exclude, refers(Kind::Zone, "zones whose sites do not"));
  v("require", n.require, text("attributes a site must have"));
  v("control_within", n.control_within, form(Form::Country, "every country that controls the operator must be listed"));
}

template <Is<grid::Policy> N, class V>
void describe(N& n, V& v) {
  v("tenants", n.tenants, refers(Kind::Tenant, "whom it binds; none: all"));
  v("models", n.models, refers(Kind::Model, "for which models; none: all"));
  v("zone", n.zone, refers(Kind::Zone, "where their requests may execute", true));
}

template <Is<grid::Model> N, class V>
void describe(N& n, V& v) {
  v("family", n.family, text("for people"));
  v("licence", n.licence, text("SPDX name of the weights' licence"));
  v("source", n.source, text("file name or URL of the weights"));
  v("sha256", n.sha256, form(Form::Sha256, "of the file; empty: not checked"));
  v("task", n.task, text("what it does"));
  v("context_tokens", n.context_tokens, amount("tokens", 1, 1e8, "longest prompt and answer together", true));
  v("aliases", n.aliases, text("other names clients may use"));
  v("tenants", n.tenants, refers(Kind::Tenant, "who may see it; none: all"));
}

template <Is<grid::Deployment> N, class V>
void describe(N& n, V& v) {
  v("model", n.model, refers(Kind::Model, "what it serves", true));
  v("driver", n.driver, text("the engine"));
  Placement placement = Placement::Explicit;
  v("placement", placement, text("how nodes are chosen"));
  v("nodes", n.nodes, refers(Kind::Node, "where it runs", true));
  v("url", n.url, text("server to adopt (driver openai)"));
  v("secret_env", n.secret_env, text("environment variable with the adopted server's key"));
  v("slots", n.slots, amount("", 1, 4096, "requests at a time on one node"));
  v("context_tokens", n.context_tokens, amount("tokens", 1, 1e8, "context per slot"));
  v("max_output_tokens", n.max_output_tokens, amount("tokens", 1, 1e8, "answer length when the client sets none"));
  v("arguments", n.arguments, text("further settings of the driver"));
  v("prefill_tokens_per_s", n.prefill_tokens_per_s, amount("tokens/s", 0.001, 1e9, "until measured"));
  v("decode_tokens_per_s", n.decode_tokens_per_s, amount("tokens/s", 0.001, 1e9, "until measured"));
}

template <Is<grid::Tenant> N, class V>
void describe(N& n, V& v) {
  v("display_name", n.display_name, text("for people"));
  v("zone", n.zone, refers(Kind::Zone, "bound to it; empty: free"));
  v("price_book", n.price_book, refers(Kind::PriceBook, "what it pays"));
}

template <Is<grid::Project> N, class V>
void describe(N& n, V& v) {
  v("tenant", n.tenant, refers(Kind::Tenant, "whose it is", true));
  v("zone", n.zone, refers(Kind::Zone, "narrows the tenant's"));
}

template <Is<grid::PriceBook> N, class V>
void describe(N& n, V& v) {
  v("currency", n.currency, form(Form::Currency, "ISO 4217", true));
  v("prices", n.prices, refers(Kind::Model, "per model: model, input_nano_per_token, output_nano_per_token"));
}

template <Is<grid::ApiKey> N, class V>
void describe(N& n, V& v) {
  v("hash", n.hash, form(Form::Sha256, "SHA-256 of kid and secret", true));
  v("tenant", n.tenant, refers(Kind::Tenant, "whose it is", true));
  v("project", n.project, refers(Kind::Project, "counts for it"));
  v("zone", n.zone, refers(Kind::Zone, "narrows further"));
  v("models", n.models, refers(Kind::Model, "which it may ask for; none: all the tenant may see"));
  v("expires_unix_s", n.expires_unix_s, amount("s since 1970", 0, 9e15, "0: never"));
  v("revoked", n.revoked, text("no longer valid"));
}

template <class E>
struct Choices;
template <>
struct Choices<grid::SiteKind> {
  static constexpr std::array<std::string_view, 5> names = {"factory", "hub", "metro", "edge", "campus"};
};
template <>
struct Choices<grid::Task> {
  static constexpr std::array<std::string_view, 2> names = {"chat", "embedding"};
};
template <>
struct Choices<Placement> {
  static constexpr std::array<std::string_view, 1> names = {"explicit"};
};
template <>
struct Choices<grid::Driver> {
  static constexpr std::array<std::string_view, 2> names = {"llama.cpp", "openai"};
};

}  // namespace aigrid::api
