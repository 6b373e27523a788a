#include "gateway/rpc/parameter_messages.h"

#include <fmt/format.h>

namespace souvenir::gateway {

absl::StatusOr<Parameter> ReadParameter(const std::string& name,
                                        const inference::InferParameter& value) {
  Parameter parameter{name, false};
  switch (value.parameter_choice_case()) {
    case inference::InferParameter::kBoolParam:
      parameter.value = value.bool_param();
      return parameter;
    case inference::InferParameter::kInt64Param:
      parameter.value = value.int64_param();
      return parameter;
    case inference::InferParameter::kStringParam:
      parameter.value = value.string_param();
      return parameter;
    case inference::InferParameter::kDoubleParam:
      parameter.value = value.double_param();
      return parameter;
    case inference::InferParameter::kUint64Param:
      parameter.value = value.uint64_param();
      return parameter;
    case inference::InferParameter::PARAMETER_CHOICE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError(fmt::format("parameter '{}' has no value", name));
}

}  // namespace souvenir::gateway
