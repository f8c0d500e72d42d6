// SpecReader: the visitor of describe() that reads a spec into a noun and notes every problem with its place and
// remedy. Private to format/api. Borrows the resource and the list of problems.
#pragma once

#include <string>
#include <vector>

#include "format/api/describe.h"
#include "format/api/resource.h"

namespace aigrid::api {

class SpecReader {
 public:
  SpecReader(const Resource& resource, std::vector<Problem>& problems, Unknown unknown = Unknown::Report)
      : SpecReader(resource, resource.spec, kSpec, problems, unknown) {}

  void operator()(const char* name, std::string& out, const Rule& rule);
  void operator()(const char* name, bool& out, const Rule& rule);
  void operator()(const char* name, double& out, const Rule& rule);
  void operator()(const char* name, std::vector<std::string>& out, const Rule& rule);
  void operator()(const char* name, std::map<std::string, std::string>& out, const Rule& rule);
  void operator()(const char* name, std::vector<grid::Price>& out, const Rule& rule);
  template <Part T>
  void operator()(const char* name, std::vector<T>& out, const Rule& rule) {
    const Json* list = parts(name, rule);
    if (list == nullptr) return;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const std::string pointer = at(name) + "/" + std::to_string(i);
      if (!(*list)[i].is_object()) {
        wrong_part(pointer, (*list)[i]);
        continue;
      }
      SpecReader reader(resource_, (*list)[i], pointer, problems_, unknown_);
      describe(out.emplace_back(), reader);
      reader.report_unknown();
    }
  }
  void operator()(const char* name, grid::Limits& out, const Rule& rule);
  template <class T>
  void operator()(const char* name, T& out, const Rule& rule) {
    if constexpr (std::is_enum_v<T>) {
      std::size_t index = static_cast<std::size_t>(out);
      choice(name, {Choices<T>::names.begin(), Choices<T>::names.end()}, index, rule);
      out = static_cast<T>(index);
    } else {
      std::int64_t wide = out;
      const auto most = static_cast<double>(std::numeric_limits<T>::max());
      whole(name, wide, std::max(rule.min, std::is_signed_v<T> ? -most : 0), std::min(rule.max, most), rule);
      out = static_cast<T>(wide);
    }
  }
  // After describe(): members of the spec that no field claimed, where they are to be reported.
  void report_unknown();

 private:
  static constexpr const char* kSpec = "/spec";

  SpecReader(const Resource& resource, const Json& object, std::string pointer, std::vector<Problem>& problems,
             Unknown unknown)
      : resource_(resource), object_(object), pointer_(std::move(pointer)), problems_(problems), unknown_(unknown) {}
  std::string at(const std::string& name) const { return pointer_ + "/" + name; }
  const Json* parts(const char* name, const Rule& rule);
  void wrong_part(const std::string& pointer, const Json& got);
  const Json* find(const char* name, const Rule& rule);
  void wrong(const std::string& pointer, std::string message, std::string remedy);
  void wrong_type(const char* name, const Json& got, const char* type, const Rule& rule);
  void check_form(const std::string& pointer, const std::string& value, const Rule& rule);
  void choice(const char* name, const std::vector<std::string>& names, std::size_t& index, const Rule& rule);
  void whole(const char* name, std::int64_t& out, double min, double max, const Rule& rule);
  bool in_range(const char* name, double value, double min, double max, const Rule& rule);

  const Resource& resource_;
  const Json& object_;   // the spec, or one object in a list of it
  std::string pointer_;  // of object_
  std::vector<Problem>& problems_;
  Unknown unknown_;
  std::vector<std::string> known_;
};

}  // namespace aigrid::api
