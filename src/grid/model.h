// Models, deployments and prices. Plain values, any thread. Money in 1e-9 of the currency unit.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace aigrid::grid {

enum class Task : std::uint8_t { Chat, Embedding };

struct Model {
  std::string name;
  std::string family;
  std::string licence;
  std::string source;  // file name or URL of the weights, as the engine's driver takes it
  std::string sha256;  // of the file; empty: not checked
  Task task = Task::Chat;
  std::uint32_t context_tokens = 0;
  std::vector<std::string> aliases;
  std::vector<std::string> tenants;  // who may see it; empty: all
  std::string zone{};                // where it may execute (licence, export); empty: anywhere
};

enum class Driver : std::uint8_t { LlamaCpp, OpenAi };

// A model served on named nodes. placement: explicit.
struct Deployment {
  std::string name;
  std::string model;
  Driver driver = Driver::LlamaCpp;
  std::vector<std::string> nodes;
  std::string url;         // driver openai: the running server to adopt; "" : spawned
  std::string secret_env;  // variable holding the adopted server's key
  std::uint32_t slots = 2;
  std::uint32_t context_tokens = 2048;    // per slot
  std::uint32_t max_output_tokens = 512;  // when the client sets none
  std::map<std::string, std::string> arguments;
  // Priors until measured.
  double prefill_tokens_per_s = 150;
  double decode_tokens_per_s = 60;
};

struct Price {
  std::string model;
  std::int64_t input_nano_per_token = 0;
  std::int64_t output_nano_per_token = 0;
};

struct PriceBook {
  std::string name;
  std::string currency;
  std::vector<Price> prices;
};

}  // namespace aigrid::grid
