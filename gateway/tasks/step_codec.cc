#include "gateway/tasks/step_codec.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "souvenir/state/v1/tasks.pb.h"

namespace souvenir::gateway {
namespace {

constexpr size_t kLeastBlobBytes = 1024;

absl::Status Damaged() { return absl::DataLossError("a step of the task store cannot be read"); }

Sha256Digest DigestOf(std::string_view bytes) {
  Sha256 hash;
  hash.Add(bytes);
  return hash.Finish();
}

void Encode(const Parameter& parameter, state::v1::TaskParameter* out) {
  out->set_name(parameter.name);
  struct SetValue {
    state::v1::TaskParameter* out;
    void operator()(bool value) { out->set_bool_value(value); }
    void operator()(int64_t value) { out->set_int64_value(value); }
    void operator()(const std::string& value) { out->set_string_value(value); }
    void operator()(double value) { out->set_double_value(value); }
    void operator()(uint64_t value) { out->set_uint64_value(value); }
  };
  std::visit(SetValue{out}, parameter.value);
}

Parameter Decode(const state::v1::TaskParameter& parameter) {
  Parameter out{parameter.name(), false};
  switch (parameter.value_case()) {
    case state::v1::TaskParameter::kBoolValue:
      out.value = parameter.bool_value();
      break;
    case state::v1::TaskParameter::kInt64Value:
      out.value = parameter.int64_value();
      break;
    case state::v1::TaskParameter::kStringValue:
      out.value = parameter.string_value();
      break;
    case state::v1::TaskParameter::kDoubleValue:
      out.value = parameter.double_value();
      break;
    case state::v1::TaskParameter::kUint64Value:
      out.value = parameter.uint64_value();
      break;
    case state::v1::TaskParameter::VALUE_NOT_SET:
      break;
  }
  return out;
}

struct EncodeSource {
  state::v1::TaskInput* out;
  std::vector<Blob>* blobs;

