#include "cli/infer_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/map.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "cli/json.h"
#include "cli/standard_input.h"
#include "cli/tensor_input.h"
#include "common/nearest.h"
#include "common/oip/message_tensors.h"
#include "common/read_file.h"
#include "common/status_macros.h"

namespace souvenir::cli {
namespace {

using inference::InferParameter;
using inference::ModelInferRequest;
using inference::ModelMetadataResponse;
using nlohmann::json;

constexpr size_t kMostInputBytes = 64u << 20;  // no server takes a larger message

// NAME=VALUE, or NAME:=JSON.
struct Assignment {
  std::string name;
  std::string value;
  bool is_json = false;
};

absl::StatusOr<Assignment> ParseAssignment(const char* flag, const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return absl::InvalidArgumentError(
        fmt::format("{}: '{}' came, NAME=VALUE or NAME:=JSON is expected", flag, text));
  }
  Assignment assignment{text.substr(0, equals), text.substr(equals + 1)};
  if (assignment.name.ends_with(':')) {
    assignment.name.pop_back();
    assignment.is_json = true;
  }
  return assignment;
}

std::string TypeOfJson(const json& value) { return value.type_name(); }

// Refuses a field that the protocol's REST form does not have in this object. If it were ignored,
// the request would not be the one that was meant.
absl::Status CheckFields(const std::string& where, const json& object,
                         const std::vector<std::string>& known) {
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string nearest = Nearest(name, known);
    return absl::InvalidArgumentError(
        fmt::format("{} has an unknown field '{}'{}; its fields are {}", where, name,
                    nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest),
                    fmt::join(known, ", ")));
  }
  return absl::OkStatus();
}

// `type` is a word of JSON: "string", "array", "object".
absl::Status CheckType(const std::string& where, const json& value, const std::string& type) {
  if (value.type_name() == type) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{}: {} {} is expected, and no {}", where,
                                                type.starts_with('s') ? "a" : "an", type,
                                                TypeOfJson(value)));
}

absl::Status SetParameter(const std::string& name, const json& value, InferParameter* parameter) {
  if (value.is_boolean()) {
    parameter->set_bool_param(value.get<bool>());
  } else if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) {
    parameter->set_uint64_param(value.get<uint64_t>());
  } else if (value.is_number_integer()) {
    parameter->set_int64_param(value.get<int64_t>());
  } else if (value.is_number()) {
    parameter->set_double_param(value.get<double>());
  } else if (value.is_string()) {
    parameter->set_string_param(value.get<std::string>());
  } else {
    return absl::InvalidArgumentError(fmt::format(
        "parameter '{}' is a text, a number, true or false, and no {}", name, TypeOfJson(value)));
  }
  return absl::OkStatus();
}

using Parameters = google::protobuf::Map<std::string, InferParameter>;

// Adds the field "parameters" of an object of the REST form. `where` names that object.
absl::Status AddParameters(const std::string& where, const json& object, Parameters* parameters) {
  if (!object.contains("parameters")) return absl::OkStatus();
  SOUVENIR_RETURN_IF_ERROR(CheckType(where + ": parameters", object["parameters"], "object"));
  for (const auto& [name, value] : object["parameters"].items()) {
    SOUVENIR_RETURN_IF_ERROR(SetParameter(name, value, &(*parameters)[name]));
  }
  return absl::OkStatus();
}

// Collects the inputs of one request.
class Inputs {
 public:
  explicit Inputs(const ModelMetadataResponse& metadata) : model_(metadata.name()) {
    for (const auto& input : metadata.inputs()) {
      declared_.push_back({input.name(),
                           ParseDataType(input.datatype()).value_or(DataType::kInvalid),
                           {input.shape().begin(), input.shape().end()}});
    }
  }

  const std::vector<DeclaredTensor>& declared() const { return declared_; }
  bool empty() const { return tensors_.empty() && words_.empty(); }

