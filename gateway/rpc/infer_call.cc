#include "gateway/rpc/infer_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/grpc/oip_tensors.h"
#include "common/souvenir_names.h"
#include "common/status_macros.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/raw_message.h"

namespace souvenir::gateway {
namespace {

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

absl::Status InferCall::Read(const grpc::ByteBuffer& bytes, const Catalog& catalog,
                             const TargetDirectory& targets) {
  request_ = google::protobuf::Arena::CreateMessage<inference::ModelInferRequest>(&arena_);
  SOUVENIR_RETURN_IF_ERROR(ParseMessage(bytes, request_));
  CallOptions read;
  SOUVENIR_RETURN_IF_ERROR(
      ReadCallOptions(*context(), parts().trust_tenant_header, *parts().clock, &read));
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
  options = std::move(read.resolve);

  const auto rows_of = [](const TensorView& input) {
    return input.shape.empty() ? int64_t{0} : input.shape[0];
  };
  const int64_t rows = inputs_.empty() ? 0 : rows_of(inputs_.front());
  spec.by_rows = model_->row_exact && model_->max_batch > 0 && rows > 0 &&
                 std::all_of(inputs_.begin(), inputs_.end(),
                             [&](const TensorView& input) { return rows_of(input) == rows; });
  const TargetPtr target = targets.Get(std::move(spec));
  if (target->by_rows()) {
    AskByRows(target, rows);
  } else {
    questions.push_back({target, {inputs_.begin(), inputs_.end()}});
  }
  return absl::OkStatus();
}

absl::Status InferCall::ReadTensors(const CatalogModel& model) {
  if (model.known.config().input_size() > 0) {
    SOUVENIR_ASSIGN_OR_RETURN(valid_, ValidateInference(model.known.config(), *request_));
    inputs_ = valid_->inputs;
    return absl::OkStatus();
  }
  // Another's server that tells no configuration: it checks by itself what its model takes.
  SOUVENIR_ASSIGN_OR_RETURN(tensors_, MessageTensors::FromRequest(*request_));
  inputs_.assign(tensors_->tensors().begin(), tensors_->tensors().end());
  return absl::OkStatus();
}

void InferCall::AskByRows(const TargetPtr& target, int64_t rows) {
  questions.resize(static_cast<size_t>(rows));
  row_shapes_.reserve(inputs_.size());
  for (const TensorView& input : inputs_) {
    std::vector<int64_t>& shape = row_shapes_.emplace_back(input.shape.begin(), input.shape.end());
    shape[0] = 1;
    const std::vector<TensorView> parts = SplitRows(input, shape);
    for (size_t row = 0; row < parts.size(); ++row) questions[row].inputs.push_back(parts[row]);
  }
  for (Question& question : questions) question.target = target;
}

absl::Status InferCall::Respond() {
  for (size_t i = 0; i < questions.size(); ++i) {
    SOUVENIR_RETURN_IF_ERROR(answer(i).status);
  }
  auto* const response =
      google::protobuf::Arena::CreateMessage<inference::ModelInferResponse>(&arena_);
  response->set_model_name(model_->name());
  response->set_model_version(answer(0).entry->origin().version());
  response->set_id(request_->id());
  absl::Duration cost;
  for (size_t i = 0; i < questions.size(); ++i) cost += answer(i).entry->cost();
  auto& parameters = *response->mutable_parameters();
  parameters[kComputeTimeName].set_int64_param(absl::ToInt64Nanoseconds(cost));
  parameters[kDigestName].set_string_param(answer(0).entry->origin().digest());
  SOUVENIR_RETURN_IF_ERROR(FillOutputs(response));
  *response_ = SerializeMessage(*response);
  AddCacheMetadata();
  return absl::OkStatus();
}

absl::Status InferCall::FillOutputs(inference::ModelInferResponse* response) const {
  std::vector<DecodedTensors> rows;
  rows.reserve(questions.size());
  for (size_t i = 0; i < questions.size(); ++i) {
    SOUVENIR_ASSIGN_OR_RETURN(DecodedTensors row, DecodedTensors::Decode(answer(i).entry->value()));
    rows.push_back(std::move(row));
  }
  // In the order asked for; where none was asked for, in the model's own.
  std::vector<std::string_view> names;
  for (const auto& output : request_->outputs()) names.push_back(output.name());
  if (names.empty()) {
    for (const auto& output : model_->known.metadata().outputs()) names.push_back(output.name());
  }
  for (const std::string_view name : names) {
    std::vector<int64_t> shape;
    std::string joined;
    std::string_view data;
    DataType datatype = DataType::kInvalid;
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::optional<TensorView> part = rows[i].Find(name);
      if (!part) return absl::InternalError(fmt::format("an answer lacks the output '{}'", name));
      if (i == 0) {
        datatype = part->datatype;
        shape.assign(part->shape.begin(), part->shape.end());
        data = part->data;
        if (rows.size() > 1) joined = data;
        continue;
      }
      const bool fits = part->datatype == datatype && part->shape.size() == shape.size() &&
                        std::equal(shape.begin() + 1, shape.end(), part->shape.begin() + 1);
      if (!fits) {
        return absl::InternalError(fmt::format(
            "output '{}': row 0 is {} of shape {} and row {} is {} of shape {}; they make no batch",
            name, DataTypeName(datatype), ShapeString(shape), i, DataTypeName(part->datatype),
            ShapeString(part->shape)));
      }
      joined.append(part->data);
    }
    if (rows.size() > 1) {
      shape[0] = static_cast<int64_t>(rows.size());
      data = joined;
    }
    AppendOutputs({{name, datatype, shape, data}}, response);
  }
  return absl::OkStatus();
}

void InferCall::AddCacheMetadata() {
  std::array<size_t, kCacheKinds> rows{};
  const absl::Time now = parts().clock->Now();
  absl::Duration oldest = absl::ZeroDuration();
  for (size_t i = 0; i < questions.size(); ++i) {
    ++rows[static_cast<size_t>(answer(i).kind)];
    oldest = std::max(oldest, answer(i).Age(now));
  }
  std::string kinds;
  for (size_t kind = 0; kind < rows.size(); ++kind) {
    if (rows[kind] == 0) continue;
    fmt::format_to(std::back_inserter(kinds), "{}{}={}", kinds.empty() ? "" : ",",
                   CacheKindName(static_cast<CacheKind>(kind)), rows[kind]);
  }
  context()->AddInitialMetadata("souvenir-cache", kinds);
  context()->AddInitialMetadata("age", std::to_string(absl::ToInt64Seconds(oldest)));
  if (questions.size() == 1) context()->AddInitialMetadata("souvenir-key", answer(0).key.Hex());
}

}  // namespace souvenir::gateway
