#include "format/openai/answer.h"

#include "format/json/json.h"

namespace aigrid::openai {

std::string model_object(const ModelCard& model) {
  return R"({"id":)" + json::quoted(model.id) + R"(,"object":"model","created":)" +
         std::to_string(model.created_unix_s) + R"(,"owned_by":)" + json::quoted(model.owned_by) +
         R"(,"grid":{"task":")" + (model.task == grid::Task::Chat ? "chat" : "embedding") + R"("}})";
}

std::string models_list(const std::vector<ModelCard>& models) {
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < models.size(); ++i) out += (i == 0 ? "" : ",") + model_object(models[i]);
  return out + "]}";
}

std::string grid_object(const GridNote& note) {
  std::string out = R"({"request_id":)" + json::quoted(note.request_id);
  const auto text = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out.append(",\"").append(name).append("\":").append(json::quoted(value));
  };
  text("site", note.site);
  text("node", note.node);
  text("zone", note.zone);
  text("tier", note.tier);
  text("why", note.why);
  if (note.ttft_ms) out += ",\"ttft_ms\":" + json::dump(json::Json(*note.ttft_ms));
  if (note.resumed > 0) {
    out += ",\"resumed\":" + std::to_string(note.resumed);
    text("resumed_by", note.resumed_by);
  }
  if (note.hedged) out += ",\"hedged\":true";
  if (note.dry_run) out += ",\"dry_run\":true";
  if (note.predicted_ttft_ms) out += ",\"predicted_ttft_ms\":" + json::dump(json::Json(*note.predicted_ttft_ms));
  text("receipt", note.receipt);
  if (!note.price.empty()) out += ",\"price\":" + note.price;
  if (!note.explanation.empty()) out += ",\"explanation\":" + note.explanation;
  return out + "}";
}

ClosingText closing_events(const Closing& closing) {
  const std::string head = R"(data: {"id":)" + json::quoted(closing.id) +
                           R"(,"object":"chat.completion.chunk","created":)" + std::to_string(closing.created_unix_s) +
                           R"(,"model":)" + json::quoted(closing.model);
  std::string finish =
      head + R"(,"choices":[{"index":0,"delta":{},"finish_reason":)" + json::quoted(closing.finish_reason) + "}]";
  if (!closing.usage) return {"", std::move(finish)};
  const auto& usage = *closing.usage;
  std::string tail = head + R"(,"choices":[],"usage":{"prompt_tokens":)" + std::to_string(usage.prompt_tokens) +
                     R"(,"completion_tokens":)" + std::to_string(usage.completion_tokens) + R"(,"total_tokens":)" +
                     std::to_string(usage.prompt_tokens + usage.completion_tokens) + "}";
  return {finish + "}\n\n", std::move(tail)};
}

std::string_view service_tier_of(grid::Tier tier) {
  switch (tier) {
    case grid::Tier::Realtime: return "priority";
    case grid::Tier::Standard: return "default";
    case grid::Tier::Economy: return "flex";
    case grid::Tier::Batch: break;
  }
  return "batch";
}

std::string finish_object(std::string_view tail, std::string_view grid, std::string_view service_tier) {
  std::string out(tail);
  if (!out.empty() && out.back() != '{') out += ',';
  if (!service_tier.empty()) out.append("\"service_tier\":").append(json::quoted(service_tier)).append(",");
  return out.append("\"grid\":").append(grid).append("}");
}

std::string finish_stream(std::string_view tail, std::string_view grid, std::string_view service_tier) {
  return finish_object(tail, grid, service_tier) + "\n\ndata: [DONE]\n\n";
}

}  // namespace aigrid::openai
