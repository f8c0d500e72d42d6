#include "format/inner/leases.h"

#include <algorithm>
#include <array>

#include "format/json/json.h"

namespace aigrid::inner {

namespace {

using json::Json;
using json::Reader;

constexpr std::array<const char*, grid::kQuotas> kNames = {"requests", "tokens", "concurrent", "day", "month"};
constexpr std::int64_t kMost = std::int64_t{1} << 61;
constexpr std::int64_t kMostMs = std::int64_t{86400} * 1000 * 40;  // longer than any period

Json amounts(const grid::Amounts& a) {
  Json out = Json::object();
  for (std::size_t q = 0; q < grid::kQuotas; ++q) {
    if (a[q] != 0) out[kNames[q]] = a[q];
  }
  return out;
}

// 0 or more, and far from overflow, whatever was sent.
void bound(Reader& from, const char* name, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return;
  const Json got(value);
  from.fail(name, "a number in range", &got);
}

void read(Reader& from, const char* name, grid::Amounts& out) {
  const Json* v = from.object(name);
  if (v == nullptr) return;
  Reader r(*v, name);
  for (std::size_t q = 0; q < grid::kQuotas; ++q) {
    r.get(kNames[q], out[q]);
    bound(r, kNames[q], out[q], 0, kMost);
  }
  from.adopt(r.result());
}

void read_ms(Reader& from, const char* name, std::int64_t& out) {
  from.get(name, out);
  bound(from, name, out, -kMostMs, kMostMs);
}

void read_limits(Reader& from, grid::Limits& out) {
  grid::Amounts a{};
  read(from, "limits", a);
  constexpr auto kMostCount = std::int64_t{0xffffffff};
  out.requests_per_minute = static_cast<std::uint32_t>(std::min(a[0], kMostCount));
  out.tokens_per_minute = static_cast<std::uint64_t>(a[1]);
  out.concurrent_requests = static_cast<std::uint32_t>(std::min(a[2], kMostCount));
  out.spend_nano_per_day = a[3];
  out.spend_nano_per_month = a[4];
}

Json limits(const grid::Limits& l) {
  return amounts({l.requests_per_minute, static_cast<std::int64_t>(l.tokens_per_minute), l.concurrent_requests,
                  l.spend_nano_per_day, l.spend_nano_per_month});
}

void read_window(Reader& from, std::vector<grid::LeaseState::Used>& out) {
  const Json* list = from.list("window");
  if (list == nullptr) return;
  for (const Json& item : *list) {
    grid::LeaseState::Used one;
    Reader r(item, "window");
    read_ms(r, "age_ms", one.age_ms);
    r.get("requests", one.requests).get("tokens", one.tokens);
    bound(r, "requests", one.requests, 0, kMost);
    bound(r, "tokens", one.tokens, 0, kMost);
    from.adopt(r.result());
    out.push_back(one);
  }
}

void read_held(Reader& from, std::vector<grid::LeaseState::Held>& out) {
  const Json* list = from.list("held");
  if (list == nullptr) return;
  for (const Json& item : *list) {
    grid::LeaseState::Held one;
    Reader r(item, "held");
    r.get("holder", one.holder).get("epoch", one.epoch);
    read(r, "used", one.used);
    read(r, "held", one.held);
    read(r, "written_off", one.written_off);
    read_ms(r, "left_ms", one.left_ms);
    from.adopt(r.result());
    out.push_back(std::move(one));
  }
}

}  // namespace

std::string encode(const grid::LeaseAsk& ask) {
  return json::dump({{"scope", ask.scope},
                     {"tenant", ask.tenant},
                     {"holder", ask.holder},
                     {"epoch", ask.epoch},
                     {"limits", limits(ask.limits)},
                     {"used", amounts(ask.used)},
                     {"reserved", amounts(ask.reserved)},
                     {"want", amounts(ask.want)},
                     {"gateways", ask.gateways}});
}

Result<grid::LeaseAsk> decode_lease_ask(std::string_view text) {
  AIGRID_TRY(const Json value, json::parse(text));
  grid::LeaseAsk ask;
  Reader r(value, "lease");
  r.get("scope", ask.scope)
      .get("tenant", ask.tenant)
      .get("holder", ask.holder)
      .get("epoch", ask.epoch)
      .get("gateways", ask.gateways);
  read_limits(r, ask.limits);
  read(r, "used", ask.used);
  read(r, "reserved", ask.reserved);
  read(r, "want", ask.want);
  AIGRID_CHECK_OK(r.result());
  if (ask.scope.empty() || ask.holder.empty()) return invalid("lease: scope and holder are missing");
  return ask;
}

std::string encode(const grid::LeaseAnswer& answer) {
  return json::dump({{"granted", answer.granted},
                     {"lacking", static_cast<int>(answer.lacking)},
                     {"spare", amounts(answer.spare)},
                     {"ttl_ms", answer.ttl_ms},
                     {"free", amounts(answer.free)},
                     {"reset_ms", amounts(answer.reset_ms)},
                     {"retry_ms", answer.retry_ms}});
}

Result<grid::LeaseAnswer> decode_lease_answer(std::string_view text) {
  AIGRID_TRY(const Json value, json::parse(text));
  grid::LeaseAnswer answer;
  Reader r(value, "lease");
  std::uint32_t lacking = 0;
  r.get("granted", answer.granted).get("lacking", lacking);
  bound(r, "lacking", lacking, 0, grid::kQuotas - 1);
  read(r, "spare", answer.spare);
  read(r, "free", answer.free);
  read(r, "reset_ms", answer.reset_ms);
  read_ms(r, "ttl_ms", answer.ttl_ms);
  read_ms(r, "retry_ms", answer.retry_ms);
  AIGRID_CHECK_OK(r.result());
  answer.lacking = static_cast<grid::Quota>(lacking);
  return answer;
}

std::string encode(const grid::LeaseState& state, std::int64_t written_ms) {
  Json window = Json::array();
  for (const auto& u : state.window) {
    window.push_back({{"age_ms", u.age_ms}, {"requests", u.requests}, {"tokens", u.tokens}});
  }
  Json held = Json::array();
  for (const auto& h : state.held) {
    held.push_back({{"holder", h.holder},
                    {"epoch", h.epoch},
                    {"used", amounts(h.used)},
                    {"held", amounts(h.held)},
                    {"written_off", amounts(h.written_off)},
                    {"left_ms", h.left_ms}});
  }
  return json::dump({{"scope", state.scope},
                     {"version", state.version},
                     {"window", window},
                     {"held", held},
                     {"day", state.day},
                     {"day_spent", state.day_spent},
                     {"month", state.month},
                     {"month_spent", state.month_spent},
                     {"written_ms", written_ms}});
}

Result<HeldLeases> decode_lease_state(std::string_view text) {
  AIGRID_TRY(const Json value, json::parse(text));
  HeldLeases out;
  auto& state = out.state;
  Reader r(value, "leases");
  r.get("scope", state.scope).get("version", state.version).get("written_ms", out.written_ms);
  read_window(r, state.window);
  read_held(r, state.held);
  r.get("day", state.day).get("day_spent", state.day_spent);
  r.get("month", state.month).get("month_spent", state.month_spent);
  bound(r, "day_spent", state.day_spent, 0, kMost);
  bound(r, "month_spent", state.month_spent, 0, kMost);
  AIGRID_CHECK_OK(r.result());
  if (state.scope.empty()) return invalid("leases: the scope is missing");
  return out;
}

}  // namespace aigrid::inner
