#include "format/openai/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "format/json/json.h"
#include "format/openai/dom.h"
#include "format/openai/intent.h"

namespace aigrid::openai {

namespace {

constexpr std::int64_t kMaxTokens = 100'000'000;

// Where the JSON breaks; only used once simdjson has refused it.
struct Locator : nlohmann::json_sax<json::Json> {
  std::size_t at = 0;
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    at = position;
    return false;
  }
};

ApiError not_json(std::string_view body, simdjson::error_code code) {
  if (code == simdjson::DEPTH_ERROR) {
    return {400, "invalid_json", fmt::format("the body is nested deeper than {} levels; flatten it", kMaxBodyDepth),
            ""};
  }
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return {400, "invalid_json", "the body is empty; send a JSON object", ""};
  }
  Locator locator;
  json::Json::sax_parse(body, &locator);
  const auto line =
      1 + std::count(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(std::min(locator.at, body.size())), '\n');
  return {400, "invalid_json",
          fmt::format("the body is not JSON: it breaks at byte {} (line {}); send one complete JSON object in UTF-8",
                      locator.at, line),
          ""};
}

class ChatScan {
 public:
  ChatScan(ApiError& error, RequestScan& out) : c_(error), out_(out) {}

  bool run(const Object& body) {
    for (const auto field : body) {
      if (!field.value.is_null() && !member(field.key, field.value)) return false;
    }
    if (!seen("model"))
      return c_.fail("model", "model is missing; name one of GET /v1/models", "missing_required_parameter");
    if (!seen("messages")) {
      return c_.fail("messages", "messages is missing; send at least one message", "missing_required_parameter");
    }
    if (seen("stream_options") && !out_.stream) {
      return c_.fail("stream_options", "stream_options needs stream: true");
    }
    if (service_tier_) {  // the farthest: grid.tier is the more exact word
      grid::Intent tier;
      tier.tier = service_tier_;
      out_.intents.insert(out_.intents.begin(), std::move(tier));
    }
    return true;
  }

 private:
  static constexpr std::array<std::string_view, 13> kOnce = {
      "model", "messages", "stream", "stream_options",  "max_tokens", "max_completion_tokens", "n",
      "grid",  "provider", "tools",  "response_format", "logprobs",   "service_tier"};

  bool seen(std::string_view key) const {
    const auto it = std::find(kOnce.begin(), kOnce.end(), key);
    return it != kOnce.end() && seen_[static_cast<std::size_t>(it - kOnce.begin())];
  }

  bool once(std::string_view key) {
    const auto it = std::find(kOnce.begin(), kOnce.end(), key);
    if (it == kOnce.end()) return true;
    bool& seen = seen_[static_cast<std::size_t>(it - kOnce.begin())];
    if (seen) return c_.fail(std::string(key), std::string(key) + " is given twice; send it once");
    seen = true;
    return true;
  }

  bool member(std::string_view key, const Element& e) {
    if (!once(key)) return false;
    const std::string p(key);
    double ignored = 0;
    if (key == "model") return model(e);
    if (key == "messages") return messages(e);
    if (key == "stream") return c_.flag(p, e, out_.stream);
    if (key == "stream_options") return stream_options(e);
    if (key == "max_tokens" || key == "max_completion_tokens") return max_tokens(p, e);
    if (key == "n") return count(e);
    if (key == "temperature") return c_.number(p, e, 0, 2, ignored);
    if (key == "top_p") return c_.number(p, e, 0, 1, ignored);
    if (key == "presence_penalty" || key == "frequency_penalty") return c_.number(p, e, -2, 2, ignored);
    if (key == "stop") return stop(e);
    if (key == "logit_bias") return logit_bias(e);
    if (key == "logprobs") return c_.flag(p, e, out_.logprobs);
    if (key == "top_logprobs") return whole_in(p, e, 0, 20);
    if (key == "seed") return whole_in(p, e, std::numeric_limits<std::int32_t>::min(), std::int64_t{1} << 53U);
    if (key == "tools") return tools(e);
    if (key == "response_format") return response_format(e);
    if (key == "grid") return read_grid(c_, e, out_.intents);
    if (key == "provider") return read_provider(c_, e, out_.intents);
    if (key == "service_tier") return service_tier(e);
    return meaning(key, e);
  }

