#include "format/api/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/nearest_name.h"
#include "format/api/describe.h"
#include "format/api/inventory.h"
#include "format/json/json.h"

namespace aigrid::api {

namespace {

using Names = std::array<std::set<std::string>, kKinds>;

struct Item {
  const Resource* resource;
  Noun noun;
};

std::string place(const Resource& r) {
  return r.source.file.empty() ? "in what is stored" : fmt::format("{}:{}", r.source.file, r.source.line);
}

// Offered every field; looks up those that refer to others.
class References {
 public:
  References(const Resource& resource, const Names& names, std::vector<Problem>& problems)
      : resource_(resource), names_(names), problems_(problems) {}

  void operator()(const char* name, const std::string& v, const Rule& rule) {
    if (rule.refers >= 0) look_up(fmt::format("{}/{}", pointer_, name), v, rule);
  }
  void operator()(const char* name, const std::vector<std::string>& v, const Rule& rule) {
    if (rule.refers < 0) return;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < v.size(); ++i) {
      const auto pointer = fmt::format("{}/{}/{}", pointer_, name, i);
      look_up(pointer, v[i], rule);
      if (!seen.insert(v[i]).second) {
        problems_.push_back(
            problem_at(resource_, pointer, fmt::format("{} is listed twice", json::quoted(v[i])), "remove one"));
      }
    }
  }
  void operator()(const char* name, const std::vector<grid::Price>& v, const Rule& rule) {
    for (std::size_t i = 0; i < v.size(); ++i) look_up(fmt::format("/spec/{}/{}/model", name, i), v[i].model, rule);
  }
  template <Part T>
  void operator()(const char* name, const std::vector<T>& v, const Rule&) {
    const std::string outer = std::exchange(pointer_, fmt::format("{}/{}", pointer_, name));
    for (std::size_t i = 0; i < v.size(); ++i) {
      const std::string list = std::exchange(pointer_, fmt::format("{}/{}", pointer_, i));
      describe(v[i], *this);
      pointer_ = list;
    }
    pointer_ = outer;
  }
  template <class T>
  void operator()(const char*, const T&, const Rule&) {}

 private:
  void look_up(const std::string& pointer, const std::string& name, const Rule& rule) {
    const auto kind = static_cast<Kind>(rule.refers);
    const auto& known = names_[static_cast<std::size_t>(rule.refers)];
    // A policy names tenants or projects.
    const bool project = resource_.kind == Kind::Policy && kind == Kind::Tenant &&
                         names_[static_cast<std::size_t>(Kind::Project)].count(name) != 0;
    if (project || (resource_.kind == Kind::Policy && kind == Kind::Zone && name == "*")) return;
    if (name.empty() || known.count(name) != 0) return;
    if (resource_.kind == Kind::Link && pointer == "/spec/b" && name == "control") return;
    const auto near = nearest_name(name, known);
    problems_.push_back(
        problem_at(resource_, pointer, fmt::format("{} {} does not exist", to_string(kind), json::quoted(name)),
                   near.empty() ? fmt::format("add it, or name one there is{}", known.empty() ? " (there is none)" : "")
                                : fmt::format("did you mean {}?", json::quoted(near))));
  }

  const Resource& resource_;
  const Names& names_;
  std::vector<Problem>& problems_;
  std::string pointer_ = "/spec";
};

class Checker {
 public:
  Checker(const std::vector<Item>& items, std::vector<Problem>& problems) : items_(items), problems_(problems) {}

  void run() {
    for (const auto& item : items_) {
      if (const auto* zone = std::get_if<grid::Zone>(&item.noun)) zones_[zone->name] = {zone, item.resource};
      if (const auto* model = std::get_if<grid::Model>(&item.noun)) models_[model->name] = model;
      if (const auto* project = std::get_if<grid::Project>(&item.noun)) projects_[project->name] = project;
    }
    for (const auto& item : items_) {
      resource_ = item.resource;
      std::visit([this](const auto& n) { check(n); }, item.noun);
    }
  }

 private:
  struct ZoneAt {
    const grid::Zone* zone;
    const Resource* resource;
  };

  void note(std::string pointer, std::string message, std::string remedy) {
    problems_.push_back(problem_at(*resource_, std::move(pointer), std::move(message), std::move(remedy)));
  }

  template <class N>
  void check(const N&) {}

  void check(const grid::Zone& zone) {
    if (zone.jurisdictions.empty() && zone.include.empty()) {
      note("/spec", "zone " + json::quoted(zone.name) + " is empty",
           "list at least one jurisdiction, or include a zone");
    }
    std::vector<std::string> path = {zone.name};
    find_cycle(zone.name, path);
  }

  // Reported once per zone that leads back to itself; others on the way to it are not to blame.
  bool find_cycle(const std::string& start, std::vector<std::string>& path) {
    const auto it = zones_.find(path.back());
    if (it == zones_.end() || path.size() > zones_.size() + 1) return false;
    const grid::Zone& zone = *it->second.zone;
    for (const auto* list : {&zone.include, &zone.exclude, &zone.intersect}) {
      for (const auto& next : *list) {
        path.push_back(next);
        if (next == start) {
          note(list == &zone.include   ? "/spec/include"
               : list == &zone.exclude ? "/spec/exclude"
                                       : "/spec/intersect",
               fmt::format("zone {} is cyclic: {}", json::quoted(start), fmt::join(path, " → ")),
               "remove one of these references");
          return true;
        }
        const bool known = std::count(path.begin(), path.end(), next) > 1;
        if (!known && visited_[start].insert(next).second && find_cycle(start, path)) return true;
        path.pop_back();
      }
    }
    return false;
  }

