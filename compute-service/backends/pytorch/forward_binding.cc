#include "compute-service/backends/pytorch/forward_binding.h"

#include <ATen/core/jit_type.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/types/span.h"
#include "common/oip/model_tensors.h"
#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

using inference::ModelConfig;
using Returns = ForwardBinding::Returns;

// Separates the name and the position of a tensor.
constexpr std::string_view kSeparator = "__";
// Stands for the length of a list, which is known only after a run.
constexpr size_t kAnyNumber = 1'000'000;

absl::Status Refused(const ModelConfig& config, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("model {}: {}", config.name(), what));
}

// Returns the position in a name, 3 for "INPUT__3", or nullopt if the name has none.
std::optional<size_t> PositionIn(std::string_view name) {
  const size_t separator = name.rfind(kSeparator);
  if (separator == std::string_view::npos || separator == 0) return std::nullopt;
  const std::string_view digits = name.substr(separator + kSeparator.size());
  size_t position = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), position);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return position;
}

bool IsTensor(const c10::TypePtr& type) { return type->kind() == c10::TypeKind::TensorType; }

// Returns true if an argument of this type accepts a tensor.
bool TakesTensor(const c10::TypePtr& type) {
  if (IsTensor(type)) return true;
  const auto optional = type->cast<c10::OptionalType>();
  return optional != nullptr && IsTensor(optional->getElementType());
}

// Returns the arguments as text, "(x: Tensor, n: int)".
std::string ListArguments(absl::Span<const c10::Argument> arguments) {
  std::string list;
  for (const c10::Argument& argument : arguments) {
    list += fmt::format("{}{}: {}", list.empty() ? "" : ", ", argument.name(),
                        argument.type()->repr_str());
  }
  return fmt::format("({})", list);
}

// Returns the positions in the names of `tensors`. Returns nullopt if a name has no position below
// `count`, or two names have the same one.
template <typename ModelTensors>
std::optional<std::vector<size_t>> PositionsIn(const ModelTensors& tensors, size_t count) {
  std::vector<size_t> positions;
  for (const auto& tensor : tensors) {
    const std::optional<size_t> position = PositionIn(tensor.name());
    if (!position || *position >= count ||
        std::find(positions.begin(), positions.end(), *position) != positions.end()) {
      return std::nullopt;
    }
    positions.push_back(*position);
  }
  return positions;
}

// Returns the index of the argument of each input, by the names or else by the positions.
absl::StatusOr<std::vector<size_t>> MatchInputs(absl::Span<const c10::Argument> arguments,
                                                const ModelConfig& config) {
  std::vector<size_t> matched;
  for (const inference::ModelInput& input : config.input()) {
    const auto named = std::find_if(
        arguments.begin(), arguments.end(),
        [&](const c10::Argument& argument) { return argument.name() == input.name(); });
    if (named == arguments.end()) break;
    matched.push_back(static_cast<size_t>(named - arguments.begin()));
  }
  if (matched.size() == static_cast<size_t>(config.input_size())) return matched;
  if (auto positions = PositionsIn(config.input(), arguments.size())) return *std::move(positions);
  return Refused(config,
                 fmt::format("the inputs are {}; forward{} expects the names of its arguments, or "
                             "INPUT__0 to INPUT__{}, each once",
                             NamesOf(config.input()), ListArguments(arguments),
                             std::max<size_t>(1, arguments.size()) - 1));
}

absl::StatusOr<std::vector<std::string>> BindInputs(absl::Span<const c10::Argument> arguments,
                                                    const ModelConfig& config) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<size_t> matched, MatchInputs(arguments, config));
  std::vector<bool> given(arguments.size(), false);
  std::vector<std::string> names;
  for (int i = 0; i < config.input_size(); ++i) {
    const inference::ModelInput& input = config.input(i);
    const c10::Argument& argument = arguments[matched[i]];
    if (!TakesTensor(argument.type())) {
      return Refused(config,
                     fmt::format("input '{}' is a tensor; argument {} of forward() is {}",
                                 input.name(), argument.name(), argument.type()->repr_str()));
    }
    if (input.optional() && !argument.default_value()) {
      return Refused(config, fmt::format("input '{}' is optional; argument {} of forward() has no "
                                         "default",
                                         input.name(), argument.name()));
    }
    given[matched[i]] = true;
    names.push_back(argument.name());
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (given[i] || arguments[i].default_value()) continue;
    return Refused(
        config, fmt::format("the inputs are {}; forward{} needs '{}' too", NamesOf(config.input()),
                            ListArguments(arguments), arguments[i].name()));
  }
  return names;
}

// Returns the positions of the outputs in a sequence of `count` tensors. `returned` is the type
// that forward() returns, for messages.
absl::StatusOr<std::vector<size_t>> BindPositions(const ModelConfig& config,
                                                  const std::string& returned, size_t count) {
  if (auto positions = PositionsIn(config.output(), count)) return *std::move(positions);
  std::string expected = "OUTPUT__0";
  if (count == kAnyNumber) expected += " and so on";
  if (count > 1 && count < kAnyNumber) expected += fmt::format(" to OUTPUT__{}", count - 1);
  return Refused(config, fmt::format("the outputs are {}; forward() returns {}, so expected {}, "
                                     "each once",
                                     NamesOf(config.output()), returned, expected));
}

absl::Status BindOutputs(const c10::TypePtr& type, const ModelConfig& config,
                         ForwardBinding* binding) {
  const std::string returned = type->repr_str();
  if (IsTensor(type)) {
    binding->returns = Returns::kTensor;
    SOUVENIR_ASSIGN_OR_RETURN(binding->positions, BindPositions(config, returned, 1));
    return absl::OkStatus();
  }
  if (const auto tuple = type->cast<c10::TupleType>()) {
    binding->returns = Returns::kTuple;
    SOUVENIR_ASSIGN_OR_RETURN(binding->positions,
                              BindPositions(config, returned, tuple->elements().size()));
    for (const size_t position : binding->positions) {
      if (IsTensor(tuple->elements()[position])) continue;
      return Refused(config, fmt::format("output OUTPUT__{} is not a tensor: forward() returns {}",
                                         position, returned));
    }
    return absl::OkStatus();
  }
  if (const auto list = type->cast<c10::ListType>();
      list != nullptr && IsTensor(list->getElementType())) {
    binding->returns = Returns::kList;
    SOUVENIR_ASSIGN_OR_RETURN(binding->positions, BindPositions(config, returned, kAnyNumber));
    return absl::OkStatus();
  }
  if (const auto dict = type->cast<c10::DictType>();
      dict != nullptr && dict->getKeyType()->kind() == c10::TypeKind::StringType &&
      IsTensor(dict->getValueType())) {
    binding->returns = Returns::kDict;
    return absl::OkStatus();
  }
  return Refused(config, fmt::format("forward() returns {}; expected a tensor, a tuple or list of "
                                     "tensors, or a dictionary of tensors by name",
                                     returned));
}

}  // namespace

absl::StatusOr<ForwardBinding> BindForward(const c10::FunctionSchema& schema,
                                           const ModelConfig& config) {
  ForwardBinding binding;
  // The first argument is the model itself.
  const auto arguments = absl::MakeConstSpan(schema.arguments()).subspan(1);
  SOUVENIR_ASSIGN_OR_RETURN(binding.arguments, BindInputs(arguments, config));
  SOUVENIR_RETURN_IF_ERROR(BindOutputs(schema.returns().at(0).type(), config, &binding));
  return binding;
}

}  // namespace souvenir::compute
