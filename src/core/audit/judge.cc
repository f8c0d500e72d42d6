#include "core/audit/judge.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/ledger/rating.h"
#include "core/policy/dates.h"

namespace aigrid::audit {

using policy::SiteSet;

Result<std::shared_ptr<const Law>> Law::compile(const grid::Inventory& inventory) {
  auto law = std::make_shared<Law>();
  for (std::int64_t second = 1;;) {
    Period period;
    AIGRID_TRY(period.residency, policy::Residency::compile(inventory, second));
    second = period.until = period.residency.good_until();
    law->periods_.push_back(std::move(period));
    if (second == policy::kNoEnd) break;
    if (law->periods_.size() > kMostPeriods) {
      return invalid("this bundle has over " + std::to_string(kMostPeriods) + " different times at which it expires");
    }
  }
  for (const auto& site : inventory.sites) law->sites_[site.name] = site;
  std::map<std::string, std::string, std::less<>> site_of;
  for (const auto& node : inventory.nodes) site_of[node.name] = node.site;
  for (const auto& deployment : inventory.deployments) {
    for (const auto& node : deployment.nodes) law->sites_of_[deployment.model].push_back(site_of[node]);
  }
  for (const auto& tenant : inventory.tenants) law->price_book_of_[tenant.name] = tenant.price_book;
  for (const auto& book : inventory.price_books) {
    for (const auto& price : book.prices) law->books_[book.name][price.model] = price;
  }
  return std::shared_ptr<const Law>(std::move(law));
}

const policy::Residency& Law::at(std::int64_t second) const {
  const auto it = std::upper_bound(periods_.begin(), periods_.end(), second,
                                   [](std::int64_t s, const Period& p) { return s < p.until; });
  return it == periods_.end() ? periods_.back().residency : it->residency;
}

const grid::Site* Law::site(std::string_view name) const {
  const auto found = sites_.find(name);
  return found == sites_.end() ? nullptr : &found->second;
}

bool Law::deployed(const policy::Residency& residency, std::string_view model, SiteSet& sites) const {
  const auto found = sites_of_.find(model);
  if (found == sites_of_.end()) return false;
  for (const auto& name : found->second) {
    if (const auto site = residency.find_site(name)) sites.insert(*site);
  }
  return true;
}

Law::Terms Law::terms(std::string_view tenant, std::string_view model) const {
  Terms out;
  const auto named = price_book_of_.find(tenant);
  if (named == price_book_of_.end()) return out;
  const auto book = books_.find(named->second);
  if (book == books_.end()) return out;
  const auto price = book->second.find(model);
  if (price == book->second.end()) return out;
  return {named->second, price->second};
}

namespace {

constexpr std::size_t kMostKnown = 1000;

// What the bundles of one leaf permit, each at a second.
class Permits {
 public:
  Permits(const grid::RequestLeaf& leaf, const std::vector<const Law*>& laws, Judge::Known& known)
      : leaf_(leaf), laws_(laws), known_(known), who_(who(leaf)) {
    subject_.tenant = leaf.tenant;
    subject_.project = leaf.project;
    subject_.model = leaf.model;
    subject_.key_zone = leaf.key_zone;
    subject_.zones = &leaf.zones;
    subject_.data_level = static_cast<std::uint32_t>(std::min<std::uint64_t>(leaf.data_level, grid::kTopDataLevel));
    subject_.regimes = &leaf.regimes;
  }

  std::int64_t second_after(std::int64_t us) const { return (leaf_.received_unix_ms + us / 1000) / 1000; }

  // One of the bundles lets the site be among `part` at that second.
  bool may(std::string_view site, SiteSet policy::Permit::* part, std::int64_t second) {
    return std::any_of(laws_.begin(), laws_.end(), [&](const Law* law) {
      const auto& residency = law->at(second);
      const auto& permit = permit_of(residency);
      const auto index = residency.find_site(site);
      return permit.ok() && index && ((*permit).*part).contains(*index);
    });
  }

