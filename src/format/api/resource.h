// Resource: one object of the management API before it is a noun: kind, name, labels and spec as JSON, and where it was
// written. Decoding reports every problem at once, each with its place and what to do. Plain values, any thread.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "format/api/schema.h"

namespace aigrid::api {

using Json = nlohmann::json;

inline constexpr std::string_view kApiVersion = "aigrid/v1";
inline constexpr std::size_t kMaxProblems = 1000;  // of one apply; the rest is counted

struct Source {
  std::string file;
  int line = 0;                      // 1-based; 0: unknown
  std::map<std::string, int> lines;  // of JSON pointers, such as "/spec/rtt_ms"
};

struct Resource {
  Kind kind = Kind::Site;
  std::string name;
  Json labels = Json::object();
  Json spec = Json::object();
  Source source;
};

struct Problem {
  std::string file;
  int line = 0;
  std::string kind;
  std::string name;
  std::string pointer;  // JSON pointer into the resource
  std::string message;
  std::string remedy;

  bool operator==(const Problem&) const = default;
};

Json to_json(const Problem& problem);
std::string to_text(const Problem& problem);  // `sites.yaml:12: Site "paris": /spec/lat: …; …`
Problem problem_at(const Resource& resource, std::string pointer, std::string message, std::string remedy);

// Unknown fields are a mistake of a person, but normal in a bundle of a newer control plane.
enum class Unknown : std::uint8_t { Report, Skip };
std::optional<Noun> decode(const Resource& resource, std::vector<Problem>& problems, Unknown unknown = Unknown::Report);
// What of it can be read, the rest left out: to look at what a flawed resource refers to. Never to be used as a noun.
Noun decode_partly(const Resource& resource);

// The spec of a noun. Compact: without empty text, lists, maps and false.
enum class Layout : std::uint8_t { Whole, Compact };
Json to_json(const Noun& noun, Layout layout = Layout::Whole);
Resource to_resource(const Noun& noun);

// {"apiVersion","kind","metadata":{"name","labels"},"spec","source"?} and back. Several problems at once.
Json to_json(const Resource& resource);
std::optional<Resource> parse_json(const Json& value, std::vector<Problem>& problems);
// A name: 1 to 63 characters out of a-z 0-9 . _ -, starting with a letter or digit; models may also use A-Z / :.
bool valid_name(Kind kind, std::string_view name);

}  // namespace aigrid::api