  absl::StatusOr<const DeclaredTensor*> Find(const std::string& name) const {
    std::vector<std::string> names;
    for (const DeclaredTensor& each : declared_) {
      if (each.name == name) return &each;
      names.push_back(each.name);
    }
    const std::string nearest = Nearest(name, names);
    return absl::InvalidArgumentError(
        fmt::format("model '{}' has no input '{}'{}; {}", model_, name,
                    nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest), List()));
  }

  // Returns the only input of the model, which needs no name.
  absl::StatusOr<const DeclaredTensor*> Only() const {
    if (declared_.size() == 1) return &declared_.front();
    return absl::InvalidArgumentError(
        fmt::format("model '{}' has {} inputs; name each with --input NAME=VALUE; {}", model_,
                    declared_.size(), List()));
  }

  // Adds a word to an input. Several words for one input are several rows, or more elements.
  void AddWord(const std::string& name, std::string word) {
    words_[name].push_back(std::move(word));
  }

  absl::Status Add(const std::string& name, absl::StatusOr<Tensor> tensor) {
    SOUVENIR_RETURN_IF_ERROR(tensor.status());
    if (!tensors_.emplace(name, *std::move(tensor)).second) return Twice(name);
    return absl::OkStatus();
  }

  // Sets the parameters of an input that comes by Add().
  void SetParameters(const std::string& name, Parameters parameters) {
    parameters_[name] = std::move(parameters);
  }

  // Appends all inputs to the request, in the order of the metadata.
  absl::Status AppendTo(ModelInferRequest* request) {
    for (const auto& [name, words] : words_) {
      SOUVENIR_ASSIGN_OR_RETURN(const DeclaredTensor* declared, Find(name));
      if (tensors_.contains(name)) return Twice(name);
      SOUVENIR_RETURN_IF_ERROR(Add(name, TensorOfWords(*declared, words)));
    }
    std::vector<TensorView> views;
    for (const DeclaredTensor& each : declared_) {
      const auto tensor = tensors_.find(each.name);
      if (tensor != tensors_.end()) views.push_back(tensor->second.view());
    }
    AppendInputs(views, request);
    for (auto& input : *request->mutable_inputs()) {
      const auto set = parameters_.find(input.name());
      if (set != parameters_.end()) *input.mutable_parameters() = set->second;
    }
    return absl::OkStatus();
  }

  // Returns "it takes 'a' INT32[-1,4], 'b' BYTES[-1,1]".
  std::string List() const {
    std::vector<std::string> texts;
    for (const DeclaredTensor& each : declared_) {
      texts.push_back(fmt::format("'{}' {}", each.name, TypeOf(each)));
    }
    return fmt::format("it takes {}", fmt::join(texts, ", "));
  }

 private:
  static absl::Status Twice(const std::string& name) {
    return absl::InvalidArgumentError(fmt::format("input '{}' came twice", name));
  }

  const std::string model_;
  std::vector<DeclaredTensor> declared_;
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, std::vector<std::string>> words_;
  std::map<std::string, Parameters> parameters_;
};

absl::Status AddInput(const std::string& text, Inputs* inputs) {
  SOUVENIR_ASSIGN_OR_RETURN(const Assignment input, ParseAssignment("--input", text));
  SOUVENIR_ASSIGN_OR_RETURN(const DeclaredTensor* declared, inputs->Find(input.name));
  if (input.is_json) {
    SOUVENIR_ASSIGN_OR_RETURN(const json value, ParseJson(input.value, "--input " + input.name));
    return inputs->Add(input.name, TensorOfJson(*declared, value));
  }
  if (input.value.starts_with('@')) {
    SOUVENIR_ASSIGN_OR_RETURN(const std::string bytes,
                              ReadFile(input.value.substr(1), kMostInputBytes));
    return inputs->Add(input.name, TensorOfFile(*declared, bytes));
  }
  inputs->AddWord(input.name, input.value);
  return absl::OkStatus();
}