  // One of the bundles leaves no site where the model is, or does not let the request in at `door`.
  bool denied(std::string_view door) {
    const std::int64_t second = second_after(0);
    return std::any_of(laws_.begin(), laws_.end(), [&](const Law* law) {
      const auto& residency = law->at(second);
      const auto& permit = permit_of(residency);
      const auto index = residency.find_site(door);
      if (!permit.ok() || !index || !permit->ingress.contains(*index)) return true;
      SiteSet sites;
      if (!law->deployed(residency, leaf_.model, sites)) return true;  // nothing to judge it by
      sites &= permit->sites;
      return sites.empty();
    });
  }

  // All that a permit depends on, but for the bundle and the time.
  static std::string who(const grid::RequestLeaf& leaf) {
    std::string out;
    const auto add = [&out](std::string_view text) {
      out.append(std::to_string(text.size())).append(":").append(text);
    };
    for (const auto* text : {&leaf.tenant, &leaf.project, &leaf.model, &leaf.key_zone}) add(*text);
    for (const auto* list : {&leaf.zones, &leaf.regimes}) {
      add(std::to_string(list->size()));
      for (const auto& text : *list) add(text);
    }
    add(std::to_string(leaf.data_level));
    return out;
  }

 private:
  const Result<policy::Permit>& permit_of(const policy::Residency& residency) {
    if (asked_ == &residency) return *answer_;
    const std::pair key(&residency, who_);
    auto found = known_.find(key);
    if (found == known_.end()) {
      if (known_.size() >= kMostKnown) known_.clear();
      found = known_.emplace(key, residency.permitted(subject_)).first;
    }
    asked_ = &residency;
    answer_ = &found->second;
    return *answer_;
  }

