#include "app/gateway/lease_home.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/crypto/encode.h"
#include "base/crypto/hash.h"
#include "format/inner/leases.h"

namespace aigrid::gateway {

namespace {

constexpr std::size_t kMostBody = std::size_t{1} << 20U;

io::Task<Result<std::string>> read_small(io::H2Stream& stream) {
  std::string body;
  for (;;) {
    auto bytes = co_await stream.read();
    if (!bytes.ok()) co_return std::move(bytes).error();
    if (bytes->empty()) co_return body;
    stream.consume(bytes->size());
    body += *bytes;
    if (body.size() > kMostBody) co_return invalid("a question about leases fits in 1 MiB");
  }
}

}  // namespace

io::Task<Result<std::string>> ask_gateway(io::Env& env, Peers& peers, std::string gateway, std::string path,
                                          std::string body, Duration within) {
  auto opened = peers.open_to(gateway, std::move(path));
  if (!opened.ok()) co_return std::move(opened).error();
  const std::shared_ptr<io::H2Stream> stream = *opened;
  auto late = env.timer([stream] { stream->reset(); });
  late->arm(env.now() + within);
  auto sent = co_await stream->write(body);
  if (!sent.ok()) co_return std::move(sent).error();
  AIGRID_CO_CHECK_OK(stream->end());
  auto head = co_await stream->head();
  if (!head.ok()) co_return std::move(head).error();
  auto answer = co_await read_small(*stream);
  if (!answer.ok()) co_return std::move(answer).error();
  if (head->status != 200) co_return unavailable("gateway " + gateway + ": " + *answer);
  co_return std::move(*answer);
}

LeaseHome::LeaseHome(io::Env& env, const Board& board, Peers& peers, std::string folder,
                     const admission::LeaseTimes& times)
    : env_(env), board_(board), peers_(peers), homes_(board, peers), folder_(std::move(folder)), times_(times) {}

Result<void> LeaseHome::open() {
  AIGRID_CHECK_OK(env_.files().make_folders(folder_));
  AIGRID_TRY(const auto names, env_.files().list(folder_));
  for (const auto& name : names) {
    auto text = env_.files().read_all(folder_ + "/" + name);
    auto held = text.ok() ? inner::decode_lease_state(*text) : Result<inner::HeldLeases>(text.error());
    if (!held.ok()) {
      env_.log().fail("lease_book_unreadable", {{"file", name}, {"why", held.error().message}});
      continue;
    }
    const auto older = std::chrono::milliseconds(std::max<std::int64_t>(0, unix_ms(env_.wall()) - held->written_ms));
    shelf(held->state.scope).book.load(held->state, older, env_.now());
  }
  return {};
}

LeaseHome::Shelf& LeaseHome::shelf(const std::string& scope) {
  auto& at = shelves_[scope];
  if (!at) at = std::make_unique<Shelf>(env_.executor(), times_);
  return *at;
}

std::string LeaseHome::path_of(const std::string& scope) const {
  return folder_ + "/" + crypto::hex(crypto::view(crypto::sha256(scope))).substr(0, 32);
}

io::Task<Result<grid::LeaseAnswer>> LeaseHome::act(grid::LeaseAsk ask) {
  Shelf& at = shelf(ask.scope);
  io::Turns::Turn turn(at.turns);
  co_await turn.mine();
  const auto homes = homes_.of(ask.scope, ask.tenant);
  if (homes.home != board_.gateway()) {
    // What was lent here while it could not be reached, it must know.
    if (std::exchange(at.acting, false)) co_await keep(at, ask.scope, homes.home);
    co_return unavailable("the home of " + ask.scope + " is " + homes.home);
  }
  if (!at.acting) co_await begin_acting(at, ask.scope);
  const grid::LeaseAnswer answer = at.book.on_ask(ask, env_.now(), env_.wall());
  const bool lent = answer.granted && ask.want != grid::Amounts{};
  if (lent || homes.successor != at.kept_with) co_await keep(at, ask.scope, homes.successor);
  co_return answer;
}

io::Task<void> LeaseHome::begin_acting(Shelf& at, std::string scope) {
  std::vector<std::string> others;
  for (const auto& g : board_.tables().gateways) {
    if (g.name != board_.gateway() && peers_.reaches(g.name)) others.push_back(g.name);
  }
  for (const auto& gateway : others) {
    auto copy = co_await ask_gateway(env_, peers_, gateway, "/inner/lease/read", scope, times_.copy_within);
    if (!copy.ok() || copy->empty()) continue;
    auto held = inner::decode_lease_state(*copy);
    if (held.ok() && held->state.scope == scope && held->state.version > at.book.version()) {
      at.book.load(held->state, Duration{}, env_.now());
    }
  }
  at.book.begin_term(env_.now());
  at.acting = true;
}

io::Task<void> LeaseHome::keep(Shelf& at, std::string scope, std::string successor) {
  const std::string text = inner::encode(at.book.state(scope, env_.now()), unix_ms(env_.wall()));
  Result<void> saved;
  std::function<void()> write = [this, &saved, &text, path = path_of(scope)] {
    saved = env_.files().replace(path, text);
  };
  co_await env_.blocking(std::move(write));
  if (!saved.ok()) env_.log().fail("lease_book_not_written", {{"scope", scope}, {"why", saved.error().message}});
  at.kept_with = successor;
  if (successor.empty()) co_return;
  auto copied = co_await ask_gateway(env_, peers_, successor, "/inner/lease/copy", text, times_.copy_within);
  if (!copied.ok()) env_.log().warn("lease_book_not_copied", {{"to", successor}, {"why", copied.error().message}});
}

Result<std::string> LeaseHome::take_copy(std::string_view text) {
  AIGRID_TRY(const auto held, inner::decode_lease_state(text));
  Shelf& at = shelf(held.state.scope);
  if (held.state.version <= at.book.version()) return std::string("{}");
  at.book.load(held.state, Duration{}, env_.now());
  at.acting = false;
  return std::string("{}");
}

io::Task<Result<LeaseHome::Answer>> LeaseHome::answer(std::string path, std::string body) {
  constexpr int kBad = 400;
  constexpr int kElsewhere = 409;
  if (!board_.loaded()) co_return Answer(503, "this gateway has no configuration yet");
  if (path == "/inner/lease/copy") {
    auto taken = take_copy(body);
    if (!taken.ok()) co_return Answer(kBad, taken.error().message);
    co_return Answer(200, *taken);
  }
  if (path == "/inner/lease/read") {
    const auto found = shelves_.find(body);
    if (found == shelves_.end() || found->second->book.version() == 0) co_return Answer(200, std::string());
    co_return Answer(200, inner::encode(found->second->book.state(body, env_.now()), unix_ms(env_.wall())));
  }
  auto ask = inner::decode_lease_ask(body);
  if (!ask.ok()) co_return Answer(kBad, ask.error().message);
  auto answer = co_await act(std::move(*ask));
  if (!answer.ok()) co_return Answer(kElsewhere, answer.error().message);
  co_return Answer(200, inner::encode(*answer));
}

}  // namespace aigrid::gateway
