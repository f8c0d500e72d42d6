#include "core/access/intent_merge.h"

#include <algorithm>
#include <array>

namespace aigrid::access {
namespace {

bool names(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

void add_new(std::vector<std::string>& to, const std::vector<std::string>& from) {
  for (const auto& name : from) {
    if (!names(to, name)) to.push_back(name);
  }
}

std::string join(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& name : list) out += (out.empty() ? "" : ", ") + name;
  return out;
}

Result<void> keep_common(std::vector<std::string>& sites, const std::vector<std::string>& more) {
  if (more.empty()) return {};
  if (sites.empty()) {
    add_new(sites, more);
    return {};
  }
  const std::string asked = join(sites);
  std::erase_if(sites, [&](const std::string& s) { return !names(more, s); });
  if (!sites.empty()) return {};
  return invalid("grid.only: no site is both in (" + asked + ") and in (" + join(more) +
                 "): a nearer source may only narrow the list");
}

void take_target(grid::Intent& out, const grid::Intent& source) {
  if (!source.max_ttft_ms) return;
  if (source.require_ttft) {
    out.max_ttft_ms = out.require_ttft ? std::min(*out.max_ttft_ms, *source.max_ttft_ms) : *source.max_ttft_ms;
    out.require_ttft = true;
  } else if (!out.require_ttft) {
    out.max_ttft_ms = source.max_ttft_ms;
  }
}

}  // namespace

Result<grid::Intent> merge(std::span<const grid::Intent> sources) {
  grid::Intent out;
  for (const grid::Intent& source : sources) {
    add_new(out.zones, source.zones);
    add_new(out.ignore_sites, source.ignore_sites);
    AIGRID_CHECK_OK(keep_common(out.only_sites, source.only_sites));
    take_target(out, source);
    if (source.max_price_nano) {
      out.max_price_nano = std::min(out.max_price_nano.value_or(*source.max_price_nano), *source.max_price_nano);
    }
    out.data_level = std::max(out.data_level, source.data_level);
    add_new(out.regimes, source.regimes);
    out.allow_fallbacks = out.allow_fallbacks && source.allow_fallbacks;
    if (source.sort) out.sort = source.sort;
    if (source.tier) out.tier = source.tier;
    out.trace = out.trace || source.trace;
    out.dry_run = out.dry_run || source.dry_run;
  }
  return out;
}

Result<grid::Intent> merge(const grid::Intent& key, const grid::Intent& header, const grid::Intent& body) {
  return merge(std::array<grid::Intent, 3>{key, header, body});
}

}  // namespace aigrid::access
