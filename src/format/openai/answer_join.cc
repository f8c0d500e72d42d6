#include "format/openai/answer_join.h"

#include <string>

namespace aigrid::openai {

namespace {

using Ordered = nlohmann::ordered_json;

constexpr std::size_t kMostToolCalls = 1024;

std::int64_t index_of(const Ordered& object) {
  const auto it = object.find("index");
  return it != object.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
}

// What comes in parts is appended; what names something comes once.
void append_text(Ordered& into, const char* name, const Ordered& part) {
  Ordered& held = into[name];
  held = held.is_string() ? Ordered(held.get<std::string>() + part.get<std::string>()) : part;
}

void add_tool_call(Ordered& calls, const Ordered& part) {
  if (!part.is_object()) return;
  const auto at = static_cast<std::size_t>(std::max<std::int64_t>(index_of(part), 0));
  if (at >= kMostToolCalls) return;
  while (calls.size() <= at) calls.push_back(Ordered::object());
  Ordered& call = calls[at];
  for (const auto& [key, value] : part.items()) {
    if (key == "index" || value.is_null()) continue;
    if (key != "function" || !value.is_object()) {
      if (!call.contains(key) || value != "") call[key] = value;
      continue;
    }
    Ordered& function = call["function"];
    for (const auto& [name, text] : value.items()) {
      if (text.is_string()) append_text(function, name.c_str(), text);
    }
  }
}

void add_delta(Ordered& message, const Ordered& delta) {
  for (const auto& [key, value] : delta.items()) {
    if (value.is_null()) continue;
    if (key == "role") {
      if (!message.contains("role")) message["role"] = value;
    } else if (key == "tool_calls" && value.is_array()) {
      Ordered& calls = message["tool_calls"];
      if (!calls.is_array()) calls = Ordered::array();
      for (const auto& part : value) add_tool_call(calls, part);
    } else if (key == "function_call" && value.is_object()) {
      for (const auto& [name, text] : value.items()) {
        if (text.is_string()) append_text(message["function_call"], name.c_str(), text);
      }
    } else if (value.is_string()) {
      append_text(message, key.c_str(), value);
    } else {
      message[key] = value;
    }
  }
}

void add_logprobs(Ordered& into, const Ordered& part) {
  if (!part.is_object()) return;
  for (const auto& [key, value] : part.items()) {
    if (!value.is_array()) continue;
    Ordered& list = into[key];
    if (!list.is_array()) list = Ordered::array();
    for (const auto& item : value) list.push_back(item);
  }
}

}  // namespace

void AnswerJoin::add(const Ordered& chunk) {
  for (const auto& [key, value] : chunk.items()) {
    if (key != "choices" && key != "usage" && key != "object" && !value.is_null()) top_[key] = value;
  }
  const auto choices = chunk.find("choices");
  if (choices == chunk.end() || !choices->is_array()) return;
  for (const auto& part : *choices) {
    if (!part.is_object()) continue;
    Choice& choice = choices_[index_of(part)];
    if (const auto delta = part.find("delta"); delta != part.end() && delta->is_object()) {
      add_delta(choice.message, *delta);
    }
    if (const auto it = part.find("logprobs"); it != part.end()) add_logprobs(choice.logprobs, *it);
    if (const auto it = part.find("finish_reason"); it != part.end() && it->is_string()) choice.finish = *it;
  }
}

Ordered AnswerJoin::whole() const {
  Ordered out = Ordered::object();
  const auto take = [&](const char* name) {
    if (const auto it = top_.find(name); it != top_.end()) out[name] = *it;
  };
  take("id");
  out["object"] = "chat.completion";
  take("created");
  take("model");
  out["choices"] = Ordered::array();
  for (const auto& [index, choice] : choices_) {
    Ordered message{{"role", choice.message.value("role", "assistant")}};
    const bool calls = choice.message.contains("tool_calls") || choice.message.contains("function_call");
    message["content"] = calls ? Ordered() : Ordered("");
    for (const auto& [key, value] : choice.message.items()) {
      if (key != "role") message[key] = value;
    }
    Ordered made{{"index", index}, {"message", std::move(message)}};
    if (!choice.logprobs.is_null()) made["logprobs"] = choice.logprobs;
    made["finish_reason"] = choice.finish;
    out["choices"].push_back(std::move(made));
  }
  for (const auto& [key, value] : top_.items()) {
    if (!out.contains(key)) out[key] = value;
  }
  return out;
}

}  // namespace aigrid::openai
