#include "gateway/upstream/grpc_infer_message.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <variant>

#include "common/oip/message_tensors.h"
#include "common/refusal.h"
#include "common/souvenir_names.h"
#include "common/status_macros.h"

namespace souvenir::gateway {
namespace {

void SetParameter(const Parameter& parameter, inference::InferParameter* out) {
  struct Set {
    inference::InferParameter* out;
    void operator()(bool value) { out->set_bool_param(value); }
    void operator()(int64_t value) { out->set_int64_param(value); }
    void operator()(const std::string& value) { out->set_string_param(value); }
    void operator()(double value) { out->set_double_param(value); }
    void operator()(uint64_t value) { out->set_uint64_param(value); }
  };
  std::visit(Set{out}, parameter.value);
}

// A message, and views of its tensors.
struct Held {
  std::unique_ptr<inference::ModelInferResponse> response;
  std::optional<MessageTensors> tensors;
};

std::optional<int64_t> ReadNumber(const inference::ModelInferResponse& response, const char* name) {
  const auto found = response.parameters().find(name);
  if (found == response.parameters().end()) return std::nullopt;
  return found->second.int64_param();
}

std::optional<absl::Duration> ReadNanoseconds(const inference::ModelInferResponse& response,
                                              const char* name) {
  const std::optional<int64_t> number = ReadNumber(response, name);
  if (!number) return std::nullopt;
  return absl::Nanoseconds(*number);
}

absl::StatusOr<InferenceAnswer> Read(std::unique_ptr<inference::ModelInferResponse> response) {
  const auto held = std::make_shared<Held>();
  held->response = std::move(response);
  SOUVENIR_ASSIGN_OR_RETURN(held->tensors, MessageTensors::FromResponse(*held->response));
  InferenceAnswer answer;
  answer.outputs = held->tensors->tensors();
  answer.compute_time = ReadNanoseconds(*held->response, kComputeTimeName);
  answer.queue_time = ReadNanoseconds(*held->response, kQueueTimeName);
  answer.instances = ReadNumber(*held->response, kInstancesName).value_or(0);
  const auto& parameters = held->response->parameters();
  if (const auto found = parameters.find(kDigestName); found != parameters.end()) {
    answer.digest = found->second.string_param();
    if (answer.digest.empty() || answer.digest.size() > kMaxDigestBytes) {
      return absl::InternalError(fmt::format("its parameter '{}' is no string of 1 to {} bytes",
                                             kDigestName, kMaxDigestBytes));
    }
  }
  answer.message = held;
  return answer;
}

}  // namespace

inference::ModelInferRequest InferRequest(const Inference& inference) {
  inference::ModelInferRequest request;
  request.set_model_name(inference.model);
  request.set_model_version(inference.version);
  for (const Parameter& parameter : inference.parameters) {
    SetParameter(parameter, &(*request.mutable_parameters())[parameter.name]);
  }
  if (inference.priority != 0) {
    (*request.mutable_parameters())["priority"].set_int64_param(inference.priority);
  }
  for (const std::string& output : inference.outputs) request.add_outputs()->set_name(output);
  std::vector<TensorView> views;
  views.reserve(inference.inputs.size());
  for (const Tensor& input : inference.inputs) views.push_back(input.view());
  AppendInputs(views, &request);
  return request;
}

absl::StatusOr<InferenceAnswer> ReadInferResponse(
    std::unique_ptr<inference::ModelInferResponse> response, const std::string& model) {
  absl::StatusOr<InferenceAnswer> answer = Read(std::move(response));
  if (answer.ok()) return answer;
  return absl::InternalError(fmt::format("the answer of model '{}' is malformed: {}", model,
                                         std::string(answer.status().message())));
}

}  // namespace souvenir::gateway
