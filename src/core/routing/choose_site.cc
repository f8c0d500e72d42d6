#include <algorithm>
#include <array>
#include <cmath>

#include "core/estimate/ttft.h"
#include "core/routing/choose.h"
#include "core/routing/thresholds.h"
#include "core/routing/trust.h"

namespace aigrid::routing {
namespace {

struct Verdict {
  Filter failed = Filter::None;
  const char* rule = "";
  ScoreParts score;
};

// What is the same for every candidate, worked out once.
struct Question {
  Question(const Snapshot& snapshot, const RouteInput& asked, Time at) : snap(snapshot), input(asked), now(at) {
    const Tables& t = *snap.tables;
    std::optional<grid::Sort> sort = input.intent != nullptr ? input.intent->sort : std::nullopt;
    if (!sort && input.tier == grid::Tier::Realtime) sort = grid::Sort::Latency;
    if (!sort && input.tier >= grid::Tier::Economy) sort = grid::Sort::Price;
    if (sort == grid::Sort::Price) ms_per_nano *= kThresholds.price_sort_factor;
    if (sort == grid::Sort::Latency) ms_per_nano = 0;
    if (input.intent == nullptr) return;
    const grid::Intent& intent = *input.intent;
    bound = !intent.only_sites.empty();
    for (const auto& name : intent.only_sites) {
      if (const auto s = t.find_site(name)) only.insert(*s);
    }
    for (const auto& name : intent.ignore_sites) {
      if (const auto s = t.find_site(name)) ignored.insert(*s);
    }
    if (intent.require_ttft && intent.max_ttft_ms) target_ms = static_cast<float>(*intent.max_ttft_ms);
    if (intent.max_price_nano && input.model != kNone) {
      too_dear = t.price(input.tenant, input.model).output_nano > *intent.max_price_nano;
    }
  }

  const Snapshot& snap;
  const RouteInput& input;
  Time now;
  SiteSet only;
  SiteSet ignored;
  bool bound = false;
  bool too_dear = false;
  bool panic = false;  // more than half of the places are shut out: then it is not the places
  float target_ms = INFINITY;
  float ms_per_nano = kThresholds.ms_per_nano;
};

// The whole site was excluded, or every node of it that serves the deployment.
bool excluded(const Question& q, const DeploymentEntry& d, SiteIndex s) {
  if (q.input.excluded.empty()) return false;
  for (const auto& e : q.input.excluded) {
    if (e.site == s && e.node == kNone) return true;
  }
  return std::all_of(d.nodes.begin(), d.nodes.end(), [&](NodeIndex n) {
    if (q.snap.tables->nodes[n].site != s) return true;
    return std::any_of(q.input.excluded.begin(), q.input.excluded.end(),
                       [&](const Excluded& e) { return e.site == s && e.node == n; });
  });
}

ScoreParts predict(const Question& q, const DeploymentEntry& d, SiteIndex s, const SiteRow& row) {
  const Tables& t = *q.snap.tables;
  ScoreParts score;
  if (s != q.snap.here) {
    const float measured = q.snap.links[s].rtt_ms;
    score.rtt_ms = std::isnan(measured) ? t.prior_rtt(q.snap.here, s) : measured;
  }
  const estimate::Work work{q.input.prompt_tokens,
                            estimate::expected_output(q.input.max_output_tokens, d.spec.max_output_tokens)};
  const auto rates = estimate::rates(
      row.prefill_tokens_per_s, row.decode_tokens_per_s,
      {static_cast<float>(d.spec.prefill_tokens_per_s), static_cast<float>(d.spec.decode_tokens_per_s)});
  score.prefill_ms = estimate::prefill_ms(work, rates);
  score.wait_ms = estimate::wait_ms({.wait_ms = row.wait_ms,
                                     .slots = row.slots,
                                     .free_slots = row.free_slots,
                                     .queued = row.queued,
                                     .own_inflight = row.own_inflight,
                                     .age = q.now - row.at},
                                    estimate::service_ms(work, rates));
  // The tenant pays the same wherever it runs; what differs between sites is what a token costs their operator.
  if (q.snap.site_trust != nullptr) score.wait_ms += slow_start_ms(q.snap.site_trust[s], q.now);
  const double nano =
      static_cast<double>(t.sites[s].spec.cost_nano_per_token) * (work.prompt_tokens + work.output_tokens);
  score.price_ms = static_cast<float>(nano) * q.ms_per_nano;
  return score;
}

// The candidate's first failing filter, in the order of the table.
Verdict judge(const Question& q, const ModelEntry& model, const DeploymentEntry& d, DeploymentIndex index,
              SiteIndex s) {
  if (!model.visible_to(q.input.tenant)) return {Filter::Model, rule::kHiddenModel, {}};
  if (q.input.task && *q.input.task != model.spec.task) return {Filter::Feature, rule::kOtherTask, {}};
  if (static_cast<float>(q.input.prompt_tokens) > kThresholds.context_slack * static_cast<float>(d.context_tokens)) {
    return {Filter::Feature, rule::kContext, {}};
  }
  if (!q.input.permitted.contains(s)) return {Filter::Residency, rule::kResidency, {}};
  if (q.bound && !q.only.contains(s)) return {Filter::Isolation, rule::kNotOnly, {}};
  if (q.ignored.contains(s)) return {Filter::Isolation, rule::kIgnored, {}};
  if (q.too_dear) return {Filter::Target, rule::kPrice, {}};

  const SiteRow& row = q.snap.site_row(index, s);
  const ScoreParts score = predict(q, d, s, row);
  // Distance and prefill no retry mends; a queue passes.
  if (score.rtt_ms + score.prefill_ms > q.target_ms) return {Filter::Target, rule::kTtft, score};
  const auto down = [&](const char* why) { return Verdict{Filter::Capacity, why, score}; };
  if (q.snap.tables->closed(s)) return down(rule::kCordoned);
  if (s != q.snap.here && !q.snap.links[s].up) return down(rule::kUnreachable);
  if (s != q.snap.here && q.snap.links[s].via != kNone && !q.input.relay.contains(q.snap.links[s].via)) {
    return down(rule::kForbiddenWay);
  }
  if (!row.present) return down(rule::kSilent);
  if (q.now - row.at > kThresholds.site_silent) return down(rule::kSilent);
  if (row.ready_nodes == 0) return down(rule::kNotReady);
  if (excluded(q, d, s)) return down(rule::kExcluded);
  if (!q.panic && q.snap.site_trust != nullptr && shut_out(q.snap.site_trust[s], q.now)) return down(rule::kEjected);
  if (score.ttft_ms() > q.target_ms) return down(rule::kTargetQueue);
  if (score.wait_ms > kThresholds.hopeless_wait_ms) return down(rule::kHopeless);
  return {Filter::None, "", score};
}

// The best seen so far and all within a tie of it, without allocation. Past the capacity the earliest are kept.
class Leaders {
 public:
  void add(const Candidate& c) {
    const float total = c.score.total();
    if (total < best_) {
      best_ = total;
      compact();
    } else if (total > best_ + kThresholds.tie_ms) {
      return;
    }
    if (count_ < list_.size()) list_[count_++] = c;
  }
  const Candidate& draw(Random& random) const { return list_[count_ == 1 ? 0 : random.below(count_)]; }

