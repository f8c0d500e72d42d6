#include "format/api/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "format/json/json.h"

namespace aigrid::api {

namespace {

// A document into JSON, noting lines by JSON pointer.
class Converter {
 public:
  Converter(const std::string& file, std::vector<Problem>& problems) : file_(file), problems_(problems) {}

  std::map<std::string, int> lines;

  Json convert(const YAML::Node& node, const std::string& pointer, unsigned depth) {
    if (++values_ > kMaxYamlValues)
      return give_up(node, "the file expands to over 100000 values", "split it, and use fewer aliases");
    if (depth > kMaxYamlDepth) return give_up(node, "the document is nested deeper than 64 levels", "flatten it");
    switch (node.Type()) {
      case YAML::NodeType::Map: return map(node, pointer, depth);
      case YAML::NodeType::Sequence: {
        Json out = Json::array();
        std::size_t i = 0;
        for (const auto& item : node) {
          if (stopped_) break;
          const std::string at = pointer + "/" + std::to_string(i++);
          lines[at] = line_of(item);
          out.push_back(convert(item, at, depth + 1));
        }
        return out;
      }
      case YAML::NodeType::Scalar: return pointer == "/metadata/name" ? Json(node.Scalar()) : scalar(node);
      default: return nullptr;
    }
  }
  bool stopped() const { return stopped_; }
  static int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

 private:
  Json map(const YAML::Node& node, const std::string& pointer, unsigned depth) {
    Json out = Json::object();
    for (const auto& entry : node) {
      if (stopped_) break;
      const int line = line_of(entry.first);
      if (!entry.first.IsScalar()) {
        note(line, pointer, "a field's name must be text", "write name: value");
        continue;
      }
      const std::string& key = entry.first.Scalar();
      const std::string at = pointer + "/" + key;
      if (out.contains(key)) {
        note(line, at, "field " + json::quoted(key) + " is given twice",
             "remove one; the first is on line " + std::to_string(lines[at]));
        continue;
      }
      lines[at] = line;
      out[key] = convert(entry.second, at, depth + 1);
    }
    return out;
  }

  static Json scalar(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    if (node.Tag() == "!") return text;  // quoted
    if (text.empty() || text == "~" || text == "null") return nullptr;
    if (text == "true" || text == "false") return text == "true";
    const char* end = text.data() + text.size();
    const bool sign = text[0] == '-';
    const bool octal_looking =
        text.size() > 1 + sign && text[sign] == '0' && text[1 + sign] >= '0' && text[1 + sign] <= '9';
    if (octal_looking) return text;
    std::int64_t whole = 0;
    if (const auto r = std::from_chars(text.data(), end, whole); r.ec == std::errc() && r.ptr == end) return whole;
    double number = 0;
    const bool digits = text.find_first_not_of("+-.0123456789eE") == std::string::npos &&
                        text.find_first_of("0123456789") != std::string::npos;
    if (digits) {
      const auto r = std::from_chars(text.data(), end, number);
      if (r.ec == std::errc() && r.ptr == end && std::isfinite(number)) return number;
    }
    return text;
  }

  void note(int line, const std::string& pointer, std::string message, std::string remedy) {
    problems_.push_back({file_, line, "", "", pointer, std::move(message), std::move(remedy)});
  }
  Json give_up(const YAML::Node& node, std::string message, std::string remedy) {
    if (!stopped_) note(line_of(node), "", std::move(message), std::move(remedy));
    stopped_ = true;
    return nullptr;
  }

  const std::string& file_;
  std::vector<Problem>& problems_;
  std::size_t values_ = 0;
  bool stopped_ = false;
};

void read_document(const std::string& file, const YAML::Node& node, ParsedFile& out) {
  if (!node.IsDefined() || node.IsNull()) return;
  Converter converter(file, out.problems);
  const std::size_t before = out.problems.size();
  Json value = converter.convert(node, "", 0);
  if (converter.stopped()) return;
  const int line = Converter::line_of(node);
  if (value.is_object()) value["source"] = Json{{"file", file}, {"line", line}, {"lines", converter.lines}};
  auto resource = parse_json(value, out.problems);
  if (resource) {
    (void)decode(*resource, out.problems);
    out.resources.push_back(std::move(*resource));
  }
  for (std::size_t i = before; i < out.problems.size(); ++i) {
    if (out.problems[i].file.empty()) out.problems[i].file = file;
    if (out.problems[i].line == 0) out.problems[i].line = line;
  }
}

// Reads events and keeps nothing.
class Silent final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// On some malformed texts (such as ",j") yaml-cpp gives documents without end and without moving on. A document needs a
// line of its own, so a text with more documents than lines is one of them.
bool endless(std::string_view text) {
  std::istringstream in{std::string(text)};
  YAML::Parser parser(in);
  Silent silent;
  auto most = std::count(text.begin(), text.end(), '\n') + 1;
  while (parser.HandleNextDocument(silent)) {
    if (most-- == 0) return true;
  }
  return false;
}

}  // namespace

ParsedFile parse_yaml(const std::string& file, std::string_view text) {
  ParsedFile out;
  if (text.size() > kMaxYamlBytes) {
    out.problems.push_back({file, 0, "", "", "",
                            "the file has " + std::to_string(text.size()) + " bytes, over the limit of 1048576",
                            "split it into several files"});
    return out;
  }
  // yaml-cpp reports by exception only; this is its one door.
  try {
    if (endless(text)) {
      out.problems.push_back(
          {file, 1, "", "", "", "not YAML: a document does not end", "begin each with --- on a line"});
      return out;
    }
    for (const auto& document : YAML::LoadAll(std::string(text))) read_document(file, document, out);
  } catch (const YAML::Exception& e) {
    out.problems.push_back(
        {file, e.mark.line + 1, "", "", "", "not YAML: " + e.msg, "mend the line, or the one before it"});
  }
  return out;
}

}  // namespace aigrid::api
