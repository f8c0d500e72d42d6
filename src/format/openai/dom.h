// Checked reading of simdjson elements: each returns false and fills the error with the parameter's path. Private to
// format/openai. Borrowed elements live as long as their parser.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "format/openai/error_body.h"
#include "grid/intent.h"

namespace aigrid::openai {

using Element = simdjson::dom::element;
using Object = simdjson::dom::object;
using Array = simdjson::dom::array;

class Checks {
 public:
  explicit Checks(ApiError& error) : error_(error) {}

  bool fail(std::string param, std::string message, std::string code = "invalid_value");
  bool unsupported(std::string param, std::string message) {
    return fail(std::move(param), std::move(message), "unsupported_parameter");
  }
  bool wrong_type(const std::string& param, const char* want, const Element& got);
  bool text(const std::string& param, const Element& e, std::string& out);
  bool flag(const std::string& param, const Element& e, bool& out);
  bool number(const std::string& param, const Element& e, double min, double max, double& out);
  bool whole(const std::string& param, const Element& e, std::int64_t min, std::int64_t max, std::int64_t& out);
  bool object(const std::string& param, const Element& e, Object& out);
  bool array(const std::string& param, const Element& e, Array& out);
  // Text, or a list of texts, none empty.
  bool texts(const std::string& param, const Element& e, std::vector<std::string>& out);

 private:
  ApiError& error_;
};

// `grid` and `provider` of a body: one intent more.
bool read_grid(Checks& checks, const Element& e, std::vector<grid::Intent>& out);
bool read_provider(Checks& checks, const Element& e, std::vector<grid::Intent>& out);

}  // namespace aigrid::openai