  const grid::RequestLeaf& leaf_;
  const std::vector<const Law*>& laws_;
  policy::Subject subject_;
  Judge::Known& known_;
  std::string who_;
  const policy::Residency* asked_ = nullptr;  // the last one
  const Result<policy::Permit>* answer_ = nullptr;
};

std::string misplaced(const grid::RequestLeaf& leaf, const std::string& what, const std::string& site) {
  return what + " of tenant " + leaf.tenant + " " + site + ", where it may not";
}

std::string judge_attempts(const grid::RequestLeaf& leaf, Permits& permits) {
  std::uint64_t number = 0;
  for (const auto& attempt : leaf.attempts) {
    if (!permits.may(attempt.site, &policy::Permit::sites, permits.second_after(attempt.asked_us))) {
      return misplaced(leaf, "attempt " + std::to_string(attempt.number), "went to " + attempt.site);
    }
    if (attempt.number <= number) return "its attempts are not in order";
    number = attempt.number;
  }
  return {};
}

// Where the data went is permitted, for each place by what it did there.
std::string judge_places(const grid::RequestLeaf& leaf, Permits& permits) {
  std::string wrong = judge_attempts(leaf, permits);
  for (const auto& step : leaf.route) {
    if (!wrong.empty()) return wrong;
    if (step.action == "process") {
      const auto asked = std::find_if(leaf.attempts.rbegin(), leaf.attempts.rend(),
                                      [&step](const auto& a) { return a.site == step.site; });
      if (asked == leaf.attempts.rend()) {
        wrong = "it was answered from " + step.site + ", where no attempt went";
      }  // and where an attempt may go, it may be answered
    } else if (step.action == "terminate" || step.action == "log") {
      if (!permits.may(step.site, &policy::Permit::ingress, permits.second_after(0))) {
        wrong = misplaced(leaf, "a request", "came in at " + step.site);
      }
    } else if (step.action == "relay") {
      if (!permits.may(step.site, &policy::Permit::relay, permits.second_after(0))) {
        wrong = misplaced(leaf, "a request", "passed through " + step.site);
      }
    } else {
      wrong = "a step \"" + step.action + "\" is none that this program can judge";
    }
  }
  return wrong;
}

std::string judge_denial(const grid::RequestLeaf& leaf, Permits& permits) {
  if (leaf.code != "data_residency_mismatch" || leaf.outcome != grid::Outcome::Refused) return {};
  const bool otherwise = std::any_of(leaf.removed.begin(), leaf.removed.end(),
                                     [](const auto& removed) { return removed.rule != "residency"; });
  const auto door =
      std::find_if(leaf.route.begin(), leaf.route.end(), [](const auto& step) { return step.action == "terminate"; });
  if (otherwise || permits.denied(door == leaf.route.end() ? std::string() : door->site)) return {};
  return "tenant " + leaf.tenant + " was denied for residency, though a site with model " + leaf.model +
         " is permitted";
}

grid::Record record_of(const grid::RequestLeaf& leaf) {
  grid::Record record;
  record.outcome = leaf.outcome;
  record.code = leaf.code;
  record.terms.price_book = leaf.price_book;
  record.terms.input_nano = leaf.input_nano;
  record.terms.output_nano = leaf.output_nano;
  record.terms.prompt_most = leaf.prompt_most;
  record.attempts.reserve(leaf.attempts.size());
  for (const auto& a : leaf.attempts) {
    auto& attempt = record.attempts.emplace_back();
    attempt.number = static_cast<std::uint32_t>(a.number);
    attempt.result = a.result;
    attempt.usage = {a.prompt_tokens, a.completion_tokens, 0};
    attempt.heard_tokens = a.heard_tokens;
    attempt.hedge = a.hedge;
    attempt.resumes = a.resumes;
  }
  return record;
}

// Prices were promised when it was admitted; what it is charged follows from them and from its attempts.
std::string judge_price(const grid::RequestLeaf& leaf, const Law& admitted_under) {
  const bool rated = !leaf.price_book.empty() || leaf.input_nano != 0 || leaf.output_nano != 0;
  if (rated || !leaf.attempts.empty()) {
    const auto terms = admitted_under.terms(leaf.tenant, leaf.model);
    const auto& price = terms.price;
    if (leaf.price_book != terms.price_book) {
      return "it was rated by price book \"" + leaf.price_book + "\", its tenant's is \"" +
             std::string(terms.price_book) + "\"";
    }
    if (leaf.input_nano != price.input_nano_per_token || leaf.output_nano != price.output_nano_per_token) {
      return "its prices are " + std::to_string(leaf.input_nano) + " and " + std::to_string(leaf.output_nano) +
             ", those in force were " + std::to_string(price.input_nano_per_token) + " and " +
             std::to_string(price.output_nano_per_token);
    }
  }
  const std::int64_t charge = ledger::rate(record_of(leaf)).price_nano;
  if (charge == leaf.charge_nano) return {};
  return "its charge is " + std::to_string(leaf.charge_nano) + ", its attempts make " + std::to_string(charge);
}

}  // namespace

std::string Judge::judge(const grid::RequestLeaf& leaf, bool& unjudged) {
  std::vector<const Law*> mine;
  const auto learn = [&](const std::string& hash) {
    const auto law = laws_.find(hash);
    if (law == laws_.end()) {
      unjudged = true;
    } else {
      mine.push_back(law->second.get());
    }
  };
  learn(leaf.bundle_hash);
  for (const auto& hash : leaf.later_bundles) learn(hash);
  if (unjudged) return {};
  Permits permits(leaf, mine, known_);
  std::string wrong = leaf.attempts.empty() ? judge_denial(leaf, permits) : judge_places(leaf, permits);
  const bool answered =
      std::any_of(leaf.route.begin(), leaf.route.end(), [](const auto& step) { return step.action == "process"; });
  if (wrong.empty() && answered && leaf.attempts.empty()) wrong = "it was answered, though no attempt went anywhere";
  return wrong.empty() ? judge_price(leaf, *mine.front()) : wrong;
}

}  // namespace aigrid::audit
