#include "gateway/rpc/infer_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "common/oip/number_parameter.h"
#include "common/souvenir_names.h"
#include "common/status_macros.h"

namespace souvenir::gateway {
namespace {

// The fields of a map's entries.
constexpr int kMapKey = 1;
constexpr int kMapValue = 2;

// Every number beyond the levels of a model means its last level.
int64_t AsPriority(uint64_t number) {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return static_cast<int64_t>(std::min(number, kMost));
}

// Reads the parameters that may change the answer. The priority goes into `options`. The timeout is
// only checked: callers may share the work, and compute has its own limits for it. Answers in a
// sequence depend on earlier requests, so they are not cached.
absl::Status ReadParameters(const inference::ModelInferRequest& request, ResolveOptions* options,
                            std::vector<Parameter>* parameters) {
  for (const auto& [name, value] : request.parameters()) {
    if (name.starts_with(kOurNames)) continue;
    if (name == "priority" || name == "timeout") {
      SOUVENIR_ASSIGN_OR_RETURN(const uint64_t number, NumberParameter(name, value));
      if (name == "priority") options->priority = AsPriority(number);
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

absl::Status LacksOutput(std::string_view name) {
  return absl::InternalError(fmt::format("an answer lacks the output '{}'", name));
}

// Appends `part`, row `row` of an output, to `data`, which has the rows before it. INTERNAL if
// `part` is not one row of the shape and datatype of `first`. That happens if a model is not
// row-exact although it says so.
absl::Status AppendRow(const TensorView& first, size_t row, const TensorView& part,
                       std::string* data) {
  if (part.shape.empty() || part.shape[0] != 1 || part.shape != first.shape ||
      part.datatype != first.datatype) {
    return absl::InternalError(fmt::format(
        "output '{}': row 0 is {} of shape {} and row {} is {} of shape {}; they make no batch",
        first.name, DataTypeName(first.datatype), ShapeString(first.shape), row,
        DataTypeName(part.datatype), ShapeString(part.shape)));
  }
  data->append(part.data);
  return absl::OkStatus();
}

}  // namespace

absl::Status InferMessages::Parse(const grpc::ByteBuffer& bytes, size_t most_bytes) {
  auto* const request = arena_.Create<inference::ModelInferRequest>();
  SOUVENIR_RETURN_IF_ERROR(ParseMessage(bytes, most_bytes, request));
  request_ = request;
  most_bytes_ = most_bytes;
  return absl::OkStatus();
}

absl::Status InferMessages::Ask(CallOptions read, const Catalog& catalog,
                                const TargetDirectory& targets, ResolveCall* call) {
  // Set first, so that the log of a refused request has its trace.
  call->options = std::move(read.resolve);
  SOUVENIR_RETURN_IF_ERROR(catalog.CheckKnown());
  SOUVENIR_ASSIGN_OR_RETURN(
      model_, catalog.snapshot()->Find(request_->model_name(), request_->model_version()));
  SOUVENIR_RETURN_IF_ERROR(ReadTensors(*model_));

  const auto rows_of = [](const TensorView& input) {
    return input.shape.empty() ? int64_t{0} : input.shape[0];
  };
  const int64_t rows = inputs_.empty() ? 0 : rows_of(inputs_.front());
  // A batch above the model's limit is not split: the model's server refuses it.
  const bool by_rows = model_->row_exact && rows > 0 && rows <= model_->max_batch &&
                       std::all_of(inputs_.begin(), inputs_.end(),
                                   [&](const TensorView& input) { return rows_of(input) == rows; });
  SOUVENIR_ASSIGN_OR_RETURN(TargetPtr target,
                            FindTarget(std::move(read.tenant), by_rows, targets, &call->options));
  if (by_rows && rows > 1) {
    AskByRows(target, rows, &call->questions);
  } else {
    call->questions.push_back({std::move(target), {inputs_.begin(), inputs_.end()}});
  }
  return absl::OkStatus();
}

absl::StatusOr<TargetPtr> InferMessages::FindTarget(std::string tenant, bool by_rows,
                                                    const TargetDirectory& targets,
                                                    ResolveOptions* options) const {
  if (tenant.empty() && request_->parameters().empty() && request_->outputs().empty()) {
    TargetPtr plain = targets.FindPlain(*model_, !request_->model_version().empty(), by_rows);
    if (plain != nullptr) return plain;
  }
  Target::Spec spec;
  spec.model = model_;
  spec.version = request_->model_version();
  spec.tenant = std::move(tenant);
  spec.by_rows = by_rows;
  SOUVENIR_RETURN_IF_ERROR(ReadParameters(*request_, options, &spec.parameters));
  for (const auto& output : request_->outputs()) spec.outputs.push_back(output.name());
  return std::make_shared<const Target>(std::move(spec));
}

absl::Status InferMessages::ReadTensors(const CatalogModel& model) {
  if (model.known.config().input_size() > 0) {
    SOUVENIR_ASSIGN_OR_RETURN(valid_, ValidateInference(model.known.config(), *request_));
    inputs_ = valid_->inputs;
    return absl::OkStatus();
  }
  // Without a configuration, as from a third-party server, the server checks the request itself.
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

absl::Status InferMessages::Join(const ResolveCall& call) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < call.questions.size(); ++i) {
    SOUVENIR_RETURN_IF_ERROR(call.answer(i).status);
    cost_ += call.answer(i).entry->cost();
    bytes += call.answer(i).entry->value().size();
  }
  // Found before memory is taken: each row alone may be as large as a message.
  if (bytes > most_bytes_) {
    return absl::ResourceExhaustedError(
        fmt::format("the answers to {} rows have {} bytes, and a response may have {}; ask for "
                    "fewer rows at once",
                    call.questions.size(), bytes, most_bytes_));
  }
  SOUVENIR_RETURN_IF_ERROR(TakeFirstRow(call));
  return call.questions.size() > 1 ? JoinRows(call) : absl::OkStatus();
}

absl::Status InferMessages::TakeFirstRow(const ResolveCall& call) {
  SOUVENIR_ASSIGN_OR_RETURN(first_row_, DecodedTensors::Decode(call.answer(0).entry->value()));
  const auto take = [this](std::string_view name) -> absl::Status {
    const std::optional<TensorView> output = first_row_.Find(name);
    if (!output) return LacksOutput(name);
    outputs_.push_back(*output);
    return absl::OkStatus();
  };
  // Outputs have the order of the request, or the model's order if the request names none.
  for (const auto& output : request_->outputs()) SOUVENIR_RETURN_IF_ERROR(take(output.name()));
  if (request_->outputs_size() > 0) return absl::OkStatus();
  for (const auto& output : model_->known.metadata().outputs()) {
    SOUVENIR_RETURN_IF_ERROR(take(output.name()));
  }
  return absl::OkStatus();
}

absl::Status InferMessages::JoinRows(const ResolveCall& call) {
  const size_t rows = call.questions.size();
  joined_.reserve(outputs_.size());
  for (const TensorView& output : outputs_) {
    joined_.push_back({std::string(output.name),
                       output.datatype,
                       {output.shape.begin(), output.shape.end()},
                       std::string(output.data)});
    // Rows of one model are of a similar size.
    joined_.back().data.reserve(output.data.size() * rows);
  }
  for (size_t row = 1; row < rows; ++row) {
    SOUVENIR_ASSIGN_OR_RETURN(const DecodedTensors decoded,
                              DecodedTensors::Decode(call.answer(row).entry->value()));
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const std::optional<TensorView> part = decoded.Find(outputs_[i].name);
      if (!part) return LacksOutput(outputs_[i].name);
      SOUVENIR_RETURN_IF_ERROR(AppendRow(outputs_[i], row, *part, &joined_[i].data));
    }
  }
  for (size_t i = 0; i < outputs_.size(); ++i) {
    joined_[i].shape[0] = static_cast<int64_t>(rows);
    outputs_[i] = joined_[i].view();
  }
  return absl::OkStatus();
}

void InferMessages::Write(const ResolveCall& call, MessageWriter& out) const {
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
  parameter(kComputeTimeName, InferParameter::kInt64ParamFieldNumber,
            static_cast<uint64_t>(absl::ToInt64Nanoseconds(cost_)));
  parameter(kDigestName, InferParameter::kStringParamFieldNumber,
            std::string_view(origin.digest()));
  for (const TensorView& output : outputs_) {
    out.Message(ModelInferResponse::kOutputsFieldNumber, [&](MessageWriter& out) {
      out.Field(Output::kNameFieldNumber, output.name);
      out.Field(Output::kDatatypeFieldNumber, DataTypeName(output.datatype));
      out.Packed(Output::kShapeFieldNumber, output.shape);
    });
  }
  for (const TensorView& output : outputs_) {
    out.Always(ModelInferResponse::kRawOutputContentsFieldNumber, output.data);
  }
}

}  // namespace souvenir::gateway
