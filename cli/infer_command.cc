#include "cli/infer_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "cli/connection.h"
#include "cli/infer_request.h"
#include "cli/known_models.h"
#include "cli/printable.h"
#include "cli/tensor_view.h"
#include "common/oip/message_tensors.h"
#include "common/tensor/bytes_elements.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::cli {
namespace {

using inference::GRPCInferenceService;
using inference::ModelInferRequest;
using inference::ModelInferResponse;
using inference::ModelMetadataResponse;

constexpr size_t kMostElementsShown = 1000;  // of an output, to a person

// The headers in which a gateway tells where an answer came from. Other servers send none.
using Provenance = std::map<std::string, std::string>;

Provenance ReadProvenance(const grpc::ClientContext& context) {
  Provenance provenance;
  const auto& headers = context.GetServerInitialMetadata();
  for (const char* name : {"souvenir-cache", "age", "souvenir-key"}) {
    const auto header = headers.find(name);
    if (header == headers.end()) continue;
    provenance[name] = std::string(header->second.data(), header->second.size());
  }
  return provenance;
}

std::string ParametersJson(const ModelInferResponse& response) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, parameter] : response.parameters()) {
    using inference::InferParameter;
    std::string& value = sorted[name];
    switch (parameter.parameter_choice_case()) {
      case InferParameter::kBoolParam:
        value = parameter.bool_param() ? "true" : "false";
        break;
      case InferParameter::kInt64Param:
        value = std::to_string(parameter.int64_param());
        break;
      case InferParameter::kUint64Param:
        value = std::to_string(parameter.uint64_param());
        break;
      case InferParameter::kDoubleParam:
        value = fmt::format("{}", parameter.double_param());
        break;
      case InferParameter::kStringParam:
        value = JsonString(parameter.string_param());
        break;
      case InferParameter::PARAMETER_CHOICE_NOT_SET:
        value = "null";
        break;
    }
  }
  std::string out;
  for (const auto& [name, value] : sorted) {
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", JsonString(name), value);
  }
  return "{" + out + "}";
}

std::string RenderJson(const ModelInferResponse& response, const MessageTensors& tensors,
                       const Provenance& provenance) {
  std::string outputs;
  for (const TensorView& tensor : tensors.tensors()) {
    outputs += fmt::format("{}{}", outputs.empty() ? "" : ",", TensorJson(tensor));
  }
  std::string headers;
  for (const auto& [name, value] : provenance) {
    headers += fmt::format("{}\"{}\":{}", headers.empty() ? "" : ",", name, JsonString(value));
  }
  return fmt::format(
      "{{\"model_name\":{},\"model_version\":{},\"id\":{},\"parameters\":{},\"outputs\":[{}],"
      "\"headers\":{{{}}}}}\n",
      JsonString(response.model_name()), JsonString(response.model_version()),
      JsonString(response.id()), ParametersJson(response), outputs, headers);
}

// Prints the elements alone. A pipe gets texts as they are.
void PrintQuietly(const TensorView& tensor, Console& console) {
  if (tensor.datatype != DataType::kBytes || console.out_is_terminal) {
    console.out << TensorText(tensor, 0, SIZE_MAX);
    return;
  }
  BytesElementReader reader(tensor.data);
  while (const auto element = reader.Next()) console.out << *element << '\n';
}

void PrintForPeople(const ModelInferResponse& response, const MessageTensors& tensors,
                    const Provenance& provenance, const InferOptions& options,
                    absl::Duration elapsed, Console& console) {
  for (const TensorView& tensor : tensors.tensors()) {
    if (options.quiet) {
      PrintQuietly(tensor, console);
      continue;
    }
    console.out << TensorTitle(tensor) << '\n' << TensorText(tensor, 2, kMostElementsShown);
  }
  if (options.quiet) return;
  const auto cache = provenance.find("souvenir-cache");
  console.out << fmt::format(
      "{} version {} in {}{}\n", Printable(response.model_name()),
      response.model_version().empty() ? "?" : Printable(response.model_version()),
      HumanDuration(elapsed),
      cache == provenance.end() ? "" : fmt::format(": {}", Printable(cache->second)));
  if (!options.verbose) return;
  for (const auto& [name, value] : provenance) {
    if (name != "souvenir-cache") console.out << fmt::format("{} {}\n", name, Printable(value));
  }
  if (response.parameters_size() > 0) {
    console.out << "parameters " << ParametersJson(response) << '\n';
  }
}

}  // namespace

Outcome Infer(const InferOptions& options, const Settings& settings, Console& console) {
  Connection connection(settings.ToServer(), GRPCInferenceService::service_full_name(),
                        console.clock);
  const auto stub = GRPCInferenceService::NewStub(connection.channel());
  inference::ModelMetadataRequest ask;
  ask.set_name(options.model);
  ask.set_version(options.version);
  ModelMetadataResponse metadata;
  Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return stub->ModelMetadata(context, ask, &metadata); });
  if (outcome.code == ExitCode::kFailed)
    outcome.message += NearestModel(options.model, &connection);
  if (!outcome.ok()) return outcome;

  const auto request = MakeInferRequest(options, metadata, console);
  if (!request.ok()) return Outcome::Usage(std::string(request.status().message()));
  ModelInferResponse response;
  Provenance provenance;
  outcome = connection.Call([&](grpc::ClientContext* context) {
    AddMetadata(options.request, context);
    const grpc::Status status = stub->ModelInfer(context, *request, &response);
    if (status.ok()) {
      provenance = ReadProvenance(*context);
      TellIgnored(options.request, *context, console.err);
      if (options.request.any() && !provenance.contains("souvenir-cache")) {
        console.err << "souvenir: this server is no gateway: --tag, --tenant and --cache-control "
                       "have no effect\n";
      }
    }
    return status;
  });
  if (!outcome.ok()) return outcome;

  const auto tensors = MessageTensors::FromResponse(response);
  if (!tensors.ok()) {
    return {ExitCode::kFailed,
            fmt::format("the answer is malformed: {}", std::string(tensors.status().message()))};
  }
  if (settings.json) {
    console.out << RenderJson(response, *tensors, provenance);
  } else {
    PrintForPeople(response, *tensors, provenance, options, connection.elapsed(), console);
  }
  return {};
}

}  // namespace souvenir::cli
