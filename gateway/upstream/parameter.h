#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace souvenir::gateway {

// A parameter of a request, which may change the answer.
struct Parameter {
  std::string name;
  std::variant<bool, int64_t, std::string, double, uint64_t> value;

  bool operator==(const Parameter&) const = default;
};

}  // namespace souvenir::gateway
