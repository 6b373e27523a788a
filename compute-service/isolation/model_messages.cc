#include "compute-service/isolation/model_messages.h"

#include <fmt/format.h>
#include <google/protobuf/text_format.h>

#include <charconv>
#include <utility>

#include "common/byte_codec.h"
#include "common/status_macros.h"
#include "common/tensor/tensor_codec.h"

namespace souvenir::compute {
namespace {

// Linux limits an argument to 128 KiB.
constexpr size_t kMostConfigBytes = 120u << 10;

}  // namespace

absl::StatusOr<std::vector<std::string>> WorkerArguments(const ModelDescription& description) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string config;
  printer.PrintToString(description.config, &config);
  if (config.size() > kMostConfigBytes) {
    return absl::InvalidArgumentError(
        fmt::format("model {}: its configuration is {} bytes of text; a model that runs in a "
                    "process may have at most {}",
                    description.config.name(), config.size(), kMostConfigBytes));
  }
  return std::vector<std::string>{std::to_string(description.version), description.directory,
                                  std::move(config)};
}

absl::StatusOr<ModelDescription> ReadWorkerArguments(int argc, const char* const* argv) {
  if (argc != 4) {
    return absl::InvalidArgumentError(fmt::format(
        "expected the arguments version, directory and configuration, got {} arguments", argc - 1));
  }
  ModelDescription description;
  const std::string_view version = argv[1];
  const auto [end, error] =
      std::from_chars(version.data(), version.data() + version.size(), description.version);
  if (error != std::errc() || end != version.data() + version.size()) {
    return absl::InvalidArgumentError(fmt::format("version '{}' is not a number", version));
  }
  description.directory = argv[2];
  if (!google::protobuf::TextFormat::ParseFromString(argv[3], &description.config)) {
    return absl::InvalidArgumentError("the configuration is not a ModelConfig in text format");
  }
  return description;
}

std::string EncodeWorkerRequest(const InferenceRequest& request) {
  size_t size = 64;
  for (const TensorView& input : request.inputs) size += input.data.size() + 64;
  ByteWriter writer(size);
  writer.Number(request.outputs.size());
  for (const std::string& output : request.outputs) writer.Text(output);
  writer.Bytes(EncodeTensors(request.inputs));
  return std::move(writer).Finish();
}

absl::StatusOr<WorkerRequest> WorkerRequest::Decode(std::string_view bytes) {
  WorkerRequest request;
  ByteReader reader(bytes);
  const uint64_t outputs = reader.Number();
  for (uint64_t i = 0; i < outputs && reader.ok(); ++i) {
    request.outputs_.emplace_back(reader.Text());
  }
  if (!reader.ok()) return absl::DataLossError("the request is truncated");
  SOUVENIR_ASSIGN_OR_RETURN(const DecodedTensors inputs, DecodedTensors::Decode(reader.Rest()));
  request.shapes_.reserve(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    TensorView input = inputs[i];
    // Shapes are copied, because the decoder owns them.
    input.shape = request.shapes_.emplace_back(input.shape.begin(), input.shape.end());
    request.inputs_.push_back(input);
  }
  return request;
}

InferenceRequest WorkerRequest::request() const { return {.inputs = inputs_, .outputs = outputs_}; }

std::string EncodeWorkerOutputs(absl::Span<const Tensor> outputs) {
  std::vector<TensorView> views;
  views.reserve(outputs.size());
  for (const Tensor& output : outputs) views.push_back(output.view());
  return EncodeTensors(views);
}

absl::StatusOr<std::vector<Tensor>> DecodeWorkerOutputs(std::string_view bytes,
                                                        absl::Span<const std::string> outputs) {
  const absl::StatusOr<DecodedTensors> decoded = DecodedTensors::Decode(bytes);
  if (!decoded.ok() || decoded->size() != outputs.size()) {
    return absl::InternalError(fmt::format(
        "the worker's answer is not the {} tensors that were asked for", outputs.size()));
  }
  std::vector<Tensor> tensors;
  tensors.reserve(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const TensorView view = (*decoded)[i];
    if (view.name != outputs[i]) {
      return absl::InternalError(
          fmt::format("the worker's answer has '{}' instead of '{}'", view.name, outputs[i]));
    }
    if (const absl::Status valid = ValidateTensor(view); !valid.ok()) {
      return absl::InternalError(
          fmt::format("the worker's answer: {}", std::string(valid.message())));
    }
    tensors.push_back({outputs[i],
                       view.datatype,
                       {view.shape.begin(), view.shape.end()},
                       std::string(view.data)});
  }
  return tensors;
}

}  // namespace souvenir::compute
