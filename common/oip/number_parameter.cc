#include "common/oip/number_parameter.h"

#include <fmt/format.h>

#include <string>

namespace souvenir {
namespace {

std::string Describe(const inference::InferParameter& parameter) {
  using inference::InferParameter;
  switch (parameter.parameter_choice_case()) {
    case InferParameter::kBoolParam:
      return parameter.bool_param() ? "true" : "false";
    case InferParameter::kInt64Param:
      return fmt::format("{}", parameter.int64_param());
    case InferParameter::kUint64Param:
      return fmt::format("{}", parameter.uint64_param());
    case InferParameter::kDoubleParam:
      return fmt::format("the floating-point number {}", parameter.double_param());
    case InferParameter::kStringParam:
      return "a text";
    case InferParameter::PARAMETER_CHOICE_NOT_SET:
      break;
  }
  return "no value";
}

}  // namespace

absl::StatusOr<uint64_t> NumberParameter(std::string_view name,
                                         const inference::InferParameter& parameter) {
  if (parameter.has_uint64_param()) return parameter.uint64_param();
  if (parameter.has_int64_param() && parameter.int64_param() >= 0) {
    return static_cast<uint64_t>(parameter.int64_param());
  }
  return absl::InvalidArgumentError(fmt::format(
      "parameter '{}': {} came, an integer of 0 or more is expected", name, Describe(parameter)));
}

}  // namespace souvenir
