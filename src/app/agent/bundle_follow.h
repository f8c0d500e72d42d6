// BundleFollow: the node's own bundle: the last good one from disk at the start, then what the gateway pushes;
// verified, compiled, kept on disk, swapped. A refused update leaves the old one. One worker.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/policy/residency.h"
#include "format/bundle/bundle.h"
#include "io/env/env.h"
#include "io/http/h2_connection.h"

namespace aigrid::agent {

// A bundle, compiled for what a node asks of it. Immutable.
struct View {
  grid::Inventory inventory;
  policy::Residency residency;
};

class BundleFollow {
 public:
  // `key`: the control plane's public key.
  BundleFollow(io::Env& env, std::string state, std::string node, std::string key);

  // The copy on disk. NotFound: there is none yet.
  Result<void> load();
  Result<void> take(const bundle::Update& update);
  // Compiles the held bundle again where something in it has expired since.
  void renew();
  // Answers POST /inner/bundle for as long as the gateway keeps it open.
  io::Task<void> serve(std::shared_ptr<io::H2Stream> stream);

  // Null before the first bundle.
  const std::shared_ptr<const View>& view() const { return view_; }
  std::uint64_t version() const { return view_ ? held_.parsed.version : 0; }
  // The oldest version by which a gateway may grant: what it said it holds, or has sent since; at most our own.
  std::uint64_t least_granted() const {
    return gateways_hold_.empty() ? version() : std::min(version(), *gateways_hold_.begin());
  }
  void on_change(std::function<void()> call) { changed_ = std::move(call); }

 private:
  Result<void> adopt(bundle::Held held, bool save);
  std::string path() const { return state_ + "/bundle"; }

  io::Env& env_;
  std::string state_;
  std::string node_;
  std::string key_;
  bundle::Held held_;
  std::shared_ptr<const View> view_;
  std::multiset<std::uint64_t> gateways_hold_;  // of those that follow with bundles now
  std::function<void()> changed_;
};

}  // namespace aigrid::agent
