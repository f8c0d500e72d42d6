#include "format/api/resource.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest_name.h"
#include "format/api/describe.h"
#include "format/api/read_spec.h"
#include "format/json/json.h"

namespace aigrid::api {

namespace {

class Writer {
 public:
  explicit Writer(Layout layout) : layout_(layout) {}
  Json out = Json::object();

  template <class T>
  void operator()(const char* name, const T& v, const Rule& rule) {
    // Empty text, lists, maps and false are every such member's default; numbers have various ones and are always
    // written.
    if (layout_ == Layout::Compact && !rule.required) {
      if constexpr (std::is_same_v<T, bool>) {
        if (!v) return;
      } else if constexpr (!std::is_arithmetic_v<T> && !std::is_enum_v<T>) {
        if (v.empty()) return;
      }
    }
    if constexpr (std::is_same_v<T, std::int32_t>) {
      if (v < rule.min) return;  // not stated
    }
    if constexpr (std::is_enum_v<T>) {
      out[name] = Choices<T>::names.at(static_cast<std::size_t>(v));
    } else if constexpr (std::is_same_v<T, std::vector<grid::Price>>) {
      Json& list = out[name] = Json::array();
      for (const auto& p : v) {
        list.push_back(Json{{"model", p.model},
                            {"input_nano_per_token", p.input_nano_per_token},
                            {"output_nano_per_token", p.output_nano_per_token}});
      }
    } else if constexpr (std::is_same_v<T, grid::Limits>) {
      // Only what bounds: 0 is no limit.
      Writer members(Layout::Whole);
      describe(v, members);
      Json& object = out[name] = Json::object();
      for (const auto& [key, value] : members.out.items()) {
        if (value != 0) object[key] = value;
      }
    } else {
      out[name] = v;
    }
  }
  // Nothing but what was written: defaults of a clause or example say nothing.
  template <Part T>
  void operator()(const char* name, const std::vector<T>& v, const Rule&) {
    if (v.empty() && layout_ == Layout::Compact) return;
    Json& list = out[name] = Json::array();
    for (const auto& part : v) {
      Writer w(Layout::Compact);
      describe(part, w);
      list.push_back(std::move(w.out));
    }
  }

