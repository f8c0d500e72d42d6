#include "core/ledger/rating.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/ledger/terms.h"

namespace aigrid::ledger {

namespace {

constexpr std::array<std::string_view, 8> kBuckets = {"billed",         "retry",       "hedge_loser", "resume_prefill",
                                                      "platform_error", "cancel_tail", "policy_cut",  "free_tier"};
constexpr std::array<std::string_view, 3> kBearers = {"tenant", "seller", "site"};
constexpr auto kMost = std::numeric_limits<std::int64_t>::max();

std::int64_t saturated(__int128 amount) {
  if (amount < 0) return 0;  // no price is negative; a record that says so is not paid out
  return amount > kMost ? kMost : static_cast<std::int64_t>(amount);
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

  // The last one that came to its end; a later one may have been asked in vain, to move the answer. Else the last.
  std::size_t answering_line() const {
    for (std::size_t i = attempts_.size(); i > 0; --i) {
      if (attempts_[i - 1].result == "ok") return i - 1;
    }
    return attempts_.size() - 1;
  }

  // That one, and those whose delivered tokens a later one went on from, whoever refused in between.
  bool served(std::size_t i) const {
    if (i == answering_line()) return true;
    const auto later = attempts_.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    return attempts_[i].heard_tokens > 0 &&
           std::any_of(later, attempts_.end(), [](const auto& a) { return a.resumes; });
  }

  void failed(const grid::AttemptRecord& a) {
    if (record_.code == "policy_cut") return whole(a, Bucket::PolicyCut, Bearer::Seller);
    const bool own_fault = record_.outcome == grid::Outcome::Failed;
    whole(a, Bucket::PlatformError, own_fault ? Bearer::Site : Bearer::Seller);
  }

  void answering(const grid::AttemptRecord& a, bool last) {
    prompt(a);
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
    if (record_.terms.prompt_most != 0 && own > record_.terms.prompt_most) {
      suspect("attempt " + std::to_string(a.number) + " at " + a.node + " counted " + std::to_string(own) +
              " prompt tokens, of a body that has at most " + std::to_string(record_.terms.prompt_most));
      line(a, Bucket::PlatformError, Bearer::Site, own - record_.terms.prompt_most, 0);
      own = record_.terms.prompt_most;
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