  void operator()(LiteralInput& literal) {
    state::v1::TaskLiteral& to = *out->mutable_literal();
    to.set_datatype(static_cast<uint32_t>(literal.datatype));
    to.mutable_shape()->Add(literal.shape.begin(), literal.shape.end());
    if (literal.blob) {
      to.set_blob(literal.blob->data(), literal.blob->size());
      return;
    }
    if (literal.data.size() < kLeastBlobBytes) {
      to.set_data(std::move(literal.data));
      return;
    }
    const Sha256Digest digest = DigestOf(literal.data);
    to.set_blob(digest.data(), digest.size());
    // Steps with a common input often follow one another. A blob that is written twice is the same
    // record.
    if (!blobs->empty() && blobs->back().digest == digest) return;
    blobs->push_back({digest, std::move(literal.data)});
  }
  void operator()(OutputInput& output) {
    state::v1::TaskOutput& to = *out->mutable_output();
    to.set_need(output.need);
    to.set_output(std::move(output.output));
    to.set_has_row(output.row.has_value());
    to.set_row(output.row.value_or(0));
  }
  void operator()(GatheredInput& gathered) {
    state::v1::TaskGather& to = *out->mutable_gather();
    to.mutable_needs()->Add(gathered.needs.begin(), gathered.needs.end());
    to.set_output(std::move(gathered.output));
  }
  void operator()(FailuresInput&) { out->set_failures(true); }
};

absl::StatusOr<StepInput> Decode(state::v1::TaskInput& input) {
  StepInput out;
  out.name = std::move(*input.mutable_name());
  out.reshape.assign(input.reshape().begin(), input.reshape().end());
  switch (input.source_case()) {
    case state::v1::TaskInput::kLiteral: {
      state::v1::TaskLiteral& from = *input.mutable_literal();
      LiteralInput literal;
      literal.datatype = static_cast<DataType>(from.datatype());
      literal.shape.assign(from.shape().begin(), from.shape().end());
      literal.data = std::move(*from.mutable_data());
      if (!from.blob().empty()) {
        if (from.blob().size() != sizeof(Sha256Digest)) return Damaged();
        std::memcpy(literal.blob.emplace().data(), from.blob().data(), sizeof(Sha256Digest));
      }
      out.source = std::move(literal);
      return out;
    }
    case state::v1::TaskInput::kOutput: {
      state::v1::TaskOutput& from = *input.mutable_output();
      OutputInput output{.need = from.need(), .output = std::move(*from.mutable_output())};
      if (from.has_row()) output.row = from.row();
      out.source = std::move(output);
      return out;
    }
    case state::v1::TaskInput::kGather: {
      state::v1::TaskGather& from = *input.mutable_gather();
      out.source = GatheredInput{.needs = {from.needs().begin(), from.needs().end()},
                                 .output = std::move(*from.mutable_output())};
      return out;
    }
    case state::v1::TaskInput::kFailures:
      out.source = FailuresInput{};
      return out;
    case state::v1::TaskInput::SOURCE_NOT_SET:
      break;
  }
  return Damaged();
}

template <typename Record>
bool Parse(std::string_view bytes, Record* record) {
  return bytes.size() <= std::numeric_limits<int>::max() &&
         record->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

std::string EncodeStep(StepSpec spec, std::vector<Blob>* blobs) {
  state::v1::TaskSpec record;
  record.set_model(std::move(spec.model));
  record.set_version(std::move(spec.version));
  for (StepInput& input : spec.inputs) {
    state::v1::TaskInput& to = *record.add_inputs();
    to.set_name(std::move(input.name));
    to.mutable_reshape()->Add(input.reshape.begin(), input.reshape.end());
    std::visit(EncodeSource{&to, blobs}, input.source);
  }
  for (const Parameter& parameter : spec.parameters) Encode(parameter, record.add_parameters());
  if (spec.time_limit != absl::InfiniteDuration()) {
    record.set_time_limit_us(absl::ToInt64Microseconds(spec.time_limit));
  }
  record.set_max_attempts(spec.retry.max_attempts);
  record.set_max_unavailable(spec.retry.max_unavailable);
  record.set_initial_backoff_us(absl::ToInt64Microseconds(spec.retry.initial_backoff));
  record.set_max_backoff_us(absl::ToInt64Microseconds(spec.retry.max_backoff));
  record.set_jitter(spec.retry.jitter);
  return record.SerializeAsString();
}

absl::StatusOr<StepSpec> DecodeStep(std::string_view bytes) {
  state::v1::TaskSpec record;
  if (!Parse(bytes, &record) || record.model().empty()) return Damaged();
  StepSpec spec;
  spec.model = std::move(*record.mutable_model());
  spec.version = std::move(*record.mutable_version());
  for (state::v1::TaskInput& input : *record.mutable_inputs()) {
    absl::StatusOr<StepInput> decoded = Decode(input);
    if (!decoded.ok()) return decoded.status();
    spec.inputs.push_back(*std::move(decoded));
  }
  for (const auto& parameter : record.parameters()) spec.parameters.push_back(Decode(parameter));
  if (record.time_limit_us() > 0) spec.time_limit = absl::Microseconds(record.time_limit_us());
  spec.retry.max_attempts = record.max_attempts();
  spec.retry.max_unavailable = record.max_unavailable();
  spec.retry.initial_backoff = absl::Microseconds(record.initial_backoff_us());
  spec.retry.max_backoff = absl::Microseconds(record.max_backoff_us());
  spec.retry.jitter = record.jitter();
  return spec;
}

std::string EncodeOverride(const std::vector<Parameter>& parameters) {
  if (parameters.empty()) return "";
  state::v1::TaskOverride record;
  for (const Parameter& parameter : parameters) Encode(parameter, record.add_parameters());
  return record.SerializeAsString();
}

absl::Status ApplyOverride(std::string_view bytes, StepSpec* spec) {
  state::v1::TaskOverride record;
  if (!Parse(bytes, &record)) return Damaged();
  for (const auto& changed : record.parameters()) {
    const auto same = [&](const Parameter& parameter) { return parameter.name == changed.name(); };
    std::erase_if(spec->parameters, same);
    spec->parameters.push_back(Decode(changed));
  }
  return absl::OkStatus();
}

}  // namespace souvenir::gateway
