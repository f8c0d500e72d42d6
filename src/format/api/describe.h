// The one description of every kind: describe(noun, visitor) offers each field's name, member and rule in document
// order. Private to format/api. A visitor has `operator()(const char* name, Member& member, const Rule& rule)` for
// text, bool, numbers, lists, maps, enums and prices.
#pragma once

#include <limits>
#include <type_traits>

#include "format/api/schema.h"

namespace aigrid::api {

enum class Form : std::uint8_t { Any, Country, Jurisdiction, Currency, Sha256, Date, Action };

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

// Members of a list of objects: described like a kind, read with the same rules.
template <class T>
concept Part =
    std::is_same_v<T, grid::Clause> || std::is_same_v<T, grid::PolicyExample> || std::is_same_v<T, grid::Certificate>;

template <class N, class T>
concept Is = std::is_same_v<std::remove_const_t<N>, T>;

// A Deployment names its nodes; the only way there is yet, so that it is written and nothing is kept.
enum class Placement : std::uint8_t { Explicit };

template <Is<grid::Operator> N, class V>
void describe(N& n, V& v) {
  v("legal_name", n.legal_name, text("the firm's full name"));
  v("control", n.control, form(Form::Country, "countries whose law reaches the firm"));
  v("margin_ppm", n.margin_ppm,
    amount("parts per million", 0, 1e7, "owed on top of its cost by operators whose tenants it serves"));
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
  v("staff", n.staff, form(Form::Jurisdiction, "from where its admins act; none: unknown"));
  v("telemetry", n.telemetry, form(Form::Jurisdiction, "where it reports to; none: unknown"));
  v("seal", n.seal, amount("", 0, 4, "sovereignty level (EU SEAL); not written: unknown"));
  v("certs", n.certs, text("certifications with their end; none or expired: unknown"));
  v("attest", n.attest, text("how nodes prove what they run, such as none, tpm, tee; empty: unknown"));
  v("tenancy", n.tenancy, text("shared or dedicated; empty: unknown"));
  v("hosts", n.hosts, text("names by which clients call its gateways: the zone that each asks for"));
  v("cordoned", n.cordoned, text("takes no new work"));
  v("drain", n.drain, text("takes no new work, and what runs there moves away"));
}

template <Is<grid::Certificate> N, class V>
void describe(N& n, V& v) {
  v("name", n.name, text("what was certified", true));
  v("until", n.until, form(Form::Date, "its last day"));
}

template <Is<grid::Clause> N, class V>
void describe(N& n, V& v) {
  v("actions", n.actions, form(Form::Action, "what is done with the data", true));
  v("zone", n.zone, refers(Kind::Zone, "where; \"*\" (platform only): at every site", true));
  v("data_level", n.data_level, amount("", 0, 4, "permit: up to it (1 if not given); forbid: from it on"));
  v("regimes", n.regimes, text("permit: which it covers; forbid: any of which it is for"));
  v("until", n.until, form(Form::Date, "its last day; a forbid has none"));
  v("from", n.from, refers(Kind::Zone, "transfer: whose data may go"));
  v("mechanism", n.mechanism, text("transfer: adequacy, scc, consent or contract"));
}

template <Is<grid::PolicyExample> N, class V>
void describe(N& n, V& v) {
  v("name", n.name, text("what it shows", true));
  v("action", n.action, form(Form::Action, "what is done", true));
  v("expect", n.expect, text("allowed or denied", true));
  v("because", n.because, text("words that the denial must have"));
  v("on", n.on, form(Form::Date, "the day it is asked; today if not given"));
  v("home", n.home, refers(Kind::Zone, "the tenant's home zone"));
  v("data_level", n.data_level, amount("", 0, 4, "of the request"));
  v("regimes", n.regimes, text("of the request"));
  v("jurisdiction", n.jurisdiction, form(Form::Jurisdiction, "where the site stands"));
  v("control", n.control, form(Form::Country, "whose law reaches its operator"));
  v("staff", n.staff, form(Form::Jurisdiction, "from where its admins act"));
  v("telemetry", n.telemetry, form(Form::Jurisdiction, "where it reports to"));
  v("seal", n.seal, amount("", 0, 4, "its sovereignty level"));
  v("certs", n.certs, text("its certifications with their end"));
  v("attest", n.attest, text("how it proves what it runs"));
  v("tenancy", n.tenancy, text("shared or dedicated"));
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
  v("intersect", n.intersect, refers(Kind::Zone, "zones that must hold too"));
  v("control_within", n.control_within, form(Form::Country, "every country that controls the operator must be listed"));
  v("staff_within", n.staff_within, form(Form::Jurisdiction, "every place its admins act from must be listed"));
  v("telemetry_within", n.telemetry_within, form(Form::Jurisdiction, "every place it reports to must be listed"));
  v("seal_min", n.seal_min, amount("", 0, 4, "least sovereignty level; 0: any"));
  v("certs", n.certs, text("certifications a site must have, not expired"));
  v("attest", n.attest, text("accepted attestations"));
  v("tenancy", n.tenancy, text("accepted tenancies"));
  v("operators", n.operators, refers(Kind::Operator, "accepted operators"));
}

template <Is<grid::Policy> N, class V>
void describe(N& n, V& v) {
  v("tenants", n.tenants, refers(Kind::Tenant, "whom it binds, tenants or projects; none: all"));
  v("models", n.models, refers(Kind::Model, "for which models; none: all"));
  v("zone", n.zone, refers(Kind::Zone, "short form: their requests execute within it"));
  v("level", n.level, text("platform, operator, tenant or project; if not given, by whom it names"));
  v("operators", n.operators, refers(Kind::Operator, "level operator: whose sites it speaks for"));
  v("permit", n.permit, text("what is allowed where"));
  v("forbid", n.forbid, text("what is not, whoever permits it"));
  v("transfer", n.transfer, text("cross-border permits: from, zone, mechanism, until"));
  v("examples", n.examples, text("questions with answers, for `aigrid policy test`"));
  v("on_change", n.on_change, text("what runs where a change forbids it: cut (also if not given), or drain"));
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
  v("zone", n.zone, refers(Kind::Zone, "where it may execute (licence, export); none: anywhere"));
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

// Of data: tenants, projects and keys only ever raise it.
template <class N, class V>
void describe_class(N& n, V& v) {
  v("data_level", n.data_level, amount("", 0, 4, "its data is at least: 0 public, 1 ordinary … 4 secret"));
  v("regimes", n.regimes, text("legal regimes its data is under, such as gdpr"));
}

template <Is<grid::Tenant> N, class V>
void describe(N& n, V& v) {
  v("display_name", n.display_name, text("for people"));
  v("zone", n.zone, refers(Kind::Zone, "its requests execute within it; empty: free"));
  v("home", n.home, refers(Kind::Zone, "where its data is at home; empty: its zone"));
  describe_class(n, v);
  v("price_book", n.price_book, refers(Kind::PriceBook, "what it pays"));
  v("operator", n.operator_name, refers(Kind::Operator, "who sells to it; empty: whoever serves it"));
  v("limits", n.limits, text("what it may use at most, over all gateways"));
}

template <Is<grid::Project> N, class V>
void describe(N& n, V& v) {
  v("tenant", n.tenant, refers(Kind::Tenant, "whose it is", true));
  v("zone", n.zone, refers(Kind::Zone, "narrows the tenant's"));
  describe_class(n, v);
  v("limits", n.limits, text("what it may use at most, over all gateways"));
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
  describe_class(n, v);
  v("models", n.models, refers(Kind::Model, "which it may ask for; none: all the tenant may see"));
  v("expires_unix_s", n.expires_unix_s, amount("s since 1970", 0, 9e15, "0: never"));
  v("revoked", n.revoked, text("no longer valid"));
  v("limits", n.limits, text("what it may use at most, over all gateways"));
}

// The members of `limits`.
template <Is<grid::Limits> N, class V>
void describe(N& n, V& v) {
  v("requests_per_minute", n.requests_per_minute, amount("", 0, 1e9, "requests begun in any 60 s; 0: no limit"));
  v("tokens_per_minute", n.tokens_per_minute, amount("tokens", 0, 1e15, "prompt and answer, in any 60 s; 0: no limit"));
  v("concurrent_requests", n.concurrent_requests, amount("", 0, 1e6, "under way at a time; 0: no limit"));
  v("spend_nano_per_day", n.spend_nano_per_day,
    amount("1e-9 currency units", 0, 9e18, "charged from midnight to midnight UTC; 0: no limit"));
  v("spend_nano_per_month", n.spend_nano_per_month,
    amount("1e-9 currency units", 0, 9e18, "charged in a calendar month UTC; 0: no limit"));
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
