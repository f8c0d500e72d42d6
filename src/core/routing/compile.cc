#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/nearest_name.h"
#include "core/routing/tables.h"

namespace aigrid::routing {
namespace {

constexpr double kEarthKm = 6371.0088;

double great_circle_km(const grid::Site& a, const grid::Site& b) {
  constexpr double kRadians = std::numbers::pi / 180;
  const double lat = (b.lat - a.lat) * kRadians / 2;
  const double lon = (b.lon - a.lon) * kRadians / 2;
  const double h = std::sin(lat) * std::sin(lat) +
                   std::cos(a.lat * kRadians) * std::cos(b.lat * kRadians) * std::sin(lon) * std::sin(lon);
  return 2 * kEarthKm * std::asin(std::min(1.0, std::sqrt(h)));
}

class Compiler {
 public:
  Compiler(const grid::Inventory& inventory, std::int64_t second)
      : in_(inventory), second_(second), out_(std::make_shared<Tables>()) {}

  Result<std::shared_ptr<const Tables>> run() {
    out_->grid = in_.grid;
    out_->version = in_.version;
    AIGRID_TRY(out_->residency, policy::Residency::compile(in_, second_));  // bounds the number of sites, too
    AIGRID_CHECK_OK(places());
    AIGRID_CHECK_OK(links());
    AIGRID_CHECK_OK(accounts());
    AIGRID_CHECK_OK(models());
    AIGRID_CHECK_OK(deployments());
    AIGRID_CHECK_OK(prices());
    return std::shared_ptr<const Tables>(std::move(out_));
  }

 private:
  template <class T>
  Result<std::vector<T>> sorted(const char* kind, std::vector<T> list, std::size_t most = kNone) {
    std::sort(list.begin(), list.end(), [](const T& a, const T& b) { return a.name < b.name; });
    const auto twice =
        std::adjacent_find(list.begin(), list.end(), [](const T& a, const T& b) { return a.name == b.name; });
    if (twice != list.end())
      return invalid(std::string(kind) + " \"" + twice->name + "\" is defined twice: remove one");
    if (list.size() > most) {
      return invalid("the grid has " + std::to_string(list.size()) + " of kind " + kind + ": at most " +
                     std::to_string(most));
    }
    return list;
  }

  template <class T>
  static Error dangling(const char* kind, const std::string& name, const char* field, const std::string& target,
                        const std::vector<T>& known) {
    std::vector<std::string> names;
    for (const auto& k : known) names.push_back(k.name);
    const std::string near = nearest_name(target, names);
    return invalid(std::string(kind) + " \"" + name + "\": " + field + " \"" + target + "\" does not exist" +
                   (near.empty() ? ": define it or remove the reference" : ": did you mean \"" + near + "\"?"));
  }

  Result<void> places() {
    AIGRID_TRY(const auto operators, sorted("operator", in_.operators));
    AIGRID_TRY(auto sites, sorted("site", in_.sites));
    for (auto& s : sites) {
      const auto owner = std::find_if(operators.begin(), operators.end(),
                                      [&](const grid::Operator& o) { return o.name == s.operator_name; });
      if (!s.operator_name.empty() && owner == operators.end()) {
        return dangling("site", s.name, "operator", s.operator_name, operators);
      }
      out_->sites.push_back({std::move(s), owner == operators.end() ? 0 : owner->margin_ppm, {}});
    }
    AIGRID_TRY(auto nodes, sorted("node", in_.nodes));
    for (auto& n : nodes) {
      const auto site = out_->find_site(n.site);
      if (!site) return dangling("node", n.name, "site", n.site, in_.sites);
      out_->nodes.push_back({std::move(n), *site});
    }
    AIGRID_TRY(out_->gateways, sorted("gateway", in_.gateways));
    for (std::size_t i = 0; i < out_->gateways.size(); ++i) {
      const auto& g = out_->gateways[i];
      const auto site = out_->find_site(g.site);
      if (!site) return dangling("gateway", g.name, "site", g.site, in_.sites);
      out_->sites[*site].gateways.push_back(static_cast<std::uint16_t>(i));
    }
    return {};
  }

  Result<void> links() {
    AIGRID_TRY(out_->links, sorted("link", in_.links));
    const std::size_t n = out_->sites.size();
    auto& rtt = out_->prior_rtt_ms;
    rtt.assign(n * n, 0);
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = a + 1; b < n; ++b) {
        const double km = great_circle_km(out_->sites[a].spec, out_->sites[b].spec);
        rtt[a * n + b] = rtt[b * n + a] = static_cast<float>(std::max(kLeastRttMs, km * kStretch * kRttMsPerKm));
      }
    }
    for (const auto& l : out_->links) {
      const auto a = out_->find_site(l.a);
      if (!a) return dangling("link", l.name, "a", l.a, in_.sites);
      const auto b = out_->find_site(l.b);
      if (!b && l.b != "control") return dangling("link", l.name, "b", l.b, in_.sites);
      if (!(l.rtt_ms >= 0)) return invalid("link \"" + l.name + "\": rtt_ms is below zero: state 0 for unknown");
      if (b && *a != *b && l.rtt_ms > 0) rtt[*a * n + *b] = rtt[*b * n + *a] = static_cast<float>(l.rtt_ms);
    }
    return {};
  }