 private:
  Layout layout_;
};

bool one_of_names(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

void parse_metadata(const Json& metadata, Resource& r, std::vector<Problem>& problems) {
  for (const auto& [key, value] : metadata.items()) {
    if (key == "name") continue;
    if (key == "labels") {
      if (!value.is_object()) {
        problems.push_back(problem_at(r, "/metadata/labels", "labels must be a map of text", "write key: value lines"));
        continue;
      }
      r.labels = value;
    } else if (key != "resourceVersion" && key != "createdAt" && key != "changedBy" && key != "annotations") {
      const auto near = nearest_name(key, std::array<std::string_view, 2>{"name", "labels"});
      problems.push_back(problem_at(r, "/metadata/" + key, "unknown field " + json::quoted(key),
                                    near.empty() ? "metadata has name and labels" : "did you mean " + near + "?"));
    }
  }
}

std::optional<Kind> parse_kind_member(const Json& value, const Resource& r, std::vector<Problem>& problems) {
  const auto kind = value.find("kind");
  if (kind == value.end() || !kind->is_string()) {
    problems.push_back(
        problem_at(r, "/kind", "kind is missing", fmt::format("one of {}", fmt::join(kind_names(), ", "))));
    return std::nullopt;
  }
  const auto found = parse_kind(kind->get_ref<const std::string&>());
  if (!found) {
    const auto near = nearest_name(kind->get<std::string>(), kind_names());
    problems.push_back(problem_at(
        r, "/kind", "unknown kind " + json::dump(*kind),
        near.empty() ? fmt::format("one of {}", fmt::join(kind_names(), ", ")) : "did you mean " + near + "?"));
  }
  return found;
}

void parse_source(const Json& value, Source& out) {
  const auto source = value.find("source");
  if (source == value.end() || !source->is_object()) return;
  json::Reader r(*source);
  r.get("file", out.file).get("line", out.line);
  const Json* lines = r.object("lines");
  if (lines == nullptr) return;
  for (const auto& [pointer, line] : lines->items()) {
    if (line.is_number_integer()) out.lines[pointer] = line.get<int>();
  }
}

}  // namespace

bool valid_name(Kind kind, std::string_view name) {
  if (name.empty() || name.size() > (kind == Kind::Model ? 128 : 63)) return false;
  const auto letter = [kind](char c) { return one_of_names(c) || (kind == Kind::Model && c >= 'A' && c <= 'Z'); };
  if (!letter(name.front())) return false;
  for (char c : name) {
    const bool mark = c == '.' || c == '_' || c == '-' || (kind == Kind::Model && (c == '/' || c == ':'));
    if (!letter(c) && !mark) return false;
  }
  return name.find("..") == std::string_view::npos;
}

Problem problem_at(const Resource& r, std::string pointer, std::string message, std::string remedy) {
  int line = r.source.line;
  for (std::string at = pointer;;) {
    const auto it = r.source.lines.find(at);
    if (it != r.source.lines.end()) {
      line = it->second;
      break;
    }
    const auto slash = at.rfind('/');
    if (slash == std::string::npos) break;
    at.resize(slash);
  }
  constexpr std::size_t kShown = 128;  // of a name: no valid one is longer
  return {r.source.file,
          line,
          std::string(to_string(r.kind)),
          r.name.substr(0, kShown),
          std::move(pointer),
          std::move(message),
          std::move(remedy)};
}

Json to_json(const Problem& p) {
  return Json{{"file", p.file},       {"line", p.line},       {"kind", p.kind},    {"name", p.name},
              {"pointer", p.pointer}, {"message", p.message}, {"remedy", p.remedy}};
}

std::string to_text(const Problem& p) {
  std::string out;
  if (!p.file.empty()) out += p.file + (p.line > 0 ? ":" + std::to_string(p.line) : "") + ": ";
  if (!p.name.empty()) out += p.kind + " " + json::quoted(p.name) + ": ";
  if (!p.pointer.empty()) out += p.pointer + ": ";
  out += p.message;
  if (!p.remedy.empty()) out += "; " + p.remedy;
  return out;
}

std::optional<Noun> decode(const Resource& resource, std::vector<Problem>& problems, Unknown unknown) {
  const std::size_t before = problems.size();
  if (!valid_name(resource.kind, resource.name)) {
    problems.push_back(problem_at(resource, "/metadata/name",
                                  resource.name.empty()
                                      ? "name is missing"
                                      : "name " + json::quoted(resource.name.substr(0, 80)) + " is not allowed",
                                  "use 1 to 63 characters out of a-z 0-9 . _ -, starting with a letter or digit"));
  }
  Noun noun = blank(resource.kind);
  name_of(noun) = resource.name;
  SpecReader reader(resource, problems, unknown);
  if (!resource.spec.is_object()) {
    problems.push_back(problem_at(resource, "/spec", "spec must be an object", "write field: value lines under spec:"));
    return std::nullopt;
  }
  std::visit([&reader](auto& n) { describe(n, reader); }, noun);
  reader.report_unknown();
  if (auto* site = std::get_if<grid::Site>(&noun); site != nullptr && site->jurisdiction.empty()) {
    site->jurisdiction = site->country;
  }
  if (problems.size() != before) return std::nullopt;
  return noun;
}

Noun decode_partly(const Resource& resource) {
  Noun noun = blank(resource.kind);
  name_of(noun) = resource.name;
  std::vector<Problem> known;
  SpecReader reader(resource, known, Unknown::Skip);
  if (resource.spec.is_object()) std::visit([&reader](auto& n) { describe(n, reader); }, noun);
  return noun;
}

Json to_json(const Noun& noun, Layout layout) {
  Writer w(layout);
  std::visit([&w](const auto& n) { describe(n, w); }, noun);
  return std::move(w.out);
}

Resource to_resource(const Noun& noun) {
  Resource r;
  r.kind = kind_of(noun);
  r.name = name_of(noun);
  r.spec = to_json(noun);
  return r;
}

Json to_json(const Resource& r) {
  Json out{
      {"apiVersion", kApiVersion}, {"kind", to_string(r.kind)}, {"metadata", {{"name", r.name}}}, {"spec", r.spec}};
  if (!r.labels.empty()) out["metadata"]["labels"] = r.labels;
  if (!r.source.file.empty()) {
    out["source"] = Json{{"file", r.source.file}, {"line", r.source.line}, {"lines", r.source.lines}};
  }
  return out;
}

std::optional<Resource> parse_json(const Json& value, std::vector<Problem>& problems) {
  const std::size_t before = problems.size();
  Resource r;
  if (!value.is_object()) {
    problems.push_back({"", 0, "", "", "", "a resource must be an object, got " + std::string(json::type_name(value)),
                        "write apiVersion, kind, metadata and spec"});
    return std::nullopt;
  }
  parse_source(value, r.source);
  const auto metadata = value.find("metadata");
  const bool has_metadata = metadata != value.end() && metadata->is_object();
  if (has_metadata) {
    const auto name = metadata->find("name");
    if (name != metadata->end() && name->is_string()) r.name = name->get<std::string>();
  }
  const auto kind = parse_kind_member(value, r, problems);
  if (kind) r.kind = *kind;
  if (!has_metadata) problems.push_back(problem_at(r, "/metadata", "metadata is missing", "write metadata: {name: …}"));
  if (has_metadata) parse_metadata(*metadata, r, problems);
  const auto version = value.find("apiVersion");
  if (version == value.end() || *version != kApiVersion) {
    problems.push_back(problem_at(
        r, "/apiVersion",
        version == value.end() ? "apiVersion is missing" : "apiVersion " + json::dump(*version) + " is not known",
        "write apiVersion: " + std::string(kApiVersion)));
  }
  if (const auto spec = value.find("spec"); spec != value.end() && !spec->is_null()) r.spec = *spec;
  for (const auto& [key, member] : value.items()) {
    static constexpr std::array<std::string_view, 6> kKnown = {"apiVersion", "kind",   "metadata",
                                                               "spec",       "status", "source"};
    if (std::find(kKnown.begin(), kKnown.end(), key) != kKnown.end()) continue;
    const auto near = nearest_name(key, std::array<std::string_view, 4>{"apiVersion", "kind", "metadata", "spec"});
    problems.push_back(
        problem_at(r, "/" + key, "unknown field " + json::quoted(key),
                   near.empty() ? "fields of a resource stand under spec" : "did you mean " + near + "?"));
  }
  if (problems.size() != before) return std::nullopt;
  return r;
}

}  // namespace aigrid::api
