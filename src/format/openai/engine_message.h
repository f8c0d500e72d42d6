// What an engine says went wrong: the text of its `error`, in either shape that engines use; empty: it has none.
// Pure, any thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace aigrid::openai {

inline std::string engine_message(const nlohmann::ordered_json& object) {
  const auto error = object.find("error");
  if (error == object.end()) return {};
  if (error->is_string()) return error->get<std::string>();
  if (error->is_object()) {
    const auto message = error->find("message");
    if (message != error->end() && message->is_string()) return message->get<std::string>();
  }
  return "the engine gave no reason";
}

}  // namespace aigrid::openai