// Adds a parameter from the command line. Numbers, true and false become such values. Anything else
// becomes a text.
absl::Status AddParameter(const std::string& text, ModelInferRequest* request) {
  SOUVENIR_ASSIGN_OR_RETURN(const Assignment set, ParseAssignment("--parameter", text));
  absl::StatusOr<json> value = ParseJson(set.value, "--parameter " + set.name);
  if (set.is_json) SOUVENIR_RETURN_IF_ERROR(value.status());
  const bool is_text = !value.ok() || (!value->is_number() && !value->is_boolean());
  if (!set.is_json && is_text) value = json(set.value);
  return SetParameter(set.name, *value, &(*request->mutable_parameters())[set.name]);
}

// Adds an element of "inputs" in the protocol's REST form. `where` names it in messages.
absl::Status AddRestInput(const std::string& where, const json& input, Inputs* inputs) {
  if (!input.is_object() || !input.contains("name") || !input["name"].is_string() ||
      !input.contains("data")) {
    return absl::InvalidArgumentError(fmt::format("{} must have a \"name\" and \"data\"", where));
  }
  SOUVENIR_RETURN_IF_ERROR(
      CheckFields(where, input, {"name", "datatype", "shape", "data", "parameters"}));
  const auto name = input["name"].get<std::string>();
  SOUVENIR_ASSIGN_OR_RETURN(const DeclaredTensor* found, inputs->Find(name));
  DeclaredTensor declared = *found;
  if (input.contains("datatype")) {
    const auto type = input["datatype"].is_string()
                          ? ParseDataType(input["datatype"].get<std::string>())
                          : std::nullopt;
    if (!type) {
      return absl::InvalidArgumentError(
          fmt::format("{}: {} is no datatype", where, input["datatype"].dump()));
    }
    declared.datatype = *type;
  }
  std::optional<std::vector<int64_t>> shape;
  if (input.contains("shape")) {
    const json& sizes = input["shape"];
    const bool whole =
        sizes.is_array() && std::all_of(sizes.begin(), sizes.end(),
                                        [](const json& size) { return size.is_number_integer(); });
    if (!whole) {
      return absl::InvalidArgumentError(
          fmt::format("{}: a \"shape\" is an array of whole numbers", where));
    }
    shape = sizes.get<std::vector<int64_t>>();
  }
  Parameters parameters;
  SOUVENIR_RETURN_IF_ERROR(AddParameters(where, input, &parameters));
  inputs->SetParameters(name, std::move(parameters));
  return inputs->Add(name, TensorOfJson(declared, input["data"], shape));
}

// Adds all that a request in the protocol's REST form says.
absl::Status AddRestRequest(const std::string& where, const json& data, Inputs* inputs,
                            ModelInferRequest* request) {
  SOUVENIR_RETURN_IF_ERROR(CheckFields(where, data, {"id", "inputs", "outputs", "parameters"}));
  SOUVENIR_RETURN_IF_ERROR(CheckType(where + ": inputs", data["inputs"], "array"));
  for (size_t i = 0; i < data["inputs"].size(); ++i) {
    SOUVENIR_RETURN_IF_ERROR(
        AddRestInput(fmt::format("{}: inputs[{}]", where, i), data["inputs"][i], inputs));
  }
  SOUVENIR_RETURN_IF_ERROR(AddParameters(where, data, request->mutable_parameters()));
  if (data.contains("outputs")) {
    SOUVENIR_RETURN_IF_ERROR(CheckType(where + ": outputs", data["outputs"], "array"));
    for (size_t i = 0; i < data["outputs"].size(); ++i) {
      const json& output = data["outputs"][i];
      const std::string at = fmt::format("{}: outputs[{}]", where, i);
      if (!output.is_object() || !output.contains("name") || !output["name"].is_string()) {
        return absl::InvalidArgumentError(at + " must have a \"name\"");
      }
      SOUVENIR_RETURN_IF_ERROR(CheckFields(at, output, {"name", "parameters"}));
      auto* const requested = request->add_outputs();
      requested->set_name(output["name"].get<std::string>());
      SOUVENIR_RETURN_IF_ERROR(AddParameters(at, output, requested->mutable_parameters()));
    }
  }
  if (data.contains("id")) {
    SOUVENIR_RETURN_IF_ERROR(CheckType(where + ": id", data["id"], "string"));
    request->set_id(data["id"].get<std::string>());
  }
  return absl::OkStatus();
}