  Result<void> accounts() {
    for (const auto& z : in_.zones) out_->zones.push_back({z, *out_->residency.zone(z.name)});
    std::sort(out_->zones.begin(), out_->zones.end(),
              [](const ZoneEntry& a, const ZoneEntry& b) { return a.spec.name < b.spec.name; });
    AIGRID_TRY(out_->price_books, sorted("price book", in_.price_books));
    AIGRID_TRY(auto tenants, sorted("tenant", in_.tenants));
    for (auto& t : tenants) {
      TenantEntry entry;
      AIGRID_TRY(auto permit, out_->residency.permitted({.tenant = t.name}));
      entry.permitted = permit.sites;
      if (!t.price_book.empty()) {
        const auto& books = out_->price_books;
        const auto book =
            std::find_if(books.begin(), books.end(), [&](const auto& b) { return b.name == t.price_book; });
        if (book == books.end()) return dangling("tenant", t.name, "price_book", t.price_book, in_.price_books);
        entry.price_book = static_cast<std::uint16_t>(book - books.begin());
      }
      entry.spec = std::move(t);
      out_->tenants.push_back(std::move(entry));
    }
    AIGRID_TRY(out_->projects, sorted("project", in_.projects));
    for (const auto& p : out_->projects) {
      if (!out_->find_tenant(p.tenant)) return dangling("project", p.name, "tenant", p.tenant, in_.tenants);
    }
    return {};
  }

  Result<void> models() {
    AIGRID_TRY(auto models, sorted("model", in_.models, kNone - 1U));
    for (auto& m : models) {
      ModelEntry entry;
      for (const auto& who : m.tenants) {
        const auto tenant = out_->find_tenant(who);
        if (!tenant) return dangling("model", m.name, "tenant", who, in_.tenants);
        entry.tenants.push_back(*tenant);
      }
      std::sort(entry.tenants.begin(), entry.tenants.end());
      entry.spec = std::move(m);
      out_->models.push_back(std::move(entry));
    }
    for (const auto& m : out_->models) {
      for (const auto& alias : m.spec.aliases) {
        const auto owner = out_->find_model(alias);
        if (owner && out_->models[*owner].spec.name != m.spec.name) {
          return invalid("model \"" + m.spec.name + "\": alias \"" + alias + "\" already means model \"" +
                         out_->models[*owner].spec.name + "\": remove one");
        }
      }
    }
    return {};
  }

  Result<void> deployments() {
    AIGRID_TRY(auto deployments, sorted("deployment", in_.deployments, kNone - 1U));
    for (auto& d : deployments) {
      DeploymentEntry entry;
      const auto model = out_->find_model(d.model);
      if (!model) return dangling("deployment", d.name, "model", d.model, in_.models);
      entry.model = *model;
      const std::uint32_t whole = out_->models[*model].spec.context_tokens;
      entry.context_tokens = whole == 0 ? d.context_tokens : std::min(whole, d.context_tokens);
      for (const auto& name : d.nodes) {
        const auto node = out_->find_node(name);
        if (!node) return dangling("deployment", d.name, "node", name, in_.nodes);
        entry.nodes.push_back(*node);
        entry.sites.insert(out_->nodes[*node].site);
      }
      std::sort(entry.nodes.begin(), entry.nodes.end());
      entry.nodes.erase(std::unique(entry.nodes.begin(), entry.nodes.end()), entry.nodes.end());
      for (std::size_t s = 0; s < out_->sites.size(); ++s) {
        if (entry.sites.contains(static_cast<SiteIndex>(s))) entry.site_list.push_back(static_cast<SiteIndex>(s));
      }
      out_->models[*model].deployments.push_back(static_cast<DeploymentIndex>(out_->deployments.size()));
      entry.spec = std::move(d);
      out_->deployments.push_back(std::move(entry));
    }
    return {};
  }

  Result<void> prices() {
    for (const auto& book : out_->price_books) {
      std::vector<ModelPrice> list;
      for (const auto& p : book.prices) {
        const auto model = out_->find_model(p.model);
        if (!model) return dangling("price book", book.name, "model", p.model, in_.models);
        list.push_back({*model, p.input_nano_per_token, p.output_nano_per_token, true});
      }
      std::sort(list.begin(), list.end(), [](const ModelPrice& a, const ModelPrice& b) { return a.model < b.model; });
      out_->price_of_book.push_back(std::move(list));
    }
    return {};
  }

  const grid::Inventory& in_;
  std::int64_t second_;
  std::shared_ptr<Tables> out_;
};

}  // namespace

Result<std::shared_ptr<const Tables>> compile(const grid::Inventory& inventory, std::int64_t second) {
  return Compiler(inventory, second).run();
}

}  // namespace aigrid::routing
