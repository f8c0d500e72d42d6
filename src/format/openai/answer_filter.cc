// The engine's answer, event by event, made into the client's. Its form (order of members, extra ones) stays the
// engine's own; identity, usage and what is hidden are ours.
#include <algorithm>
#include <utility>

#include "format/json/json.h"
#include "format/openai/edit.h"
#include "format/openai/engine_message.h"

namespace aigrid::openai {

namespace {

using Ordered = nlohmann::ordered_json;

Error broken(std::string message) { return {Code::DataLoss, Origin::Upstream, Retry::Elsewhere, std::move(message)}; }

std::string dump(const Ordered& v) { return v.dump(-1, ' ', false, Ordered::error_handler_t::replace); }

std::uint64_t natural(const Ordered& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_number_integer() || *it < 0) return 0;
  return it->get<std::uint64_t>();
}

std::string finish_of(const Ordered& object) {
  const auto choices = object.find("choices");
  if (choices == object.end() || !choices->is_array()) return {};
  for (const auto& choice : *choices) {
    if (!choice.is_object()) continue;
    const auto it = choice.find("finish_reason");
    if (it != choice.end() && it->is_string()) return it->get<std::string>();
  }
  return {};
}

// The engine's extras go, ours come; order is the engine's.
void brand(Ordered& object, const AnswerEdit& edit) {
  for (const char* name : {"timings", "__verbose", "prompt_progress", "id_slot"}) object.erase(name);
  if (!edit.embeddings) {
    object["id"] = edit.id;
    object["created"] = edit.created_unix_s;
  }
  object["model"] = edit.model;
}

Result<Ordered> parse_answer(std::string_view text) {
  Ordered object = Ordered::parse(text, nullptr, false);
  if (!object.is_object()) {
    return broken("the engine's answer is not a JSON object: " + json::quoted(text.substr(0, 60)) +
                  "; try another node");
  }
  if (const auto message = engine_message(object); !message.empty()) {
    return Error{Code::Unavailable, Origin::Upstream, Retry::Elsewhere, "the engine failed: " + message};
  }
  return object;
}

bool has_text(const Ordered& delta, const char* name) {
  const auto it = delta.find(name);
  return it != delta.end() && it->is_string() && !it->get_ref<const std::string&>().empty();
}

std::int64_t index_of(const Ordered& choice) {
  const auto it = choice.find("index");
  return it != choice.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
}

// What one event brings, of all its choices.
struct Reading {
  bool output = false;  // something was generated
  bool opening = true;  // names roles, and nothing else
  bool finished = false;
  std::int64_t index = 0;
};

void read_delta(const Ordered& delta, Reading& out, AnswerFilter::Piece& piece) {
  if (has_text(delta, "content")) piece.text += delta["content"].get_ref<const std::string&>();
  for (const char* other : {"reasoning_content", "reasoning", "refusal"}) {
    if (has_text(delta, other)) piece.plain = false;
  }
  if (delta.contains("tool_calls") && !delta["tool_calls"].is_null()) piece.plain = false;
  const bool brings = has_text(delta, "content") || !piece.plain;
  out.output = out.output || brings;
  if (brings || !delta.contains("role")) out.opening = false;
}

Reading read_choices(Ordered& choices, const AnswerEdit& edit, AnswerFilter::Piece& piece) {
  Reading out;
  out.opening = !choices.empty();
  for (auto& choice : choices) {
    if (!choice.is_object()) continue;
    out.index = index_of(choice);
    if (const auto delta = choice.find("delta"); delta != choice.end() && delta->is_object()) {
      read_delta(*delta, out, piece);
      if (edit.resumed > 0) delta->erase("role");
    } else {
      out.opening = false;
    }
    const auto finish = choice.find("finish_reason");
    if (finish != choice.end() && finish->is_string()) out.finished = true;
    const auto logprobs = choice.find("logprobs");
    if (logprobs == choice.end() || !logprobs->is_object()) continue;
    if (const auto content = logprobs->find("content"); content != logprobs->end() && content->is_array()) {
      for (const auto& token : *content) {
        if (token.is_object() && token.contains("id") && token["id"].is_number_unsigned()) {
          piece.ids.push_back(token["id"].get<std::uint32_t>());
        }
      }
    }
    if (edit.hide_logprobs) choice.erase("logprobs");
  }
  if (out.finished) out.opening = false;
  return out;
}

}  // namespace

void AnswerFilter::Piece::append(Piece more) {
  client += more.client;
  tokens += more.tokens;
  ids.insert(ids.end(), more.ids.begin(), more.ids.end());
  text += more.text;
  plain = plain && more.plain;
}

// Engines say their usage at the end in an event of its own, several of them when there are several choices; some say
// it with every event, as a running total.
void AnswerFilter::count_usage(const Json& u, bool alone) {
  grid::Usage now{natural(u, "prompt_tokens"), natural(u, "completion_tokens"), 0};
  const auto details = u.find("prompt_tokens_details");
  if (details != u.end() && details->is_object()) now.cached_tokens = natural(*details, "cached_tokens");
  now.prompt_tokens -= std::min<std::uint64_t>(edit_.resumed, now.prompt_tokens);
  now.cached_tokens = std::min(now.cached_tokens, now.prompt_tokens);
  now.completion_tokens += usage_alone_ && alone ? usage_.completion_tokens : edit_.resumed;
  usage_ = now;
  usage_seen_ = u;
  usage_exact_ = prompt_known_ = true;
  usage_alone_ = alone;
}

