#include "app/gateway/board.h"

#include <algorithm>
#include <utility>

#include "base/crypto/hash.h"
#include "core/resilience/hedge.h"
#include "core/resilience/trust.h"

namespace aigrid::gateway {

namespace {

float value_of(const inner::Reading& reading) {
  return reading.has ? static_cast<float>(reading.value) : routing::kUnknown;
}

std::uint16_t small(std::uint32_t n) { return static_cast<std::uint16_t>(std::min<std::uint32_t>(n, 0xffffU)); }

routing::NodeRow node_row(const inner::NodeReport& report, const inner::EngineReport& engine, Time now) {
  routing::NodeRow row;
  row.present = true;
  row.ready = engine.state == "ready";
  row.slots = small(engine.slots);
  row.running = small(engine.running);
  row.queued = small(engine.queued);
  row.prefill_tokens_per_s = value_of(engine.prefill_tokens_per_s);
  row.decode_tokens_per_s = value_of(engine.decode_tokens_per_s);
  row.power_w = value_of(report.power_w);
  row.power_estimated = report.power_w.estimated;
  row.temperature_c = value_of(report.temperature_c);
  row.load = value_of(report.load);
  row.at = now;
  return row;
}

routing::SiteRow site_row(const inner::SiteReportRow& from, Time now) {
  routing::SiteRow row;
  row.present = true;
  row.ready_nodes = small(from.ready_nodes);
  row.slots = small(from.slots);
  row.free_slots = small(from.free_slots);
  row.queued = small(from.queued);
  row.wait_ms = value_of(from.wait_ms);
  row.prefill_tokens_per_s = value_of(from.prefill_tokens_per_s);
  row.decode_tokens_per_s = value_of(from.decode_tokens_per_s);
  row.at = now;
  return row;
}

}  // namespace

Result<std::shared_ptr<const Law>> compile_law(std::shared_ptr<const bundle::Held> held, std::int64_t second) {
  AIGRID_TRY(const grid::Inventory inventory, bundle::inventory(*held));
  auto law = std::make_shared<Law>();
  AIGRID_TRY(law->tables, routing::compile(inventory, second));
  AIGRID_TRY(law->keys, access::KeyTable::compile(inventory.keys));
  law->bundle_hash = crypto::bytes(crypto::sha256(held->manifest.bytes));
  law->held = std::move(held);
  return std::shared_ptr<const Law>(std::move(law));
}

void Board::renew(std::int64_t second) {
  if (!current_ || second < current_->tables->residency.good_until()) return;
  if (auto again = compile_law(held_, second); again.ok()) adopt(std::move(*again));
}

void Board::adopt(std::shared_ptr<const Law> law) {
  auto next = std::make_shared<Generation>();
  next->held = law->held;
  next->bundle_hash = law->bundle_hash;
  next->tables = law->tables;
  for (const auto& gateway : next->tables->gateways) {
    if (gateway.name != gateway_) continue;
    site_ = gateway.site;
    workers_ = std::max(gateway.workers, 1U);
    if (auto site = next->tables->find_site(site_)) next->here = *site;
  }
  if (current_) {
    next->rows = current_->rows;
    next->rows.rebind(*current_->tables, *next->tables);
  } else {
    next->rows.rebind(routing::Tables{}, *next->tables);
  }
  if (next->here != routing::kNone) next->rows.links[next->here].up = true;
  current_ = std::move(next);
  held_ = law->held;
  law_ = std::move(law);
  changed();
}

const access::KeyTable& Board::keys() const {
  static const access::KeyTable kNone;
  return law_ ? law_->keys : kNone;
}

void Board::node_reported(const inner::NodeReport& report, Time now) {
  if (!current_) return;
  Generation& g = *current_;
  const auto node = g.tables->find_node(report.node);
  if (!node) return;
  for (const auto& engine : report.engines) {
    const auto deployment = g.tables->find_deployment(engine.deployment);
    if (deployment) g.rows.report(*g.tables, *deployment, *node, node_row(report, engine, now));
  }
  changed();
}

void Board::node_lost(const std::string& node) {
  if (!current_) return;
  if (auto index = current_->tables->find_node(node)) current_->rows.lost_node(*current_->tables, *index);
  changed();
}

void Board::site_reported(const inner::SiteReport& report, Time now,
                          const std::function<bool(const std::string&)>& counts) {
  if (!current_) return;
  Generation& g = *current_;
  const auto site = g.tables->find_site(report.site);
  if (!site) return;
  for (const auto& row : report.rows) {
    if (counts && !counts(row.deployment)) continue;
    const auto deployment = g.tables->find_deployment(row.deployment);
    if (deployment) g.rows.report(*g.tables, *deployment, *site, site_row(row, now));
  }
  changed();
}

void Board::site_lost(const std::string& site) {
  if (!current_) return;
  if (auto index = current_->tables->find_site(site)) current_->rows.lost_site(*current_->tables, *index);
  changed();
}

void Board::own_site_row(routing::DeploymentIndex deployment, const routing::SiteRow& row) {
  Generation& g = *current_;
  if (g.here != routing::kNone) g.rows.report(*g.tables, deployment, g.here, row);
}

void Board::link_measured(const std::string& site, routing::LinkRow row, const std::string& via) {
  if (!current_) return;
  if (!via.empty()) row.via = current_->tables->find_site(via).value_or(routing::kNone);
  if (!via.empty() && row.via == routing::kNone) row.up = false;
  if (auto index = current_->tables->find_site(site)) current_->rows.links[*index] = row;
}

void Board::dispatched(const std::string& deployment, const std::string& site, Time now) {
  if (!current_) return;
  const auto d = current_->tables->find_deployment(deployment);
  const auto s = current_->tables->find_site(site);
  if (d && s) current_->rows.asked(*current_->tables, *d, *s);
  if (s) resilience::dispatched(current_->rows.site_trust[*s], now);
}

void Board::requested() {
  if (current_) resilience::requested(current_->rows.hedging);
}

void Board::hedged() {
  if (current_) resilience::hedged(current_->rows.hedging);
}

void Board::observed(const std::string& site, const dispatch::action::Observed& seen, Time now) {
  if (!current_) return;
  const auto s = current_->tables->find_site(site);
  if (!s) return;
  auto& trust = current_->rows.site_trust[*s];
  if (seen.fault) {
    resilience::failed(trust, now);
  } else {
    resilience::answered(trust, seen.after, seen.predicted_ms, now);
    resilience::answered(current_->rows.hedging, seen.after, seen.predicted_ms);
  }
}

void Board::changed() {
  for (const auto& hook : hooks_) hook();
}

}  // namespace aigrid::gateway