  // Fields that would change the answer and that no engine here can honour. Everything else unknown is ignored.
  bool meaning(std::string_view key, const Element& e) {
    for (const std::string_view no : {"functions", "function_call", "audio", "web_search_options"}) {
      if (key == no) return c_.unsupported(std::string(key), std::string(key) + " is not supported; leave it out");
    }
    if (key == "modalities") {
      Array list;
      std::string word;
      if (!c_.array("modalities", e, list)) return false;
      for (const auto item : list) {
        if (!c_.text("modalities", item, word)) return false;
        if (word != "text") return c_.unsupported("modalities", "only text can be answered, not " + json::quoted(word));
      }
    }
    return true;
  }

  // What OpenAI calls our tiers; ours are understood too.
  bool service_tier(const Element& e) {
    std::string word;
    if (!c_.text("service_tier", e, word)) return false;
    out_.service_tier = true;
    service_tier_ = grid::find_tier(word);
    if (word == "default") service_tier_ = grid::Tier::Standard;
    if (word == "priority" || word == "fast") service_tier_ = grid::Tier::Realtime;
    if (word == "flex") service_tier_ = grid::Tier::Economy;
    if (service_tier_ || word == "auto") return true;
    return c_.fail("service_tier",
                   "service_tier is " + json::quoted(word) +
                       ", but must be auto, default, priority, fast, flex, realtime, standard, economy or batch");
  }

  bool whole_in(const std::string& p, const Element& e, std::int64_t min, std::int64_t max) {
    std::int64_t ignored = 0;
    return c_.whole(p, e, min, max, ignored);
  }

  bool model(const Element& e) {
    if (!c_.text("model", e, out_.model)) return false;
    if (out_.model.empty()) return c_.fail("model", "model is empty; name one of GET /v1/models");
    if (out_.model.size() > 256) return c_.fail("model", "model is longer than 256 bytes");
    return true;
  }

  bool stream_options(const Element& e) {
    Object options;
    if (!c_.object("stream_options", e, options)) return false;
    for (const auto field : options) {
      if (field.key == "include_usage" && !field.value.is_null() &&
          !c_.flag("stream_options.include_usage", field.value, out_.include_usage)) {
        return false;
      }
    }
    return true;
  }

  bool max_tokens(const std::string& p, const Element& e) {
    std::int64_t v = 0;
    if (!c_.whole(p, e, 1, kMaxTokens, v)) return false;
    const auto tokens = static_cast<std::uint32_t>(v);
    out_.max_output_tokens = std::min(tokens, out_.max_output_tokens.value_or(tokens));
    return true;
  }

  bool count(const Element& e) {
    std::int64_t v = 0;
    if (!c_.whole("n", e, 1, 128, v)) return false;
    // Engines report the usage of one choice only, so several could not be accounted exactly.
    return v == 1 ||
           c_.unsupported("n", fmt::format("n is {}, but one answer a request is served; send several requests", v));
  }

  bool stop(const Element& e) {
    std::string word;
    Array list;
    if (e.is_string()) return true;
    if (e.get(list) != simdjson::SUCCESS) return c_.wrong_type("stop", "text or a list of text", e);
    if (list.size() > 16) return c_.fail("stop", fmt::format("stop has {} entries, over the limit of 16", list.size()));
    for (const auto item : list) {
      if (!c_.text("stop", item, word)) return false;
    }
    return true;
  }