// How many tokens this event adds.
std::uint32_t AnswerFilter::count(const Json& object, std::int64_t choice, bool output) {
  const bool alone = object.at("choices").empty();
  const auto usage = object.find("usage");
  if (usage != object.end() && usage->is_object()) count_usage(*usage, alone);
  std::uint64_t& seen = seen_[choice];
  std::uint64_t now = seen + (output ? 1 : 0);
  if (const auto timings = object.find("timings"); timings != object.end() && timings->is_object()) {
    if (const auto exact = natural(*timings, "predicted_n"); !alone && exact != 0) now = std::max(seen, exact);
    if (!usage_exact_) {  // for an answer that is cut: its usage event never comes
      const std::uint64_t cached = natural(*timings, "cache_n");
      const std::uint64_t prompt = natural(*timings, "prompt_n") + cached;
      usage_.prompt_tokens = prompt - std::min<std::uint64_t>(edit_.resumed, prompt);
      usage_.cached_tokens = std::min(cached, usage_.prompt_tokens);
      prompt_known_ = true;
    }
  }
  const std::uint64_t added = now - seen;
  seen = now;
  counted_ += added;
  if (!usage_exact_) usage_.completion_tokens = counted_;
  return static_cast<std::uint32_t>(added);
}

// An event that only names roles waits for the next; of a resumed answer, and said again, it goes.
void AnswerFilter::hold_opening(const Json& choices, const std::string& text) {
  bool fresh = false;
  for (const auto& choice : choices) fresh = opened_.insert(choice.is_object() ? index_of(choice) : 0).second || fresh;
  if (fresh && edit_.resumed == 0) opening_ += text;
}

Result<AnswerFilter::Piece> AnswerFilter::event(std::string_view payload) {
  if (payload == "[DONE]") return finish_stream();
  AIGRID_TRY(Ordered object, parse_answer(payload));
  const auto choices = object.find("choices");
  if (choices == object.end() || !choices->is_array()) {
    return broken("the engine's event has no choices: " + json::quoted(payload.substr(0, 60)) + "; try another node");
  }
  Piece piece;
  const Reading reading = read_choices(*choices, edit_, piece);
  piece.tokens = count(object, reading.index, reading.output);
  if (reading.finished) finish_ = finish_of(object);
  if (choices->empty()) return Piece{};  // usage, or nothing: usage is said at the end
  object.erase("usage");
  brand(object, edit_);
  if (edit_.join) {
    join_.add(object);
    return piece;
  }
  std::string text = "data: " + dump(object);
  if (reading.opening) {
    hold_opening(*object.find("choices"), text + "\n\n");  // found again: what was found before went with the edits
    return Piece{};
  }
  Piece out;
  if (!held_.empty()) {
    out.append(std::exchange(unsent_, {}));
    out.client += held_ + "}\n\n";
    held_.clear();
  }
  out.client += std::exchange(opening_, {});
  if (reading.finished) {
    text.pop_back();
    held_ = std::move(text);
    unsent_ = std::move(piece);
    return out;
  }
  piece.client = text + "\n\n";
  out.append(std::move(piece));
  return out;
}

Ordered AnswerFilter::usage_object() const {
  Ordered out = usage_seen_.is_object() ? usage_seen_ : Ordered::object();
  out["prompt_tokens"] = usage_.prompt_tokens;
  out["completion_tokens"] = usage_.completion_tokens;
  out["total_tokens"] = usage_.prompt_tokens + usage_.completion_tokens;
  const auto details = out.find("prompt_tokens_details");
  if (details != out.end() && details->is_object()) (*details)["cached_tokens"] = usage_.cached_tokens;
  return out;
}

Result<AnswerFilter::Piece> AnswerFilter::finish_stream() {
  done_ = true;
  if (finish_.empty()) return broken("the engine's stream ended without a finish reason; try another node");
  if (!usage_exact_) usage_.completion_tokens = counted_;
  Piece out;
  if (edit_.join) {
    Ordered whole = join_.whole();
    whole["usage"] = usage_object();
    held_ = dump(whole);
    held_.pop_back();
    return out;
  }
  if (!edit_.client_wants_usage) return out;
  out = std::move(unsent_);
  out.client += std::exchange(opening_, {}) + held_ + "}\n\n";
  Ordered last{{"id", edit_.id},       {"object", "chat.completion.chunk"}, {"created", edit_.created_unix_s},
               {"model", edit_.model}, {"choices", Ordered::array()},       {"usage", usage_object()}};
  held_ = "data: " + dump(last);
  held_.pop_back();
  return out;
}

Result<std::uint32_t> AnswerFilter::whole(std::string_view body) {
  AIGRID_TRY(Ordered object, parse_answer(body));
  if (!object.contains(edit_.embeddings ? "data" : "choices")) {
    return broken("the engine's answer has neither choices nor data; try another node");
  }
  if (const auto usage = object.find("usage"); usage != object.end() && usage->is_object()) count_usage(*usage, true);
  finish_ = edit_.embeddings ? "stop" : finish_of(object);
  brand(object, edit_);
  held_ = dump(object);
  held_.pop_back();
  done_ = true;
  return static_cast<std::uint32_t>(usage_.completion_tokens);
}

}  // namespace aigrid::openai
