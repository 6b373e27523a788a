#include "gateway/rpc/infer_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/souvenir_names.h"
#include "common/status_macros.h"

namespace souvenir::gateway {
namespace {

// The fields of a map's entries.
constexpr int kMapKey = 1;
constexpr int kMapValue = 2;

// The parameters that may change the answer. Of the others, priority goes into `options`; a
// sequence makes answers depend on what was asked before, so that none is remembered.
absl::Status ReadParameters(const inference::ModelInferRequest& request, ResolveOptions* options,
                            std::vector<Parameter>* parameters) {
  for (const auto& [name, value] : request.parameters()) {
    if (name.starts_with(kOurNames) || name == "timeout") continue;
    if (name == "priority") {
      options->priority = value.has_uint64_param() ? static_cast<int64_t>(value.uint64_param())
                                                   : value.int64_param();
      continue;
    }
    if (name.starts_with("sequence_")) options->cache.no_store = true;
    Parameter parameter{name, false};
    switch (value.parameter_choice_case()) {
      case inference::InferParameter::kBoolParam:
        parameter.value = value.bool_param();
        break;
      case inference::InferParameter::kInt64Param:
        parameter.value = value.int64_param();
        break;
      case inference::InferParameter::kStringParam:
        parameter.value = value.string_param();
        break;
      case inference::InferParameter::kDoubleParam:
        parameter.value = value.double_param();
        break;
      case inference::InferParameter::kUint64Param:
        parameter.value = value.uint64_param();
        break;
      case inference::InferParameter::PARAMETER_CHOICE_NOT_SET:
        return absl::InvalidArgumentError(fmt::format("parameter '{}' has no value", name));
    }
    parameters->push_back(std::move(parameter));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status InferMessages::Parse(const grpc::ByteBuffer& bytes) {
  auto* const request = arena_.Create<inference::ModelInferRequest>();
  SOUVENIR_RETURN_IF_ERROR(ParseMessage(bytes, request));
  request_ = request;
  return absl::OkStatus();
}

absl::Status InferMessages::Ask(CallOptions read, const Catalog& catalog,
                                const TargetDirectory& targets, ResolveCall* call) {
  SOUVENIR_RETURN_IF_ERROR(catalog.CheckKnown());
  SOUVENIR_ASSIGN_OR_RETURN(
      model_, catalog.snapshot()->Find(request_->model_name(), request_->model_version()));
  SOUVENIR_RETURN_IF_ERROR(ReadTensors(*model_));

  Target::Spec spec;
  spec.model = model_;
  spec.version = request_->model_version();
  spec.tenant = std::move(read.tenant);
  SOUVENIR_RETURN_IF_ERROR(ReadParameters(*request_, &read.resolve, &spec.parameters));
  for (const auto& output : request_->outputs()) spec.outputs.push_back(output.name());
  call->options = std::move(read.resolve);

  const auto rows_of = [](const TensorView& input) {
    return input.shape.empty() ? int64_t{0} : input.shape[0];
  };
  const int64_t rows = inputs_.empty() ? 0 : rows_of(inputs_.front());
  // More rows than the model takes are refused by its server, not taken apart by us.
  spec.by_rows = model_->row_exact && rows > 0 && rows <= model_->max_batch &&
                 std::all_of(inputs_.begin(), inputs_.end(),
                             [&](const TensorView& input) { return rows_of(input) == rows; });
  const TargetPtr target = targets.Get(std::move(spec));
  if (target->by_rows() && rows > 1) {
    AskByRows(target, rows, &call->questions);
  } else {
    call->questions.push_back({target, {inputs_.begin(), inputs_.end()}});
  }
  return absl::OkStatus();
}

absl::Status InferMessages::ReadTensors(const CatalogModel& model) {
  if (model.known.config().input_size() > 0) {
    SOUVENIR_ASSIGN_OR_RETURN(valid_, ValidateInference(model.known.config(), *request_));
    inputs_ = valid_->inputs;
    return absl::OkStatus();
  }
  // Another's server that tells no configuration: it checks by itself what its model takes.
  SOUVENIR_ASSIGN_OR_RETURN(tensors_, MessageTensors::FromRequest(*request_));
  inputs_ = tensors_->tensors();
  return absl::OkStatus();
}

void InferMessages::AskByRows(const TargetPtr& target, int64_t rows, Questions* questions) {
  questions->resize(static_cast<size_t>(rows));
  row_shapes_.reserve(inputs_.size());
  for (const TensorView& input : inputs_) {
    std::vector<int64_t>& shape = row_shapes_.emplace_back(input.shape.begin(), input.shape.end());
    shape[0] = 1;
    const std::vector<TensorView> parts = SplitRows(input, shape);
    for (size_t row = 0; row < parts.size(); ++row) (*questions)[row].inputs.push_back(parts[row]);
  }
  for (Question& question : *questions) question.target = target;
}

absl::StatusOr<InferMessages::Outputs> InferMessages::Join(const ResolveCall& call) const {
  Outputs outputs;
  absl::Duration cost;
  for (size_t i = 0; i < call.questions.size(); ++i) {
    SOUVENIR_RETURN_IF_ERROR(call.answer(i).status);
    cost += call.answer(i).entry->cost();
  }
  outputs.cost_ns = static_cast<uint64_t>(absl::ToInt64Nanoseconds(cost));
  SOUVENIR_ASSIGN_OR_RETURN(const Rows rows, DecodeRows(call));
  SOUVENIR_ASSIGN_OR_RETURN(outputs.tensors, JoinRows(rows));
  return outputs;
}

void InferMessages::Write(const ResolveCall& call, const Outputs& outputs,
                          MessageWriter& out) const {
  using inference::ModelInferResponse;
  using Output = inference::ModelInferResponse::InferOutputTensor;
  using inference::InferParameter;
  const cache::Origin& origin = call.answer(0).entry->origin();
  out.Field(ModelInferResponse::kModelNameFieldNumber, model_->name());
  out.Field(ModelInferResponse::kModelVersionFieldNumber, origin.version());
  out.Field(ModelInferResponse::kIdFieldNumber, request_->id());
  const auto parameter = [&out](std::string_view name, int choice, const auto& value) {
    out.Message(ModelInferResponse::kParametersFieldNumber, [&](MessageWriter& out) {
      out.Field(kMapKey, name);
      out.Message(kMapValue, [&](MessageWriter& out) { out.Always(choice, value); });
    });
  };
  parameter(kComputeTimeName, InferParameter::kInt64ParamFieldNumber, outputs.cost_ns);
  parameter(kDigestName, InferParameter::kStringParamFieldNumber,
            std::string_view(origin.digest()));
  for (const OutputTensor& output : outputs.tensors) {
    out.Message(ModelInferResponse::kOutputsFieldNumber, [&](MessageWriter& out) {
      out.Field(Output::kNameFieldNumber, output.name);
      out.Field(Output::kDatatypeFieldNumber, DataTypeName(output.datatype));
      out.Packed(Output::kShapeFieldNumber, output.shape);
    });
  }
  for (const OutputTensor& output : outputs.tensors) {
    out.Always(ModelInferResponse::kRawOutputContentsFieldNumber, output.data());
  }
}

absl::StatusOr<InferMessages::Rows> InferMessages::DecodeRows(const ResolveCall& call) {
  Rows rows;
  rows.reserve(call.questions.size());
  for (size_t i = 0; i < call.questions.size(); ++i) {
    SOUVENIR_ASSIGN_OR_RETURN(DecodedTensors row,
                              DecodedTensors::Decode(call.answer(i).entry->value()));
    rows.push_back(std::move(row));
  }
  return rows;
}

absl::StatusOr<absl::InlinedVector<InferMessages::OutputTensor, 1>> InferMessages::JoinRows(
    const Rows& rows) const {
  absl::InlinedVector<OutputTensor, 1> outputs;
  // In the order asked for; where none was asked for, in the model's own.
  if (request_->outputs_size() > 0) {
    for (const auto& output : request_->outputs()) outputs.push_back({.name = output.name()});
  } else {
    for (const auto& output : model_->known.metadata().outputs()) {
      outputs.push_back({.name = output.name()});
    }
  }
  for (OutputTensor& output : outputs) {
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::optional<TensorView> part = rows[i].Find(output.name);
      if (!part) {
        return absl::InternalError(fmt::format("an answer lacks the output '{}'", output.name));
      }
      SOUVENIR_RETURN_IF_ERROR(output.AddRow(i, *part));
    }
    if (rows.size() > 1) output.shape[0] = static_cast<int64_t>(rows.size());
  }
  return outputs;
}

absl::Status InferMessages::OutputTensor::AddRow(size_t row, const TensorView& part) {
  if (row == 0) {
    datatype = part.datatype;
    shape.assign(part.shape.begin(), part.shape.end());
    first = part.data;
    return absl::OkStatus();
  }
  const bool fits = part.datatype == datatype && part.shape.size() == shape.size() &&
                    std::equal(shape.begin() + 1, shape.end(), part.shape.begin() + 1);
  if (!fits) {
    return absl::InternalError(fmt::format(
        "output '{}': row 0 is {} of shape {} and row {} is {} of shape {}; they make no batch",
        name, DataTypeName(datatype), ShapeString(shape), row, DataTypeName(part.datatype),
        ShapeString(part.shape)));
  }
  if (!joined) joined = first;
  joined->append(part.data);
  return absl::OkStatus();
}

}  // namespace souvenir::gateway
