#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <string>
#include <thread>

#include "common/status_macros.h"
#include "compute-service/backends/builtin/functions/functions.h"
#include "compute-service/backends/model_parameters.h"

namespace souvenir::compute {
namespace {

constexpr char kDelayParameter[] = "execute_delay_ms";
constexpr int64_t kMostDelayMs = 3'600'000;

std::vector<Tensor> Copy(const TensorView& input) {
  return {{"OUTPUT0",
           input.datatype,
           {input.shape.begin(), input.shape.end()},
           std::string(input.data)}};
}

absl::StatusOr<std::chrono::milliseconds> ReadDelay(const inference::ModelConfig& config) {
  const std::string_view text = Parameter(config, kDelayParameter).value_or("0");
  int64_t delay = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), delay);
  if (error != std::errc() || end != text.data() + text.size() || delay < 0 ||
      delay > kMostDelayMs) {
    return absl::InvalidArgumentError(
        fmt::format("parameter '{}' is '{}'; it must be a number from 0 to {}", kDelayParameter,
                    text, kMostDelayMs));
  }
  return std::chrono::milliseconds(delay);
}

}  // namespace

Function SimpleIdentityFunction() {
  return {.name = "simple_identity",
          .max_batch_size = 8,
          .inputs = {{"INPUT0", inference::TYPE_STRING, {-1}}},
          .outputs = {{"OUTPUT0", inference::TYPE_STRING, {-1}}},
          .create = [](const inference::ModelConfig&) -> absl::StatusOr<Compute> {
            return Compute([](absl::Span<const TensorView> inputs) { return Copy(inputs[0]); });
          }};
}

Function CustomIdentityInt32Function() {
  return {.name = "custom_identity_int32",
          .max_batch_size = 1024,
          .inputs = {{"INPUT0", inference::TYPE_INT32, {-1}}},
          .outputs = {{"OUTPUT0", inference::TYPE_INT32, {-1}}},
          .parameters = {kDelayParameter},
          .create = [](const inference::ModelConfig& config) -> absl::StatusOr<Compute> {
            SOUVENIR_ASSIGN_OR_RETURN(const std::chrono::milliseconds delay, ReadDelay(config));
            return Compute([delay](absl::Span<const TensorView> inputs) {
              if (delay.count() > 0) std::this_thread::sleep_for(delay);
              return Copy(inputs[0]);
            });
          }};
}

}  // namespace souvenir::compute
