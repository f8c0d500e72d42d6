// What the audit log costs.
//   audit_bench folder COUNT PATH   writes an exported log of so many lawful requests, for `aigrid audit verify`
//   audit_bench cost COUNT PATH     CPU time, by all threads, of what a gateway does for one request's leaf, receipt
//   and
//                                   grant; PATH: a folder to be made, for its spool and its database
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "app/audit/log.h"
#include "app/audit/test_folder.h"
#include "format/inner/grant.h"
#include "io/env/epoll_env.h"
#include "io/store/spool.h"

namespace {

using namespace aigrid;

int write_folder(io::Env& env, std::uint64_t count, const std::string& folder) {
  for (const auto& [path, bytes] : audit::test::folder_of(audit::test::leaves(count, 1), 100'000)) {
    const std::string whole = folder + "/" + path;
    if (!env.files().make_folders(whole.substr(0, whole.rfind('/')), 0755).ok()) return 1;
    const auto file = env.files().open(whole, io::OpenMode::Create);
    if (!file.ok() || !(*file)->append(bytes).ok()) return 1;
  }
  return 0;
}

double cpu_us() { return 1e6 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Prints what one of `count` runs of `body` costs.
template <class Body>
double told(const char* what, std::uint64_t count, Body body) {
  const double begin = cpu_us();
  for (std::uint64_t i = 0; i < count; ++i) body(i);
  const double each = (cpu_us() - begin) / static_cast<double>(count);
  std::printf("%-60s %7.2f us\n", what, each);
  return each;
}

inner::Ask ask() {
  inner::Ask out;
  out.request_id = "req_paris_1767225600_12";
  out.attempt = 1;
  out.tenant = out.project = "mairie";
  out.key_id = "0011223344556677";
  out.model = out.deployment = "smol";
  out.site = "paris";
  out.zones = {"fr"};
  return out;
}

struct Sum {
  double us = 0;
  std::size_t wrong = 0;
};

void in_memory(io::Env& env, std::uint64_t count, const std::vector<std::string>& leaves, Sum& sum) {
  const std::string body(2'000, 'b');
  sum.us += told("salt, hashes of a request of 2 kB and an answer of 40 pieces", count, [&](std::uint64_t) {
    std::string salt(audit::kSaltBytes, '\0');
    env.entropy(salt);
    const auto request = crypto::Hasher().add(salt).add(body).finish();
    crypto::Hasher answer;
    answer.add(salt);
    for (int i = 0; i < 40; ++i) answer.add(std::string_view(body).substr(0, 180));
    if (request == answer.finish()) ++sum.wrong;
  });
  std::vector<grid::AuditLeaf> decoded;
  for (const auto& leaf : leaves) decoded.push_back(*audit::decode_leaf(leaf));
  sum.us += told("a leaf made, encoded and hashed; its receipt", count, [&](std::uint64_t i) {
    grid::AuditLeaf leaf = decoded[i % decoded.size()];
    const auto bytes = audit::encode(leaf);
    const auto receipt = audit::format_receipt({"FR.g0", leaf.source, leaf.epoch, leaf.sequence});
    if (!bytes.ok() || audit::leaf_hash(*bytes) == crypto::Digest{} || receipt.empty()) ++sum.wrong;
  });
  const std::string key(32, 'k');
  sum.us += told("a grant issued, and opened at the other end", count, [&](std::uint64_t i) {
    inner::Ask one = ask();
    one.grant = inner::issue_grant(one, key, {i + 30'000, 1});
    if (!inner::open_grant(one, key).ok()) ++sum.wrong;
  });
}

io::Task<int> cost(io::Env& env, std::uint64_t count, std::string folder) {
  const auto leaves = audit::test::leaves(count, 1);
  Sum sum;
  in_memory(env, count, leaves, sum);
  if (!env.files().make_folders(folder).ok()) co_return 1;
  auto spool = io::Spool::open(env, folder + "/spool");
  auto database = io::Database::open(env.files(), folder + "/log.db", 1, env.wall());
  if (!spool.ok() || !database.ok()) co_return 1;
  double begin = cpu_us();
  constexpr std::uint64_t kGroup = 32;  // leaves that one group commit finds
  for (const auto& leaf : leaves) {
    const auto sequence = (*spool)->append(leaf);
    if (!sequence.ok()) co_return 1;
    if (*sequence % kGroup == 0) (void)co_await (*spool)->durable(*sequence);
  }
  (void)co_await (*spool)->durable((*spool)->next_sequence() - 1);
  const double spooled = (cpu_us() - begin) / static_cast<double>(count);
  std::printf("%-60s %7.2f us\n", "into the spool, and durable, 32 at a time", spooled);
  audit::Log log("europe/FR.g0", audit::test::log_key());
  if (!log.open(**database).ok()) co_return 1;
  begin = cpu_us();
  constexpr std::size_t kBatch = 1000;
  for (std::size_t at = 0; at < leaves.size(); at += kBatch) {
    auto entries = (*spool)->read(kBatch, std::size_t{4} << 20U);
    if (!entries.ok()) co_return 1;
    std::vector<std::string> batch;
    for (auto& entry : *entries) batch.push_back(std::move(entry.bytes));
    sum.wrong += log.take(**database, batch, 1).ok() && log.checkpoint(**database, 1).ok() ? 0 : 1;
    if (!entries->empty()) sum.wrong += (*spool)->ack(entries->back().sequence).ok() ? 0 : 1;
  }
  const double taken = (cpu_us() - begin) / static_cast<double>(count);
  std::printf("%-60s %7.2f us\n", "from the spool into the signed log, 1,000 at a time", taken);
  std::printf("%-60s %7.2f us\n", "all of it, a request", sum.us + spooled + taken);
  co_return sum.wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "audit_bench folder|cost COUNT PATH\n");
    return 2;
  }
  const std::string what = argv[1];
  const std::uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const std::string path = argv[3];
  return io::run_epoll({}, std::function<io::Task<int>(io::Env&)>([&](io::Env& env) -> io::Task<int> {
                         if (what == "cost") return cost(env, count, path);
                         return [](int code) -> io::Task<int> { co_return code; }(write_folder(env, count, path));
                       }));
}