  bool logit_bias(const Element& e) {
    Object biases;
    double ignored = 0;
    if (!c_.object("logit_bias", e, biases)) return false;
    if (biases.size() > 1024) return c_.fail("logit_bias", "logit_bias has over 1024 entries");
    for (const auto field : biases) {
      if (!c_.number("logit_bias." + std::string(field.key), field.value, -100, 100, ignored)) return false;
    }
    return true;
  }

  bool tools(const Element& e) {
    Array list;
    Object tool;
    if (!c_.array("tools", e, list)) return false;
    if (list.size() > 128)
      return c_.fail("tools", fmt::format("tools has {} entries, over the limit of 128", list.size()));
    for (const auto item : list) {
      if (!c_.object("tools", item, tool)) return false;
    }
    out_.tools = list.size() > 0;
    return true;
  }

  bool response_format(const Element& e) {
    Object format;
    std::string type;
    if (!c_.object("response_format", e, format)) return false;
    Element word;
    if (format["type"].get(word) != simdjson::SUCCESS)
      return c_.fail("response_format.type", "response_format.type is missing");
    if (!c_.text("response_format.type", word, type)) return false;
    if (type != "text" && type != "json_object" && type != "json_schema") {
      return c_.fail("response_format.type", "response_format.type must be text, json_object or json_schema");
    }
    out_.response_format = type != "text";
    return true;
  }

  bool messages(const Element& e) {
    Array list;
    if (!c_.array("messages", e, list)) return false;
    std::size_t i = 0;
    for (const auto item : list) {
      if (!message(fmt::format("messages[{}]", i), item)) return false;
      if (++i > kMaxMessages) return c_.fail("messages", fmt::format("messages has over {} entries", kMaxMessages));
    }
    out_.messages = static_cast<std::uint32_t>(i);
    return i > 0 || c_.fail("messages", "messages is empty; send at least one message");
  }

  bool message(const std::string& at, const Element& e) {
    static constexpr std::array<std::string_view, 6> kRoles = {"system",    "developer", "user",
                                                               "assistant", "tool",      "function"};
    Object fields;
    if (!c_.object(at, e, fields)) return false;
    std::string role;
    bool content = false;
    bool calls = false;
    for (const auto field : fields) {
      if (field.value.is_null()) continue;
      if (field.key == "role" && !c_.text(at + ".role", field.value, role)) return false;
      if (field.key == "content") {
        content = true;
        if (!this->content(at + ".content", field.value)) return false;
      }
      if (field.key == "tool_calls" || field.key == "function_call") calls = true;
    }
    if (role.empty()) return c_.fail(at + ".role", at + ".role is missing", "missing_required_parameter");
    if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end()) {
      return c_.fail(at + ".role", fmt::format("{}.role is {}, none of {}", at, json::quoted(role.substr(0, 40)),
                                               fmt::join(kRoles, ", ")));
    }
    if (!content && !(role == "assistant" && calls)) {
      return c_.fail(at + ".content", at + ".content is missing", "missing_required_parameter");
    }
    return true;
  }

  bool content(const std::string& at, const Element& e) {
    std::string_view text;
    Array parts;
    if (e.get(text) == simdjson::SUCCESS) {
      out_.prompt_bytes += text.size();
      return true;
    }
    if (e.get(parts) != simdjson::SUCCESS) return c_.wrong_type(at, "text or a list of parts", e);
    for (const auto item : parts) {
      Object part;
      std::string type;
      if (!c_.object(at, item, part)) return false;
      for (const auto field : part) {
        if (field.key == "type" && !c_.text(at + ".type", field.value, type)) return false;
        if (field.key == "text" && field.value.get(text) == simdjson::SUCCESS) out_.prompt_bytes += text.size();
      }
      if (type != "text" && type != "refusal") {
        return c_.unsupported(
            at, fmt::format("{} has a part of type {}; only text is served", at, json::quoted(type.substr(0, 40))));
      }
    }
    return true;
  }

  Checks c_;
  RequestScan& out_;
  std::optional<grid::Tier> service_tier_;
  std::array<bool, kOnce.size()> seen_{};
};

