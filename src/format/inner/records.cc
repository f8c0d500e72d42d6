#include "format/inner/records.h"

#include <algorithm>
#include <array>

#include "format/json/json.h"

namespace aigrid::inner {

namespace {

using json::Json;
using json::Reader;

constexpr std::array<std::string_view, 6> kOutcomes = {"finished", "client_gone", "refused",
                                                       "failed",   "timed_out",   "ingress_lost"};

Json write(const grid::Usage& u) {
  return Json{{"prompt_tokens", u.prompt_tokens},
              {"completion_tokens", u.completion_tokens},
              {"cached_tokens", u.cached_tokens}};
}

void read(Reader& from, grid::Usage& u) {
  const Json* v = from.object("usage");
  if (v == nullptr) return;
  Reader r(*v, "usage");
  r.get("prompt_tokens", u.prompt_tokens).get("completion_tokens", u.completion_tokens);
  r.get("cached_tokens", u.cached_tokens);
  from.adopt(r.result());
}

void read_outcome(Reader& from, grid::Outcome& out) {
  std::string word;
  from.get("outcome", word);
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    if (kOutcomes[i] == word) {
      out = static_cast<grid::Outcome>(i);
      return;
    }
  }
  const Json got(word);
  from.fail("outcome", "finished, client_gone, refused, failed, timed_out or ingress_lost", &got);
}

template <class A, class V>
void attempt_members(A& a, V v) {
  v("number", a.number);
  v("site", a.site);
  v("node", a.node);
  v("result", a.result);
  v("heard_tokens", a.heard_tokens);
  v("hedge", a.hedge);
  v("resumes", a.resumes);
  v("operator", a.operator_name);
  v("cost_nano", a.cost_nano);
  v("margin_ppm", a.margin_ppm);
}

template <class T, class V>
void term_members(T& t, V v) {
  v("price_book", t.price_book);
  v("currency", t.currency);
  v("input_nano", t.input_nano);
  v("output_nano", t.output_nano);
  v("operator", t.operator_name);
  v("prompt_most", t.prompt_most);
}

template <class A, class V>
void asked_members(A& a, V v) {
  v("zones", a.zones);
  v("data_level", a.data_level);
  v("regimes", a.regimes);
  v("only", a.only_sites);
  v("ignore", a.ignore_sites);
}

// Left out where it says nothing.
template <class T>
bool blank(const T& value) {
  return value == T{};
}

void read_terms(Reader& from, grid::Terms& t) {
  const Json* v = from.object("terms");
  if (v == nullptr) return;
  Reader r(*v, "terms");
  term_members(t, [&r](const char* name, auto& member) { r.get(name, member); });
  from.adopt(r.result());
}

void read_asked(Reader& from, grid::Asked& asked) {
  const Json* v = from.object("asked");
  if (v == nullptr) return;
  Reader r(*v, "asked");
  asked_members(asked, [&r](const char* name, auto& member) { r.get(name, member); });
  from.adopt(r.result());
}

void read_attempts(Reader& from, std::vector<grid::AttemptRecord>& out) {
  const Json* list = from.list("attempts");
  if (list == nullptr) return;
  for (const Json& item : *list) {
    grid::AttemptRecord a;
    Reader r(item, "attempts");
    attempt_members(a, [&r](const char* name, auto& member) { r.get(name, member); });
    read(r, a.usage);
    from.adopt(r.result());
    out.push_back(std::move(a));
  }
}

Result<void> money_not_negative(const grid::Record& r) {
  std::int64_t least = std::min({r.charge_nano, r.terms.input_nano, r.terms.output_nano});
  for (const auto& a : r.attempts) least = std::min({least, a.cost_nano, a.margin_ppm});
  if (least < 0) return invalid("record: an amount is " + std::to_string(least) + "; money is 0 or more");
  return {};
}

// Written and read in this one place; `v` is called with every plain member.
template <class R, class V>
void members(R& r, V v) {
  v("source", r.source);
  v("epoch", r.epoch);
  v("sequence", r.sequence);
  v("request_id", r.request_id);
  v("tenant", r.tenant);
  v("project", r.project);
  v("key_id", r.key_id);
  v("model", r.model);
  v("endpoint", r.endpoint);
  v("tier", r.tier);
  v("site", r.site);
  v("node", r.node);
  v("code", r.code);
  v("status", r.status);
  v("charge_nano", r.charge_nano);
  v("received_unix_ms", r.received_unix_ms);
  v("ttft_us", r.ttft_us);
  v("total_us", r.total_us);
  v("bundle_version", r.bundle_version);
}

template <class R, class V>
void agent_members(R& r, V v) {
  v("source", r.source);
  v("epoch", r.epoch);
  v("sequence", r.sequence);
  v("request_id", r.request_id);
  v("attempt", r.attempt);
  v("tenant", r.tenant);
  v("project", r.project);
  v("key_id", r.key_id);
  v("model", r.model);
  v("endpoint", r.endpoint);
  v("deployment", r.deployment);
  v("site", r.site);
  v("finish", r.finish);
  v("estimated", r.estimated);
  v("resume_count", r.resume_count);
  v("ended_unix_ms", r.ended_unix_ms);
  v("wall_us", r.wall_us);
}

}  // namespace

