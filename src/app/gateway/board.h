// Board: what one worker knows of the grid: the law, which is a bundle compiled once for all workers, and its own live
// rows. Changed between turns of the worker's loop only; `changed` hooks run after every change that may make a waiting
// request placeable. A request holds the Generation whose indices it uses; on a bundle change it rebinds itself to the
// next one. Only the current one gets fresh rows.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/access/key_table.h"
#include "core/dispatch/request_life.h"
#include "core/routing/snapshot.h"
#include "format/bundle/bundle.h"
#include "format/inner/rows.h"

namespace aigrid::gateway {

// A bundle compiled. Immutable; all workers of the process share it.
struct Law {
  std::shared_ptr<const bundle::Held> held;
  std::string bundle_hash;  // SHA-256 of its manifest, 32 bytes
  std::shared_ptr<const routing::Tables> tables;
  access::KeyTable keys;
};
// As of `second`. Errors: what makes the bundle none that can be used.
Result<std::shared_ptr<const Law>> compile_law(std::shared_ptr<const bundle::Held> held, std::int64_t second);

// A law, and one worker's live rows in its indices.
struct Generation {
  std::shared_ptr<const bundle::Held> held;
  std::string bundle_hash;  // SHA-256 of its manifest, 32 bytes
  std::shared_ptr<const routing::Tables> tables;
  routing::SiteIndex here = routing::kNone;
  routing::Rows rows;

  routing::Snapshot snapshot() const { return rows.snapshot(*tables, here); }
};

class Board {
 public:
  explicit Board(std::string gateway) : gateway_(std::move(gateway)) {}

  // Swaps the law in.
  void adopt(std::shared_ptr<const Law> law);
  // Compiles again what has expired since.
  void renew(std::int64_t second);
  bool loaded() const { return current_ != nullptr && current_->here != routing::kNone; }
  const std::shared_ptr<Generation>& current() const { return current_; }
  const routing::Tables& tables() const { return *current_->tables; }
  routing::SiteIndex here() const { return current_->here; }
  const std::string& gateway() const { return gateway_; }
  const std::string& site() const { return site_; }
  // Of this gateway, as the bundle in force names them; at least one.
  std::uint32_t workers() const { return workers_; }
  const access::KeyTable& keys() const;
  const std::shared_ptr<const bundle::Held>& held() const { return held_; }
  std::uint64_t version() const { return held_ ? held_->parsed.version : 0; }
  routing::Snapshot snapshot() const { return current_->snapshot(); }

  void node_reported(const inner::NodeReport& report, Time now);
  void node_lost(const std::string& node);
  // `counts`: whether a deployment's row does; where a site is told of by several, each tells only its own.
  void site_reported(const inner::SiteReport& report, Time now,
                     const std::function<bool(const std::string& deployment)>& counts = {});
  void site_lost(const std::string& site);
  void own_site_row(routing::DeploymentIndex deployment, const routing::SiteRow& row);
  // `via`: the site that passes it on; empty: direct.
  void link_measured(const std::string& site, routing::LinkRow row, const std::string& via);
  // An own dispatch by names, counted at once until the site's row catches up.
  void dispatched(const std::string& deployment, const std::string& site, Time now);
  // A request came; one was asked at a second place beside the first.
  void requested();
  void hedged();
  // How a site has answered.
  void observed(const std::string& site, const dispatch::action::Observed& seen, Time now);

  void on_change(std::function<void()> hook) { hooks_.push_back(std::move(hook)); }

 private:
  void changed();

  std::string gateway_;
  std::string site_;
  std::uint32_t workers_ = 1;
  std::shared_ptr<const bundle::Held> held_;
  std::shared_ptr<Generation> current_;
  std::shared_ptr<const Law> law_;
  std::vector<std::function<void()>> hooks_;
};

}  // namespace aigrid::gateway
