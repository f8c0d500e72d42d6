// Texts recorded from real engines, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "engine/driver.h"

namespace aigrid::engine {

inline std::string recorded(const std::string& name) {
  std::ifstream in(std::string(AIGRID_TEST_DATA) + "/engines/" + name, std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

// Samples without labels, one a line.
inline Sample samples(const std::string& text) {
  std::map<std::string, double> values;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.empty() || line[0] == '#') continue;
    const auto space = line.find(' ');
    values[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  return [values](std::string_view name) -> std::optional<double> {
    const auto it = values.find(std::string(name));
    if (it == values.end()) return std::nullopt;
    return it->second;
  };
}

}  // namespace aigrid::engine