// Adds the inputs of --data: {"NAME": value, ...}, or the protocol's REST form.
absl::Status AddData(const InferOptions& options, Console& console, Inputs* inputs,
                     ModelInferRequest* request) {
  absl::StatusOr<std::string> text = options.data == "-" ? ReadAll(console.in, kMostInputBytes)
                                                         : ReadFile(options.data, kMostInputBytes);
  SOUVENIR_RETURN_IF_ERROR(text.status());
  const std::string where =
      options.data == "-" ? "--data (standard input)" : "--data " + options.data;
  SOUVENIR_ASSIGN_OR_RETURN(const json data, ParseJson(*text, where));
  SOUVENIR_RETURN_IF_ERROR(CheckType(where, data, "object"));
  const bool is_rest =
      data.contains("inputs") && (data["inputs"].is_array() || !inputs->Find("inputs").ok());
  if (!is_rest) {
    for (const auto& [name, value] : data.items()) {
      SOUVENIR_ASSIGN_OR_RETURN(const DeclaredTensor* declared, inputs->Find(name));
      SOUVENIR_RETURN_IF_ERROR(inputs->Add(name, TensorOfJson(*declared, value)));
    }
    return absl::OkStatus();
  }
  return AddRestRequest(where, data, inputs, request);
}

// Adds a text from standard input, for a model that takes one.
absl::Status AddStandardInput(const InferOptions& options, Console& console, Inputs* inputs) {
  const bool asked = options.values.size() == 1 && options.values[0] == "-";
  if (!asked && (inputs->declared().size() != 1 ||
                 inputs->declared()[0].datatype != DataType::kBytes || console.in_is_terminal)) {
    return absl::InvalidArgumentError(fmt::format("no input came; {}", inputs->List()));
  }
  SOUVENIR_ASSIGN_OR_RETURN(const DeclaredTensor* only, inputs->Only());
  SOUVENIR_ASSIGN_OR_RETURN(std::string text, ReadAll(console.in, kMostInputBytes));
  if (text.ends_with('\n')) text.pop_back();
  inputs->AddWord(only->name, std::move(text));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ModelInferRequest> MakeInferRequest(const InferOptions& options,
                                                   const ModelMetadataResponse& metadata,
                                                   Console& console) {
  ModelInferRequest request;
  request.set_model_name(options.model);
  request.set_model_version(options.version);
  Inputs inputs(metadata);
  const bool from_input = options.values.size() == 1 && options.values[0] == "-";
  if (!options.values.empty() && !from_input) {
    SOUVENIR_ASSIGN_OR_RETURN(const DeclaredTensor* only, inputs.Only());
    for (const std::string& value : options.values) inputs.AddWord(only->name, value);
  }
  for (const std::string& text : options.inputs) {
    SOUVENIR_RETURN_IF_ERROR(AddInput(text, &inputs));
  }
  if (!options.data.empty()) {
    SOUVENIR_RETURN_IF_ERROR(AddData(options, console, &inputs, &request));
  }
  if (from_input || (inputs.empty() && !inputs.declared().empty())) {
    SOUVENIR_RETURN_IF_ERROR(AddStandardInput(options, console, &inputs));
  }
  SOUVENIR_RETURN_IF_ERROR(inputs.AppendTo(&request));
  for (const std::string& text : options.parameters) {
    SOUVENIR_RETURN_IF_ERROR(AddParameter(text, &request));
  }
  for (const std::string& name : options.outputs) request.add_outputs()->set_name(name);
  return request;
}

}  // namespace souvenir::cli