  void check(const grid::Link& link) {
    if (link.a == link.b)
      note("/spec/b", fmt::format("both ends are {}", json::quoted(link.a)), "a link joins two sites");
    const auto ends = std::minmax(link.a, link.b);
    const auto [first, fresh] = links_.emplace(std::pair<std::string, std::string>(ends), link.name);
    if (!fresh) {
      note("/spec", fmt::format("{} and {} are joined by {} already", link.a, link.b, json::quoted(first->second)),
           "remove one of them");
    }
    for (const auto& [key, address] : link.dial) {
      const std::string site = key.substr(0, key.find('/'));
      if (site != link.a && site != link.b) {
        note("/spec/dial/" + key, fmt::format("{} is no end of this link", json::quoted(site)),
             fmt::format("use {} or {}", link.a, link.b));
      }
    }
    if (!link.source.empty() && link.source != "measured" && link.source != "derived") {
      note("/spec/source", json::quoted(link.source) + " is neither measured nor derived", "write one of them");
    }
  }

  void check(const grid::Node& node) {
    if (node.nameplate_w > 0 && node.idle_w > node.nameplate_w) {
      note("/spec/idle_w",
           fmt::format("idle_w is {:.10g} W, over nameplate_w, {:.10g} W", node.idle_w, node.nameplate_w),
           "swap them?");
    }
  }

  void check(const grid::Model& model) {
    for (std::size_t i = 0; i < model.aliases.size(); ++i) {
      const auto [owner, fresh] = aliases_.emplace(model.aliases[i], model.name);
      const bool taken = models_.count(model.aliases[i]) != 0 && model.aliases[i] != model.name;
      if (fresh && !taken) continue;
      note(fmt::format("/spec/aliases/{}", i),
           fmt::format("{} is already {} of model {}", json::quoted(model.aliases[i]), taken ? "the name" : "an alias",
                       json::quoted(taken ? model.aliases[i] : owner->second)),
           "choose another alias");
    }
  }

  void check(const grid::Deployment& d) {
    if (d.max_output_tokens > d.context_tokens) {
      const bool said = resource_->spec.contains("max_output_tokens");
      if (said) {
        note("/spec/max_output_tokens",
             fmt::format("max_output_tokens is {}, over context_tokens, {}", d.max_output_tokens, d.context_tokens),
             "an answer stands in the context: write less");
      }
    }
    const auto model = models_.find(d.model);
    if (model != models_.end() && d.context_tokens > model->second->context_tokens) {
      note("/spec/context_tokens",
           fmt::format("context_tokens is {}, over the {} of model {}", d.context_tokens, model->second->context_tokens,
                       json::quoted(d.model)),
           "write at most that");
    }
    if (!d.url.empty() && d.driver != grid::Driver::OpenAi) {
      note("/spec/url", "url is for driver openai only", "leave it out, or write driver: openai");
    }
  }

  void check(const grid::ApiKey& key) {
    const bool hex = key.kid.size() == 16 && key.kid.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!hex) note("/metadata/name", json::quoted(key.kid) + " is no key id", "a key id has 16 hexadecimal digits");
    const auto project = projects_.find(key.project);
    if (project != projects_.end() && project->second->tenant != key.tenant) {
      note("/spec/project",
           fmt::format("project {} belongs to tenant {}", json::quoted(key.project),
                       json::quoted(project->second->tenant)),
           "name a project of the key's tenant");
    }
  }

  const std::vector<Item>& items_;
  std::vector<Problem>& problems_;
  const Resource* resource_ = nullptr;
  std::map<std::string, ZoneAt> zones_;
  std::map<std::string, const grid::Model*> models_;
  std::map<std::string, const grid::Project*> projects_;
  std::map<std::pair<std::string, std::string>, std::string> links_;
  std::map<std::string, std::string> aliases_;
  std::map<std::string, std::set<std::string>> visited_;
};

}  // namespace

Checked to_inventory(const std::vector<Resource>& resources) {
  Checked out;
  Names names;
  std::map<std::pair<Kind, std::string>, const Resource*> first;
  std::vector<Item> items;
  std::vector<Item> flawed;  // whose references are looked at all the same: every mistake is said at once
  items.reserve(resources.size());
  for (const auto& r : resources) {
    names[static_cast<std::size_t>(r.kind)].insert(r.name);
    const auto [it, fresh] = first.emplace(std::pair(r.kind, r.name), &r);
    if (!fresh) {
      out.problems.push_back(problem_at(r, "/metadata/name",
                                        fmt::format("{} {} is defined twice", to_string(r.kind), json::quoted(r.name)),
                                        "remove one; the first is " + place(*it->second)));
      continue;
    }
    if (auto noun = decode(r, out.problems)) {
      items.push_back({&r, std::move(*noun)});
    } else {
      flawed.push_back({&r, decode_partly(r)});
    }
  }
  for (const auto* list : {&items, &flawed}) {
    for (const auto& item : *list) {
      References references(*item.resource, names, out.problems);
      std::visit([&references](const auto& n) { describe(n, references); }, item.noun);
    }
  }
  Checker(items, out.problems).run();
  for (auto& item : items) add(out.inventory, std::move(item.noun));
  sort_by_name(out.inventory);
  return out;
}

}  // namespace aigrid::api
