// A small configuration for the tests of bundles. Test code only.
#pragma once

#include <array>
#include <cstdio>
#include <string>

#include "format/bundle/bundle.h"

namespace aigrid::bundle::test {

inline const std::string kSeed(32, 's');

// A noun with some members set: `made<grid::Site>([&](auto& s) { s.name = "a"; })`.
template <class T, class F>
T made(F set) {
  T out;
  set(out);
  return out;
}

inline void add_places(grid::Inventory& g, grid::Deployment& d, int places) {
  for (int i = 0; i < places; ++i) {
    const auto number = std::to_string(i);
    g.sites.push_back(made<grid::Site>([&](auto& s) {
      s.name = "s" + number;
      s.operator_name = "op";
      s.country = s.jurisdiction = "FR";
    }));
    g.nodes.push_back(made<grid::Node>([&](auto& n) {
      n.name = "n" + number;
      n.site = "s" + number;
      n.nameplate_w = 300.5;
    }));
    g.gateways.push_back({"g" + number, "s" + number, "", "127.0.0.1:1", 1});
    d.nodes.push_back("n" + number);
  }
}

inline grid::Inventory grid_of(int places, int key_count) {
  grid::Inventory g;
  g.operators.push_back({"op", "Operator S.A.", {"FR"}});
  auto d = made<grid::Deployment>([](auto& v) {
    v.name = "chat";
    v.model = "smol";
  });
  add_places(g, d, places);
  g.deployments.push_back(std::move(d));
  g.zones.push_back({"fr", {"FR"}, {}, {}, {}, {}});
  g.policies.push_back({"p", {}, {}, "fr"});
  g.models.push_back(made<grid::Model>([](auto& m) {
    m.name = "smol";
    m.source = "smol.gguf";
    m.context_tokens = 2048;
  }));
  g.tenants.push_back({"mairie", "", "fr", ""});
  g.price_books.push_back({"list", "EUR", {{"smol", 500, 1500}}});
  for (int i = 0; i < key_count; ++i) {
    std::array<char, 17> kid{};
    std::snprintf(kid.data(), kid.size(), "%016llx", static_cast<unsigned long long>(i) * 0x9e3779b97f4a7ULL);
    g.keys.push_back(made<grid::ApiKey>([&](auto& k) {
      k.kid = kid.data();
      k.hash = std::string(64, 'a');
      k.tenant = "mairie";
    }));
  }
  return g;
}

inline Held publish(const grid::Inventory& everything, std::uint64_t epoch, std::uint64_t version) {
  Held held;
  held.sections = compile(everything);
  held.parsed = manifest_of(held.sections, "aigrid", epoch, version);
  held.manifest = sign(held.parsed, kSeed);
  return held;
}

}  // namespace aigrid::bundle::test