class EmbeddingScan {
 public:
  EmbeddingScan(ApiError& error, RequestScan& out) : c_(error), out_(out) {}

  bool run(const Object& body) {
    for (const auto field : body) {
      if (!field.value.is_null() && !member(field.key, field.value)) return false;
    }
    if (out_.model.empty())
      return c_.fail("model", "model is missing; name one of GET /v1/models", "missing_required_parameter");
    if (!input_) return c_.fail("input", "input is missing; send text or a list of text", "missing_required_parameter");
    return true;
  }

 private:
  bool member(std::string_view key, const Element& e) {
    if (key == "model") {
      if (!out_.model.empty()) return c_.fail("model", "model is given twice; send it once");
      if (!c_.text("model", e, out_.model)) return false;
      return (!out_.model.empty() && out_.model.size() <= 256) || c_.fail("model", "model must be 1 to 256 bytes long");
    }
    if (key == "input") {
      if (input_) return c_.fail("input", "input is given twice; send it once");
      input_ = true;
      return input(e);
    }
    if (key == "encoding_format") {
      std::string word;
      if (!c_.text("encoding_format", e, word)) return false;
      out_.base64 = word == "base64";
      return word == "base64" || word == "float" ||
             c_.fail("encoding_format", "encoding_format must be float or base64");
    }
    if (key == "dimensions")
      return c_.unsupported("dimensions", "dimensions cannot be chosen; the model's own are given");
    if (key == "grid") return read_grid(c_, e, out_.intents);
    if (key == "provider") return read_provider(c_, e, out_.intents);
    return true;
  }

  bool input(const Element& e) {
    std::string_view text;
    Array list;
    if (e.get(text) == simdjson::SUCCESS) {
      out_.messages = 1;
      out_.prompt_bytes = text.size();
      return !text.empty() || c_.fail("input", "input is empty; send text");
    }
    if (e.get(list) != simdjson::SUCCESS) return c_.wrong_type("input", "text or a list of text", e);
    for (const auto item : list) {
      if (item.get(text) == simdjson::SUCCESS) {
        if (text.empty()) return c_.fail("input", "input has an empty text");
        out_.prompt_bytes += text.size();
      } else {
        return c_.unsupported("input", "input as token ids is not supported; send text");
      }
      if (++out_.messages > kMaxInputs) return c_.fail("input", fmt::format("input has over {} entries", kMaxInputs));
    }
    return out_.messages > 0 || c_.fail("input", "input is an empty list; send at least one text");
  }

  Checks c_;
  RequestScan& out_;
  bool input_ = false;
};

template <class Scan>
Scanned<RequestScan> scan(std::string_view body) {
  simdjson::dom::parser parser;
  // simdjson reads up to SIMDJSON_PADDING bytes past the end, so it is given its own padded copy of the body.
  const simdjson::padded_string padded(body);
  Element root;
  auto code = parser.allocate(body.size(), kMaxBodyDepth);
  if (code == simdjson::SUCCESS) code = parser.parse(padded).get(root);
  if (code != simdjson::SUCCESS) return tl::unexpected(not_json(body, code));
  Object object;
  if (root.get(object) != simdjson::SUCCESS) {
    return tl::unexpected(ApiError{400, "invalid_json", "the body must be a JSON object", ""});
  }
  RequestScan out;
  ApiError error;
  if (!Scan(error, out).run(object)) return tl::unexpected(std::move(error));
  return out;
}

}  // namespace

std::uint32_t RequestScan::estimated_prompt_tokens() const {
  const std::uint64_t tokens = prompt_bytes / 4 + prompt_token_ids + std::uint64_t{messages} * 4 + 1;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(tokens, std::numeric_limits<std::uint32_t>::max()));
}

Scanned<RequestScan> scan_chat(std::string_view body) { return scan<ChatScan>(body); }
Scanned<RequestScan> scan_embeddings(std::string_view body) { return scan<EmbeddingScan>(body); }

}  // namespace aigrid::openai
