#include "core/ledger/rating.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "core/ledger/terms.h"

namespace aigrid::ledger {

namespace {

constexpr std::array<std::string_view, 9> kBuckets = {"billed",         "retry",          "hedge_loser",
                                                      "resume_prefill", "platform_error", "cancel_tail",
                                                      "policy_cut",     "free_tier",      "probe"};
constexpr std::array<std::string_view, 3> kBearers = {"tenant", "seller", "site"};
constexpr auto kMost = std::numeric_limits<std::int64_t>::max();

std::int64_t saturated(__int128 amount) {
  if (amount < 0) return 0;  // no price is negative; a record that says so is not paid out
  return amount > kMost ? kMost : static_cast<std::int64_t>(amount);
}

std::uint64_t saturated_tokens(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max() : a + b;
}

class Rater {
 public:
  explicit Rater(const grid::Record& record) : record_(record), attempts_(record.attempts) {
    std::sort(attempts_.begin(), attempts_.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    charge_.id = record.request_id;
  }

  Charge run() {
    const bool answered = record_.outcome == grid::Outcome::Finished || record_.outcome == grid::Outcome::ClientGone;
    for (std::size_t i = 0; i < attempts_.size(); ++i) {
      if (!answered) {
        failed(attempts_[i]);
      } else if (served(i)) {
        answering(attempts_[i], i == answering_line());
      } else {
        const bool hedge = attempts_[i].hedge;
        whole(attempts_[i], hedge ? Bucket::HedgeLoser : Bucket::Retry, hedge ? Bearer::Seller : Bearer::Site);
      }
    }
    return std::move(charge_);
  }

 private:
  // What the node made, as far as anybody knows: an attempt that was lost cannot say, but what came from it was made.
  static std::uint64_t made(const grid::AttemptRecord& a) {
    return std::max(a.usage.completion_tokens, a.heard_tokens);
  }

  template <class Rule>
  std::optional<std::size_t> last(Rule rule) const {
    const auto it = std::find_if(attempts_.rbegin(), attempts_.rend(), rule);
    if (it == attempts_.rend()) return std::nullopt;
    return static_cast<std::size_t>(attempts_.rend() - it) - 1;
  }

  // The last one that came to its end; a later one may have been asked in vain, to move the answer. Where none did, the
  // last that anything was heard of; else the last.
  std::size_t answering_line() const {
    if (const auto ended = last([](const auto& a) { return a.result == "ok"; })) return *ended;
    if (const auto heard = last([](const auto& a) { return a.heard_tokens > 0 && !a.hedge; })) return *heard;
    return attempts_.size() - 1;
  }

  // That one, and those whose delivered tokens a later one went on from, whoever refused in between.
  bool served(std::size_t i) const {
    if (i == answering_line()) return true;
    const auto later = attempts_.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    return !attempts_[i].hedge && attempts_[i].heard_tokens > 0 &&
           std::any_of(later, attempts_.end(), [](const auto& a) { return a.resumes; });
  }

  void failed(const grid::AttemptRecord& a) {
    if (record_.code == "policy_cut") return whole(a, Bucket::PolicyCut, Bearer::Seller);
    // Work that no request claims is written down under the name of its bucket (core/ledger/node_work.h).
    for (const Bucket why : {Bucket::Probe, Bucket::CancelTail, Bucket::Retry}) {
      if (record_.code == to_string(why)) return whole(a, why, Bearer::Site);
    }
    const bool own_fault = record_.outcome == grid::Outcome::Failed;
    whole(a, Bucket::PlatformError, own_fault ? Bearer::Site : Bearer::Seller);
  }

  void answering(const grid::AttemptRecord& a, bool last) {
    prompt(a);
    delivered_ = saturated_tokens(delivered_, a.heard_tokens);
    const std::uint64_t all = made(a);
    std::uint64_t paid = std::min(all, a.heard_tokens);
    const bool finished = last && record_.outcome == grid::Outcome::Finished;
    if (finished && all <= a.heard_tokens + count_slack(a.heard_tokens)) paid = all;
    if (finished && paid < all) {
      suspect("attempt " + std::to_string(a.number) + " at " + a.node + " counted " + std::to_string(all) +
              " completion tokens, the ingress got " + std::to_string(a.heard_tokens));
    }
    bill(a, 0, paid);
    line(a, finished ? Bucket::PlatformError : last ? Bucket::CancelTail : Bucket::Retry, Bearer::Site, 0, all - paid);
  }

  // Billed once, with the first attempt that served.
  void prompt(const grid::AttemptRecord& a) {
    std::uint64_t own = a.usage.prompt_tokens;
    // Where an answer goes on, what was delivered before is read again.
    const std::uint64_t most = saturated_tokens(record_.terms.prompt_most, a.resumes ? delivered_ : 0);
    if (record_.terms.prompt_most != 0 && own > most) {
      suspect("attempt " + std::to_string(a.number) + " at " + a.node + " counted " + std::to_string(own) +
              " prompt tokens, of a body and an answer so far that have at most " + std::to_string(most));
      line(a, Bucket::PlatformError, Bearer::Site, own - most, 0);
      own = most;
    }
    const std::uint64_t due = a.resumes && prompt_billed_ > 0 ? 0 : own;
    prompt_billed_ += due;
    bill(a, due, 0);
    line(a, Bucket::ResumePrefill, Bearer::Seller, own - due, 0);
  }

  void bill(const grid::AttemptRecord& a, std::uint64_t prompt, std::uint64_t completion) {
    const bool free = record_.terms.price_book.empty();
    line(a, free ? Bucket::FreeTier : Bucket::Billed, free ? Bearer::Seller : Bearer::Tenant, prompt, completion);
  }

  void whole(const grid::AttemptRecord& a, Bucket bucket, Bearer bearer) {
    line(a, bucket, bearer, a.usage.prompt_tokens, made(a));
  }

  void line(const grid::AttemptRecord& a, Bucket bucket, Bearer bearer, std::uint64_t prompt,
            std::uint64_t completion) {
    if (prompt == 0 && completion == 0) return;
    const auto before = std::find_if(charge_.lines.begin(), charge_.lines.end(), [&](const ChargeLine& l) {
      return l.attempt == a.number && l.bucket == bucket && l.bearer == bearer;
    });
    ChargeLine& l = before != charge_.lines.end() ? *before : charge_.lines.emplace_back();
    l.attempt = a.number;
    l.bucket = bucket;
    l.bearer = bearer;
    l.prompt_tokens += prompt;
    l.completion_tokens += completion;
    const std::int64_t cost = price_nano(prompt, a.cost_nano, completion, a.cost_nano);
    l.cost_nano = saturating_add(l.cost_nano, cost);
    charge_.cost_nano = saturating_add(charge_.cost_nano, cost);
    if (bucket != Bucket::Billed) return;
    const auto& terms = record_.terms;
    const std::int64_t price = price_nano(prompt, terms.input_nano, completion, terms.output_nano);
    l.price_nano = saturating_add(l.price_nano, price);
    charge_.price_nano = saturating_add(charge_.price_nano, price);
  }

  void suspect(const std::string& why) { charge_.suspect += (charge_.suspect.empty() ? "" : "; ") + why; }

  const grid::Record& record_;
  std::vector<grid::AttemptRecord> attempts_;
  Charge charge_;
  std::uint64_t prompt_billed_ = 0;
  std::uint64_t delivered_ = 0;  // completion tokens heard of the attempts that served before
};

}  // namespace

std::string_view to_string(Bucket bucket) { return kBuckets.at(static_cast<std::size_t>(bucket)); }
std::string_view to_string(Bearer bearer) { return kBearers.at(static_cast<std::size_t>(bearer)); }

grid::Record bounded(grid::Record record) {
  const auto cut = [](grid::Usage& u) {
    for (auto* count : {&u.prompt_tokens, &u.completion_tokens, &u.cached_tokens})
      *count = std::min(*count, kMostTokens);
  };
  cut(record.usage);
  for (auto& a : record.attempts) {
    cut(a.usage);
    a.heard_tokens = std::min(a.heard_tokens, kMostTokens);
  }
  return record;
}

std::int64_t price_nano(std::uint64_t prompt, std::int64_t input_nano, std::uint64_t completion,
                        std::int64_t output_nano) {
  return saturated(static_cast<__int128>(prompt) * input_nano + static_cast<__int128>(completion) * output_nano);
}

std::int64_t saturating_add(std::int64_t a, std::int64_t b) { return saturated(static_cast<__int128>(a) + b); }

Charge rate(const grid::Record& record) { return Rater(record).run(); }

}  // namespace aigrid::ledger
