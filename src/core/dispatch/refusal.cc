#include "core/dispatch/refusal.h"

#include <cmath>
#include <vector>

#include "base/nearest_name.h"

namespace aigrid::dispatch {
namespace {

using routing::DeploymentEntry;
using routing::Filter;
using routing::RouteInput;
using routing::Snapshot;
using routing::Tables;

std::string join(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + item;
  return out;
}

std::string model_name(const Tables& t, const RouteInput& input) {
  if (!input.asked_model.empty()) return std::string(input.asked_model);
  return input.model < t.models.size() ? t.models[input.model].spec.name : std::string("?");
}

std::vector<std::string> site_names(const Tables& t, const routing::SiteSet& set) {
  std::vector<std::string> out;
  for (std::size_t s = 0; s < t.sites.size(); ++s) {
    if (set.contains(static_cast<routing::SiteIndex>(s))) out.push_back(t.sites[s].spec.name);
  }
  return out;
}

routing::SiteSet sites_of(const Tables& t, routing::ModelIndex model) {
  routing::SiteSet out;
  for (const auto d : t.models[model].deployments) out |= t.deployments[d].sites;
  return out;
}

// Models of the same task that the tenant may see and that run somewhere in the permitted set.
std::vector<std::string> models_within(const Tables& t, const RouteInput& input) {
  std::vector<std::string> out;
  for (std::size_t m = 0; m < t.models.size(); ++m) {
    const auto& model = t.models[m];
    if (!model.visible_to(input.tenant) || model.spec.task != t.models[input.model].spec.task) continue;
    routing::SiteSet there = sites_of(t, static_cast<routing::ModelIndex>(m));
    there &= input.permitted;
    if (!there.empty()) out.push_back(model.spec.name);
  }
  return out;
}

Refusal residency(const Snapshot& snap, const RouteInput& input) {
  const Tables& t = *snap.tables;
  std::string text = "model \"" + model_name(t, input) + "\" runs at no site where this request may execute: ";
  const std::vector<std::string> none;
  const auto& rules = input.rules != nullptr ? *input.rules : none;
  text += rules.empty() ? "no rule of this request leaves one of its sites" : "rules: " + join(rules);
  const auto permitted = site_names(t, input.permitted);
  text += permitted.empty() ? "; together they permit no site" : "; permitted: " + join(permitted);
  text += "; it runs at: " + join(site_names(t, sites_of(t, input.model)));
  const auto others = models_within(t, input);
  text += others.empty()
              ? "; no other model runs in the permitted sites either: ask for a wider zone or a deployment there"
              : "; nearest possible: model " + join(others) + " there";
  return {403, "data_residency_mismatch", text, "grid.zone", false, true};
}

Refusal target(const Snapshot& snap, const RouteInput& input, const routing::Decision& d, Time now) {
  const Tables& t = *snap.tables;
  grid::Intent relaxed = *input.intent;
  std::string text = "no permitted place can meet ";
  std::string param;
  if (std::string_view(d.rule) == routing::rule::kPrice) {
    param = "grid.max_price";
    text += "max_price " + std::to_string(*relaxed.max_price_nano) + " (1e-9 per output token): model \"" +
            model_name(t, input) + "\" costs " + std::to_string(t.price(input.tenant, input.model).output_nano);
    relaxed.max_price_nano.reset();
  } else {
    param = "grid.max_ttft_ms";
    text += "max_ttft_ms " + std::to_string(std::lround(*relaxed.max_ttft_ms));
  }
  relaxed.require_ttft = false;
  RouteInput again = input;
  again.intent = &relaxed;
  Random random(0);
  const auto best = routing::choose_site(snap, again, now, random, nullptr);
  if (best.ok()) {
    text += "; what would fit: " + t.sites[best.site].spec.name + " within " +
            std::to_string(std::lround(std::ceil(best.score.ttft_ms()))) + " ms";
  }
  return {422, "constraint_unsatisfiable", text + ": relax it or make it a preference", param, false, false};
}

Refusal feature(const Snapshot& snap, const RouteInput& input, const routing::Decision& d) {
  const Tables& t = *snap.tables;
  if (std::string_view(d.rule) == routing::rule::kOtherTask) {
    const bool chat = t.models[input.model].spec.task == grid::Task::Chat;
    return {400,
            "unsupported_parameter",
            "model \"" + model_name(t, input) + "\" serves " + (chat ? "chat" : "embeddings") +
                ", not this endpoint: send it to " + (chat ? "/v1/chat/completions" : "/v1/embeddings"),
            "model",
            false,
            true};
  }
  std::uint32_t longest = 0;
  for (const auto i : t.models[input.model].deployments) longest = std::max(longest, t.deployments[i].context_tokens);
  return {400,
          "context_length_exceeded",
          "the prompt is about " + std::to_string(input.prompt_tokens) + " tokens; the longest context of model \"" +
              model_name(t, input) + "\" is " + std::to_string(longest) + ": shorten it",
          "messages",
          false,
          true};
}

}  // namespace

Refusal model_not_found(const Tables& tables, routing::TenantIndex tenant, std::string_view name) {
  std::vector<std::string> visible;
  for (const auto& m : tables.models) {
    if (!m.visible_to(tenant)) continue;
    visible.push_back(m.spec.name);
    visible.insert(visible.end(), m.spec.aliases.begin(), m.spec.aliases.end());
  }
  std::string text = "model \"" + std::string(name.substr(0, 128)) + "\" does not exist or is not for this tenant";
  if (const auto near = nearest_name(name, visible); !near.empty()) {
    text += ": did you mean \"" + near + "\"?";
  } else if (!visible.empty()) {
    visible.resize(std::min<std::size_t>(visible.size(), 8));
    text += ": there are " + join(visible);
  }
  return {404, "model_not_found", text, "model", false, true};
}

Refusal refusal(const Snapshot& snapshot, const RouteInput& input, const routing::Decision& decision, Time now) {
  const Tables& t = *snapshot.tables;
  switch (decision.refused_by) {
    case Filter::Model: return model_not_found(t, input.tenant, model_name(t, input));
    case Filter::Feature: return feature(snapshot, input, decision);
    case Filter::Residency: return residency(snapshot, input);
    case Filter::Isolation:
      return {403,
              "placement_denied",
              "model \"" + model_name(t, input) + "\" is left no site: the permitted ones are " + decision.rule +
                  "; permitted: " + join(site_names(t, input.permitted)) + ": widen grid.only or shorten grid.ignore",
              "grid.only",
              false,
              true};
    case Filter::Target: return target(snapshot, input, decision, now);
    case Filter::Quota: return {429, "rate_limit_exceeded", "the quota is used up: come back later", "", true, false};
    case Filter::Capacity:
    case Filter::None: break;
  }
  return {503,
          "no_capacity",
          "no permitted place can take model \"" + model_name(t, input) + "\" now (" + decision.rule + "): try again",
          "",
          true,
          false};
}

}  // namespace aigrid::dispatch
