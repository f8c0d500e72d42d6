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
  text("why", note.why);
  if (note.ttft_ms) out += ",\"ttft_ms\":" + json::dump(json::Json(*note.ttft_ms));
  if (note.resumed > 0) {
    out += ",\"resumed\":" + std::to_string(note.resumed);
    text("resumed_by", note.resumed_by);
  }
  if (note.dry_run) out += ",\"dry_run\":true";
  if (note.predicted_ttft_ms) out += ",\"predicted_ttft_ms\":" + json::dump(json::Json(*note.predicted_ttft_ms));
  if (!note.price.empty()) out += ",\"price\":" + note.price;
  if (!note.explanation.empty()) out += ",\"explanation\":" + note.explanation;
  return out + "}";
}

std::string finish_object(std::string_view tail, std::string_view grid) {
  std::string out(tail);
  if (!out.empty() && out.back() != '{') out += ',';
  return out.append("\"grid\":").append(grid).append("}");
}

std::string finish_stream(std::string_view tail, std::string_view grid) {
  return finish_object(tail, grid) + "\n\ndata: [DONE]\n\n";
}

}  // namespace aigrid::openai
