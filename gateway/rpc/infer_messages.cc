#include "gateway/rpc/infer_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "common/oip/number_parameter.h"
#include "common/souvenir_names.h"
#include "common/status_macros.h"
#include "gateway/rpc/parameter_messages.h"

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
    SOUVENIR_ASSIGN_OR_RETURN(Parameter parameter, ReadParameter(name, value));
    parameters->push_back(std::move(parameter));
  }
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

  SOUVENIR_ASSIGN_OR_RETURN(
      const TargetPtr target,
      FindTarget(std::move(read.tenant), AsksByRows(*model_, inputs_), targets, &call->options));
  batch_.Ask(target, inputs_, &call->questions);
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

absl::Status InferMessages::Join(const ResolveCall& call) {
  // Outputs have the order of the request, or the model's order if the request names none.
  absl::InlinedVector<std::string_view, 4> names;
  for (const auto& output : request_->outputs()) names.push_back(output.name());
  if (names.empty()) {
    for (const auto& output : model_->known.metadata().outputs()) names.push_back(output.name());
  }
  return answers_.Join(call, names, most_bytes_);
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
            static_cast<uint64_t>(absl::ToInt64Nanoseconds(answers_.cost())));
  parameter(kDigestName, InferParameter::kStringParamFieldNumber,
            std::string_view(origin.digest()));
  for (const TensorView& output : answers_.outputs()) {
    out.Message(ModelInferResponse::kOutputsFieldNumber, [&](MessageWriter& out) {
      out.Field(Output::kNameFieldNumber, output.name);
      out.Field(Output::kDatatypeFieldNumber, DataTypeName(output.datatype));
      out.Packed(Output::kShapeFieldNumber, output.shape);
    });
  }
  for (const TensorView& output : answers_.outputs()) {
    out.Always(ModelInferResponse::kRawOutputContentsFieldNumber, output.data);
  }
}

}  // namespace souvenir::gateway
