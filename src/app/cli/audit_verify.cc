// audit verify.
#include <fmt/format.h>

#include <atomic>

#include "app/audit/proof_file.h"
#include "app/cli/access.h"
#include "app/cli/audit.h"
#include "format/json/json.h"

namespace aigrid::cli {

using nlohmann::json;

namespace {

// `--key` takes a verifier key, or a file with one a line.
Result<std::vector<std::string>> keys_of(io::Env& env, const std::vector<std::string>& given) {
  std::vector<std::string> out;
  for (const auto& one : given) {
    if (audit::parse_key(one).ok()) {
      out.push_back(one);
      continue;
    }
    auto text = env.files().read_all(one);
    if (!text.ok()) return invalid("\"" + one + "\" is neither a verifier key (name+hash+base64) nor a file with some");
    for (std::size_t at = 0; at < text->size();) {
      const std::size_t end = std::min(text->find('\n', at), text->size());
      const std::string line = text->substr(at, end - at);
      at = end + 1;
      if (line.empty()) continue;
      AIGRID_TRY([[maybe_unused]] const auto key, audit::parse_key(line));
      out.push_back(line);
    }
  }
  return out;
}

// The parts of a batch are judged side by side.
io::Task<Result<audit::FolderVerdict>> judged(io::Env& env, const audit::ReadFile& read,
                                              const audit::VerifyOptions& options, std::size_t threads) {
  AIGRID_CO_TRY(const auto judge, audit::FolderJudge::open(read, options));
  audit::FolderJudge::Batch batch;
  while (judge->load(batch)) {
    std::atomic<std::size_t> next = 0;
    io::TaskGroup lookers(env.executor());
    for (std::size_t i = 0; i < threads; ++i) {
      std::function<void()> look = [&judge, &batch, &next] {
        for (std::size_t part = next++; part < batch.parts.size(); part = next++) judge->look(batch, part);
      };
      lookers.spawn(env.blocking(std::move(look)));
    }
    co_await lookers.join();
    judge->take(batch);
  }
  co_return judge->finish();
}

int tell_proof(Writer& writer, const AuditVerifyOptions& options, const grid::RequestLeaf& request,
               const audit::ProofFile& file) {
  if (options.json) {
    writer.out(pretty({{"ok", true},
                       {"receipt", file.receipt},
                       {"request", json::parse(audit::show_request(request, file.receipt))}}));
    return 0;
  }
  writer.out(fmt::format("✓ {}: leaf {} of {}, signed by {}\n", file.receipt, file.index, file.size, file.key));
  writer.note("what it says: " + audit::show_request(request, file.receipt));
  return 0;
}

Result<void> check_opened(io::Env& env, const grid::AuditLeaf& leaf, const std::string& path, std::string_view hash,
                          const char* what) {
  if (path.empty()) return {};
  AIGRID_TRY(const std::string bytes, env.files().read_all(path));
  if (audit::opens(leaf, hash, bytes)) return {};
  return Error{Code::PermissionDenied, Origin::Upstream, Retry::Never,
               path + " is not the " + what + " that the leaf was made of"};
}

int verify_proof(io::Env& env, Writer& writer, const AuditVerifyOptions& options, std::string_view text,
                 const std::vector<std::string>& keys) {
  const auto file = audit::decode_proof_file(text);
  if (!file.ok()) return fail(writer, file.error());
  const auto leaf = audit::check(*file, keys);
  if (!leaf.ok()) return fail(writer, leaf.error());
  const auto* request = std::get_if<grid::RequestLeaf>(&leaf->body);
  if (request == nullptr) return fail(writer, invalid("the leaf is none of a request"));
  for (const auto& opened : {check_opened(env, *leaf, options.request, request->request_hash, "request"),
                             check_opened(env, *leaf, options.answer, request->answer_hash, "answer")}) {
    if (!opened.ok()) return fail(writer, opened.error());
  }
  return tell_proof(writer, options, *request, *file);
}

}  // namespace

std::string verdict_text(const audit::FolderVerdict& verdict) {
  std::string out;
  for (const auto& problem : verdict.problems) out += "✗ " + problem + "\n";
  for (const auto& log : verdict.logs) {
    const auto& v = log.verdict;
    out +=
        fmt::format("{} {}: {} leaves, {} requests, {} checkpoints, charged {} nano",
                    v.found + v.unjudged == 0 ? "✓" : "✗", log.log, v.leaves, v.requests, v.checkpoints, v.charge_nano);
    if (v.distances != 0) out += fmt::format(", {} distances", v.distances);
    if (v.withheld != 0) out += fmt::format(", {} withheld from you", v.withheld);
    if (v.conflicts != 0) out += fmt::format(", {} conflicts", v.conflicts);
    if (v.unjudged != 0) out += fmt::format(", {} not judged: their bundle is not here", v.unjudged);
    out += "\n";
    for (const auto& f : v.findings) {
      const std::string where = f.index == f.last ? std::to_string(f.index) : fmt::format("{} to {}", f.index, f.last);
      out += fmt::format("✗ {} leaf {}: {}\n", log.log, where, f.what);
    }
    for (const auto& d : v.doubts) out += fmt::format("! {} leaf {}: {}\n", log.log, d.index, d.what);
    if (v.found > v.findings.size()) out += fmt::format("  and {} more\n", v.found - v.findings.size());
  }
  return out;
}

json verdict_json(const audit::FolderVerdict& verdict) {
  json logs = json::array();
  for (const auto& log : verdict.logs) {
    const auto& v = log.verdict;
    json findings = json::array();
    json doubts = json::array();
    for (const auto& d : v.doubts) doubts.push_back({{"index", d.index}, {"what", d.what}});
    for (const auto& f : v.findings) findings.push_back({{"index", f.index}, {"last", f.last}, {"what", f.what}});
    logs.push_back({{"log", log.log},
                    {"key", log.key},
                    {"size", v.size},
                    {"leaves", v.leaves},
                    {"requests", v.requests},
                    {"withheld", v.withheld},
                    {"unjudged", v.unjudged},
                    {"conflicts", v.conflicts},
                    {"checkpoints", v.checkpoints},
                    {"charge_nano", v.charge_nano},
                    {"first_unix_ms", v.first_unix_ms},
                    {"last_unix_ms", v.last_unix_ms},
                    {"distances", v.distances},
                    {"doubts", std::move(doubts)},
                    {"found", v.found},
                    {"findings", std::move(findings)}});
  }
  return {
      {"ok", verdict.ok()}, {"problems", verdict.problems}, {"bundles", verdict.bundles}, {"logs", std::move(logs)}};
}

io::Task<int> run_audit_verify(io::Env& env, Writer& writer, AuditVerifyOptions options) {
  const auto keys = keys_of(env, options.keys);
  if (!keys.ok()) co_return fail(writer, keys.error());
  const auto stat = env.files().stat(options.path);
  if (!stat.ok()) co_return fail(writer, stat.error());
  if (!stat->directory) {
    const auto text = env.files().read_all(options.path);
    if (!text.ok()) co_return fail(writer, text.error());
    co_return verify_proof(env, writer, options, *text, *keys);
  }
  audit::VerifyOptions trusted;
  trusted.keys = *keys;
  for (const auto& path : options.checkpoints) {
    auto note = env.files().read_all(path);
    if (!note.ok()) co_return fail(writer, note.error());
    trusted.checkpoints.push_back(std::move(*note));
  }
  const audit::ReadFile read = [&env, folder = options.path](const std::string& path) {
    return env.files().read_all(folder + "/" + path);
  };
  auto verdict = co_await judged(env, read, trusted, options.threads);
  if (!verdict.ok()) co_return fail(writer, verdict.error());
  writer.out(options.json ? pretty(verdict_json(*verdict)) : verdict_text(*verdict));
  if (keys->empty()) {
    writer.note("the folder's own keys were taken at their word: give those you trust with --key");
  }
  co_return verdict->ok() ? 0 : 1;
}

}  // namespace aigrid::cli