 private:
  void compact() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (list_[i].score.total() <= best_ + kThresholds.tie_ms) list_[kept++] = list_[i];
    }
    count_ = std::min(kept, list_.size() - 1);  // the new best must have room
  }
  std::array<Candidate, 64> list_{};
  std::size_t count_ = 0;
  float best_ = INFINITY;
};

// The two best sites, so that the runner-up is known whichever wins the draw.
struct Podium {
  Candidate first;
  Candidate second;
  void add(const Candidate& c) {
    if (first.site == kNone || c.score.total() < first.score.total()) {
      if (c.site != first.site) second = first;
      first = c;
    } else if (c.site != first.site && (second.site == kNone || c.score.total() < second.score.total())) {
      second = c;
    }
  }
};

// Of the sites that may have it. Reference B5: detection that shuts out most of the grid is wrong about it.
bool too_many_shut_out(const Snapshot& snap, const ModelEntry& model, const RouteInput& input, Time now) {
  if (snap.site_trust == nullptr) return false;
  std::size_t all = 0;
  std::size_t out = 0;
  for (const DeploymentIndex index : model.deployments) {
    for (const SiteIndex s : snap.tables->deployments[index].site_list) {
      if (!input.permitted.contains(s)) continue;
      ++all;
      out += shut_out(snap.site_trust[s], now) ? 1 : 0;
    }
  }
  return out * 2 > all;
}

Decision refuse(Decision d, Filter by, const char* why) {
  d.refused_by = by;
  d.rule = why;
  return d;
}

}  // namespace

Decision choose_site(const Snapshot& snapshot, const RouteInput& input, Time now, Random& random,
                     Explanation* explanation) {
  const Tables& t = *snapshot.tables;
  Decision decision;
  if (explanation != nullptr) explanation->candidates.clear();
  if (input.model >= t.models.size()) return refuse(decision, Filter::Model, rule::kUnknownModel);
  const ModelEntry& model = t.models[input.model];
  if (!model.visible_to(input.tenant)) return refuse(decision, Filter::Model, rule::kHiddenModel);

  Question question(snapshot, input, now);
  question.panic = too_many_shut_out(snapshot, model, input, now);
  Leaders leaders;
  Podium podium;
  Filter last = Filter::Model;  // the filter that the farthest candidate fell at
  const char* last_rule = "";
  for (const DeploymentIndex index : model.deployments) {
    const DeploymentEntry& d = t.deployments[index];
    for (const SiteIndex s : d.site_list) {
      const Verdict v = judge(question, model, d, index, s);
      const Candidate c{s, kNone, index, v.failed, v.rule, v.score};
      ++decision.considered;
      if (explanation != nullptr) explanation->candidates.push_back(c);
      if (v.failed == Filter::None) {
        leaders.add(c);
        podium.add(c);
      } else {
        ++decision.removed[static_cast<std::size_t>(v.failed)];
        if (v.failed > last || last_rule[0] == '\0') last_rule = v.rule;
        last = std::max(last, v.failed);
      }
    }
  }
  if (decision.considered == 0) return refuse(decision, Filter::Capacity, rule::kNotDeployed);
  if (podium.first.site == kNone) return refuse(decision, last, last_rule);

  const Candidate& chosen = leaders.draw(random);
  const Candidate& next = podium.first.site == chosen.site ? podium.second : podium.first;
  decision.site = chosen.site;
  if (chosen.site != snapshot.here) decision.via = snapshot.links[chosen.site].via;
  decision.deployment = chosen.deployment;
  decision.score = chosen.score;
  decision.runner_up = next.site;
  decision.runner_up_score = next.score;
  return decision;
}

}  // namespace aigrid::routing