std::string_view to_string(grid::Outcome outcome) { return kOutcomes.at(static_cast<std::size_t>(outcome)); }

std::string encode(const grid::Record& record) {
  Json out = Json::object();
  members(record, [&out](const char* name, const auto& value) { out[name] = value; });
  out["outcome"] = to_string(record.outcome);
  out["usage"] = write(record.usage);
  Json& terms = out["terms"] = Json::object();
  term_members(record.terms, [&terms](const char* name, const auto& value) {
    if (!blank(value)) terms[name] = value;
  });
  Json asked = Json::object();
  asked_members(record.asked, [&asked](const char* name, const auto& value) {
    if (!blank(value)) asked[name] = value;
  });
  if (!asked.empty()) out["asked"] = std::move(asked);
  Json attempts = Json::array();
  for (const auto& a : record.attempts) {
    Json& one = attempts.emplace_back(Json{{"usage", write(a.usage)}});
    attempt_members(a, [&one](const char* name, const auto& value) {
      if (!blank(value)) one[name] = value;
    });
  }
  out["attempts"] = std::move(attempts);
  return json::dump(out) + "\n";
}

Result<grid::Record> decode_record(std::string_view line) {
  AIGRID_TRY(const Json value, json::parse(line));
  grid::Record record;
  Reader r(value, "record");
  members(record, [&r](const char* name, auto& member) { r.get(name, member); });
  read_outcome(r, record.outcome);
  read(r, record.usage);
  read_terms(r, record.terms);
  read_asked(r, record.asked);
  read_attempts(r, record.attempts);
  AIGRID_CHECK_OK(r.result());
  AIGRID_CHECK_OK(money_not_negative(record));
  if (record.source.empty() || record.epoch == 0) {
    return invalid("record: source and epoch are missing; a record is known by (source, epoch, sequence)");
  }
  return record;
}

std::string encode(const grid::AgentRecord& record) {
  Json out = Json::object();
  out["kind"] = "attempt";
  agent_members(record, [&out](const char* name, const auto& value) { out[name] = value; });
  out["usage"] = write(record.usage);
  return json::dump(out) + "\n";
}

Result<grid::AgentRecord> decode_agent_record(std::string_view line) {
  AIGRID_TRY(const Json value, json::parse(line));
  grid::AgentRecord record;
  Reader r(value, "record");
  std::string kind;
  r.get("kind", kind);
  agent_members(record, [&r](const char* name, auto& member) { r.get(name, member); });
  read(r, record.usage);
  AIGRID_CHECK_OK(r.result());
  if (kind != "attempt") return invalid("record of kind \"" + kind + "\": an agent's is \"attempt\"");
  if (record.source.empty() || record.epoch == 0 || record.sequence == 0 || record.request_id.empty()) {
    return invalid("agent's record: source, epoch, sequence and request_id are its identity and must not be empty");
  }
  return record;
}

}  // namespace aigrid::inner
