#include "compute-service/backends/exec/exec_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/byte_codec.h"
#include "common/cut_text.h"
#include "common/oip/model_tensors.h"
#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostErrorBytes = 1000;  // of a program's error message

std::string Assemble(const Json& header, absl::Span<const TensorView> tensors) {
  // Bytes of a name that are not UTF-8 are replaced, because JSON cannot hold them.
  const std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  size_t size = sizeof(uint32_t) + text.size();
  for (const TensorView& tensor : tensors) size += tensor.data.size();
  ByteWriter writer(size);
  writer.Fixed(static_cast<uint32_t>(text.size()));
  writer.Bytes(text);
  for (const TensorView& tensor : tensors) writer.Bytes(tensor.data);
  return std::move(writer).Finish();
}

struct Message {
  Json header;  // an object
  std::string_view data;
};

absl::StatusOr<Message> Disassemble(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto size = reader.Fixed<uint32_t>();
  const std::string_view text = reader.Bytes(size);
  if (!reader.ok()) return absl::DataLossError("the program's message is shorter than its header");
  Message message{Json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false), reader.Rest()};
  if (!message.header.is_object()) {
    return absl::DataLossError("the header of the program's message is not a JSON object");
  }
  return message;
}

// Returns a member that is a string, or nullopt if there is none.
std::optional<std::string> TextOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

// Returns the program's error in `header`, or OK if there is none.
absl::Status ErrorOf(const Json& header, absl::StatusCode otherwise) {
  const std::optional<std::string> error = TextOf(header, "error");
  if (!error) return absl::OkStatus();
  const bool input_at_fault = TextOf(header, "code") == "INVALID_ARGUMENT";
  return absl::Status(input_at_fault ? absl::StatusCode::kInvalidArgument : otherwise,
                      Shortened(*error, kMostErrorBytes));
}

absl::StatusOr<Tensor> ReadOutput(const Json& output, std::string_view* data) {
  if (!output.is_object()) return absl::DataLossError("an output is not a JSON object");
  const auto shape = output.find("shape");
  const auto size = output.find("size");
  const std::optional<DataType> datatype = ParseDataType(TextOf(output, "datatype").value_or(""));
  Tensor tensor;
  tensor.name = TextOf(output, "name").value_or("");
  const bool is_shape = shape != output.end() && shape->is_array() &&
                        std::all_of(shape->begin(), shape->end(),
                                    [](const Json& item) { return item.is_number_unsigned(); });
  if (!datatype || !is_shape || size == output.end() || !size->is_number_unsigned()) {
    return absl::DataLossError(
        fmt::format("output '{}' has no name, datatype, shape and size, as expected", tensor.name));
  }
  if (size->get<uint64_t>() > data->size()) {
    return absl::DataLossError(fmt::format("output '{}' announces {} bytes, and {} are left",
                                           tensor.name, size->get<uint64_t>(), data->size()));
  }
  tensor.datatype = *datatype;
  for (const Json& dimension : *shape) tensor.shape.push_back(dimension.get<int64_t>());
  tensor.data = data->substr(0, size->get<uint64_t>());
  data->remove_prefix(tensor.data.size());
  const absl::Status valid = ValidateTensor(tensor.view());
  if (!valid.ok()) return absl::DataLossError(std::string(valid.message()));
  return tensor;
}

template <typename ModelTensors>
Json DescribeTensors(const ModelTensors& tensors) {
  Json described = Json::array();
  for (const auto& tensor : tensors) {
    described.push_back(
        {{"name", tensor.name()},
         {"datatype", DataTypeName(DataTypeOf(tensor))},
         {"dims", std::vector<int64_t>(tensor.dims().begin(), tensor.dims().end())}});
  }
  return described;
}

}  // namespace

std::string EncodeExecModel(const inference::ModelConfig& config) {
  const Json header = {{"model", config.name()},
                       {"max_batch_size", config.max_batch_size()},
                       {"inputs", DescribeTensors(config.input())},
                       {"outputs", DescribeTensors(config.output())}};
  return Assemble(header, {});
}

absl::Status DecodeExecReady(std::string_view message) {
  SOUVENIR_ASSIGN_OR_RETURN(const Message ready, Disassemble(message));
  SOUVENIR_RETURN_IF_ERROR(ErrorOf(ready.header, absl::StatusCode::kFailedPrecondition));
  if (ready.header.value("ready", false)) return absl::OkStatus();
  return absl::DataLossError("the program's first message does not say that it is ready");
}

std::string EncodeExecRequest(const InferenceRequest& request, uint64_t number) {
  Json inputs = Json::array();
  for (const TensorView& input : request.inputs) {
    inputs.push_back({{"name", input.name},
                      {"datatype", DataTypeName(input.datatype)},
                      {"shape", std::vector<int64_t>(input.shape.begin(), input.shape.end())},
                      {"size", input.data.size()}});
  }
  const std::vector<std::string> outputs(request.outputs.begin(), request.outputs.end());
  return Assemble({{"number", number}, {"inputs", std::move(inputs)}, {"outputs", outputs}},
                  request.inputs);
}

absl::StatusOr<std::vector<Tensor>> DecodeExecAnswer(std::string_view message,
                                                     absl::Span<const std::string> outputs,
                                                     uint64_t number) {
  SOUVENIR_ASSIGN_OR_RETURN(const Message answer, Disassemble(message));
  const auto told = answer.header.find("number");
  if (told != answer.header.end() && *told != number) {
    return absl::DataLossError(
        "the program has answered another request than the one it was given");
  }
  SOUVENIR_RETURN_IF_ERROR(ErrorOf(answer.header, absl::StatusCode::kInternal));
  const auto listed = answer.header.find("outputs");
  if (listed == answer.header.end() || !listed->is_array()) {
    return absl::DataLossError("the program's answer has neither outputs nor an error");
  }
  std::vector<Tensor> given;
  std::string_view data = answer.data;
  for (const Json& output : *listed) {
    SOUVENIR_ASSIGN_OR_RETURN(Tensor tensor, ReadOutput(output, &data));
    given.push_back(std::move(tensor));
  }
  if (!data.empty()) {
    return absl::DataLossError(
        fmt::format("the program's answer has {} bytes that belong to no output", data.size()));
  }
  std::vector<Tensor> asked;
  for (const std::string& name : outputs) {
    const auto found = std::find_if(given.begin(), given.end(),
                                    [&](const Tensor& tensor) { return tensor.name == name; });
    if (found == given.end()) {
      return absl::InternalError(fmt::format("the program's answer has no output '{}'", name));
    }
    asked.push_back(*found);
  }
  return asked;
}

}  // namespace souvenir::compute
