#include "gateway/rpc/task_messages.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "common/grpc/proto_time.h"
#include "common/model_name.h"
#include "common/oip/message_tensors.h"
#include "common/souvenir_names.h"
#include "common/status_macros.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/rpc/parameter_messages.h"
#include "gateway/tasks/step_codec.h"

namespace souvenir::gateway {
namespace {

constexpr uint32_t kDefaultPage = 100;
constexpr uint32_t kMostPage = 1000;

absl::Status Invalid(const std::string& path, std::string_view message) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", path, message));
}

absl::StatusOr<absl::Duration> ReadDuration(const std::string& path,
                                            const google::protobuf::Duration& duration) {
  // The range of protobuf's own documentation: about 10,000 years.
  constexpr int64_t kMostSeconds = 315'576'000'000;
  const bool is_valid = duration.seconds() >= -kMostSeconds && duration.seconds() <= kMostSeconds &&
                        duration.nanos() > -1'000'000'000 && duration.nanos() < 1'000'000'000;
  if (!is_valid) {
    return Invalid(path, fmt::format("{} s and {} ns came, which is no duration",
                                     duration.seconds(), duration.nanos()));
  }
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::StatusOr<absl::Time> ReadTime(const std::string& path,
                                    const google::protobuf::Timestamp& time) {
  constexpr int64_t kFirst = -62'135'596'800;  // the year 1
  constexpr int64_t kLast = 253'402'300'799;   // the end of the year 9999
  if (time.seconds() < kFirst || time.seconds() > kLast || time.nanos() < 0 ||
      time.nanos() >= 1'000'000'000) {
    return Invalid(path, fmt::format("{} s and {} ns since 1970 came, which is no time",
                                     time.seconds(), time.nanos()));
  }
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::StatusOr<LiteralInput> ReadLiteral(const std::string& path, v1::TensorLiteral* literal) {
  if (literal->has_contents() && !literal->raw().empty()) {
    return Invalid(path, "literal: both raw and contents came; one is expected");
  }
  inference::ModelInferRequest request;
  auto& input = *request.add_inputs();
  input.set_name("literal");
  input.set_datatype(std::move(*literal->mutable_datatype()));
  input.mutable_shape()->Swap(literal->mutable_shape());
  if (literal->has_contents()) {
    input.mutable_contents()->Swap(literal->mutable_contents());
  } else {
    request.add_raw_input_contents(std::move(*literal->mutable_raw()));
  }
  const absl::StatusOr<MessageTensors> tensors = MessageTensors::FromRequest(request);
  if (!tensors.ok()) return Invalid(path, std::string(tensors.status().message()));
  const TensorView& tensor = tensors->tensors().front();
  return LiteralInput{.datatype = tensor.datatype,
                      .shape = {tensor.shape.begin(), tensor.shape.end()},
                      .data = std::string(tensor.data)};
}

absl::StatusOr<StepInput> ReadInput(const std::string& path, v1::StepInput* input,
                                    NeedList* needs) {
  StepInput read;
  if (input->name().empty() || !FaultOfName(input->name()).empty()) {
    return Invalid(path, "a name without control characters is expected");
  }
  read.name = std::move(*input->mutable_name());
  read.reshape.assign(input->reshape().begin(), input->reshape().end());
  switch (input->source_case()) {
    case v1::StepInput::kLiteral: {
      SOUVENIR_ASSIGN_OR_RETURN(read.source, ReadLiteral(path, input->mutable_literal()));
      return read;
    }
    case v1::StepInput::kOutput: {
      v1::StepOutput& from = *input->mutable_output();
      OutputInput output{.need = needs->NumberOf(from.step()),
                         .output = std::move(*from.mutable_output())};
      if (from.has_row() && from.row() < 0) {
        return Invalid(path,
                       fmt::format("output.row: {} came; a number from 0 is expected", from.row()));
      }
      if (from.has_row()) output.row = from.row();
      read.source = std::move(output);
      return read;
    }
    case v1::StepInput::kGather: {
      v1::Gather& from = *input->mutable_gather();
      if (from.steps().empty()) {
        return Invalid(path, "gather.steps: none came; at least one is expected");
      }
      GatheredInput gathered{.output = std::move(*from.mutable_output())};
      gathered.needs.reserve(static_cast<size_t>(from.steps_size()));
      for (const std::string& step : from.steps()) gathered.needs.push_back(needs->NumberOf(step));
      read.source = std::move(gathered);
      return read;
    }
    case v1::StepInput::kFailures:
      read.source = FailuresInput{};
      return read;
    case v1::StepInput::SOURCE_NOT_SET:
      break;
  }
  return Invalid(path, "no source came; one of literal, output, gather and failures is expected");
}

absl::StatusOr<RetryPolicy> ReadRetry(const std::string& path, const v1::RetryPolicy& retry) {
  RetryPolicy read;
  if (retry.max_attempts() > 0) read.max_attempts = retry.max_attempts();
  if (retry.has_max_unavailable()) read.max_unavailable = retry.max_unavailable();
  if (retry.has_initial_backoff()) {
    SOUVENIR_ASSIGN_OR_RETURN(read.initial_backoff, ReadDuration(path + ": retry.initial_backoff",
                                                                 retry.initial_backoff()));
  }
  if (retry.has_max_backoff()) {
    SOUVENIR_ASSIGN_OR_RETURN(read.max_backoff,
                              ReadDuration(path + ": retry.max_backoff", retry.max_backoff()));
  }
  if (retry.has_jitter()) read.jitter = retry.jitter();
  return read;
}

v1::JobState StateOf(JobState state) {
  switch (state) {
    case JobState::kRunning:
      return v1::JOB_STATE_RUNNING;
    case JobState::kSucceeded:
      return v1::JOB_STATE_SUCCEEDED;
    case JobState::kFailed:
      return v1::JOB_STATE_FAILED;
    case JobState::kCancelled:
      return v1::JOB_STATE_CANCELLED;
  }
  return v1::JOB_STATE_UNSPECIFIED;
}

// The wire has the numbers of the records on disk.
static_assert(static_cast<int>(StepState::kPending) == v1::STEP_STATE_PENDING);
static_assert(static_cast<int>(StepState::kCancelled) == v1::STEP_STATE_CANCELLED);
v1::StepState StateOf(StepState state) { return static_cast<v1::StepState>(state); }

static_assert(static_cast<int>(DeadLetterReason::kPermanent) == v1::DEAD_LETTER_REASON_PERMANENT);
static_assert(static_cast<int>(DeadLetterReason::kLost) == v1::DEAD_LETTER_REASON_LOST);

void WriteStatus(const absl::Status& status, v1::Status* out) {
  out->set_code(static_cast<int32_t>(status.code()));
  out->set_message(std::string(status.message()));
}

// Returns the model of a step; "" if its record cannot be read.
std::string ModelOf(const StepInfo& step) {
  absl::StatusOr<StepSpec> spec = DecodeStep(step.spec);
  return spec.ok() ? std::move(spec->model) : std::string();
}

}  // namespace

absl::StatusOr<JobOptions> ReadJobOptions(const v1::JobOptions& options,
                                          const std::string& tenant) {
  JobOptions read;
  read.name = options.name();
  read.tenant = tenant;
  read.idempotency_key = options.idempotency_key();
  read.uniqueness_key = options.uniqueness_key();
  if (!v1::FailurePolicy_IsValid(options.failure_policy())) {
    return Invalid("options.failure_policy",
                   fmt::format("{} came; FAIL_FAST or RUN_ALL is expected",
                               static_cast<int>(options.failure_policy())));
  }
  read.run_all = options.failure_policy() == v1::FAILURE_POLICY_RUN_ALL;
  read.failure_step = options.failure_step();
  read.result_step = options.result_step();
  if (options.has_result_ttl()) {
    SOUVENIR_ASSIGN_OR_RETURN(read.result_ttl,
                              ReadDuration("options.result_ttl", options.result_ttl()));
    if (read.result_ttl < absl::ZeroDuration()) {
      return Invalid("options.result_ttl", "a time that is not negative is expected");
    }
  }
  return read;
}

absl::StatusOr<std::vector<Parameter>> ReadStepParameters(
    const std::string& path,
    const google::protobuf::Map<std::string, inference::InferParameter>& parameters) {
  std::vector<Parameter> read;
  for (const auto& [name, value] : parameters) {
    if (name.starts_with(kOurNames) || name == "priority" || name == "timeout") {
      return Invalid(path, fmt::format("parameters: '{}' came; a step has a field of its own for "
                                       "that, or none",
                                       EscapedName(name)));
    }
    if (name.starts_with("sequence_")) {
      return Invalid(path, fmt::format("parameters: '{}' came; a step cannot be part of a sequence "
                                       "of requests",
                                       EscapedName(name)));
    }
    absl::StatusOr<Parameter> parameter = ReadParameter(name, value);
    if (!parameter.ok()) return Invalid(path, std::string(parameter.status().message()));
    read.push_back(*std::move(parameter));
  }
  return read;
}

absl::StatusOr<StepRequest> ReadStep(size_t number, v1::Step step) {
  const std::string path = fmt::format("steps[{}] '{}'", number, EscapedName(step.id()));
  StepRequest read;
  read.id = std::move(*step.mutable_id());
  v1::ModelCall& call = *step.mutable_call();
  const absl::Status named = CheckModelName(call.model());
  if (!named.ok()) return Invalid(path + ": call.model", std::string(named.message()));
  read.spec.model = std::move(*call.mutable_model());
  read.spec.version = std::move(*call.mutable_version());
  NeedList needs;
  for (int i = 0; i < call.inputs_size(); ++i) {
    v1::StepInput& input = *call.mutable_inputs(i);
    SOUVENIR_ASSIGN_OR_RETURN(
        StepInput input_read,
        ReadInput(fmt::format("{}: inputs[{}] '{}'", path, i, EscapedName(input.name())), &input,
                  &needs));
    read.spec.inputs.push_back(std::move(input_read));
  }
  SOUVENIR_ASSIGN_OR_RETURN(read.spec.parameters, ReadStepParameters(path, call.parameters()));
  for (const std::string& after : step.after()) needs.NumberOf(after);
  read.needs = std::move(needs).Take();
  read.queue = std::move(*step.mutable_queue());
  read.priority = step.priority();
  SOUVENIR_ASSIGN_OR_RETURN(read.spec.retry, ReadRetry(path, step.retry()));
  if (step.has_time_limit()) {
    SOUVENIR_ASSIGN_OR_RETURN(read.spec.time_limit,
                              ReadDuration(path + ": time_limit", step.time_limit()));
  }
  if (step.has_not_before()) {
    SOUVENIR_ASSIGN_OR_RETURN(read.not_before, ReadTime(path + ": not_before", step.not_before()));
  } else if (step.has_countdown()) {
    SOUVENIR_ASSIGN_OR_RETURN(read.countdown, ReadDuration(path + ": countdown", step.countdown()));
  }
  return read;
}

void WriteJob(const JobInfo& job, const TaskStore& store, v1::Job* out) {
  out->set_id(store.NameOf(job.number));
  out->set_name(job.options.name);
  out->set_state(StateOf(job.state));
  v1::StepCounts& steps = *out->mutable_steps();
  steps.set_total(job.steps.total);
  steps.set_waiting(job.steps.total - job.steps.ended() - job.steps.running);
  steps.set_running(job.steps.running);
  steps.set_succeeded(job.steps.succeeded);
  steps.set_failed(job.steps.failed);
  steps.set_skipped(job.steps.skipped);
  steps.set_cancelled(job.steps.cancelled);
  if (!job.status.ok()) WriteStatus(job.status, out->mutable_status());
  out->set_result_step(job.options.result_step);
  ToProto(job.created, out->mutable_created_at());
  if (job.ended != absl::InfiniteFuture()) {
    ToProto(job.ended, out->mutable_ended_at());
    ToProto(job.ended + job.options.result_ttl, out->mutable_expires_at());
  }
  out->set_next_sequence(job.next_event);
}

void WriteStep(const StepInfo& step, v1::JobStep* out) {
  out->set_id(step.id);
  out->set_number(step.number);
  out->set_state(StateOf(step.state));
  out->set_queue(step.queue);
  out->set_priority(step.priority);
  out->set_model(ModelOf(step));
  out->set_attempts(step.attempts);
  if (!step.status.ok()) WriteStatus(step.status, out->mutable_status());
  if (step.due != absl::InfiniteFuture()) ToProto(step.due, out->mutable_due_at());
  out->set_result_bytes(step.result_bytes);
}

void WriteDeadLetter(const StepInfo& step, const std::string& job, v1::DeadLetter* out) {
  out->set_job_id(job);
  out->set_step(step.id);
  out->set_queue(step.queue);
  out->set_model(ModelOf(step));
  out->set_attempts(step.attempts);
  WriteStatus(step.status, out->mutable_status());
  out->set_reason(static_cast<v1::DeadLetterReason>(step.reason));
  if (step.ended != absl::InfiniteFuture()) ToProto(step.ended, out->mutable_failed_at());
}

void WriteQueue(const QueueInfo& queue, v1::Queue* out) {
  out->set_name(queue.name);
  out->set_paused(queue.paused);
  out->set_ready(queue.ready);
  out->set_running(queue.running);
  out->set_max_running(queue.max_running);
}

void WriteStepEnded(const TaskEvent& event, const std::string& id, v1::StepEnded* out) {
  out->set_id(id);
  out->set_number(event.step);
  out->set_state(StateOf(event.state));
  out->set_attempts(event.attempts);
  if (!event.status.ok()) WriteStatus(event.status, out->mutable_status());
  out->set_result_bytes(event.result_bytes);
  out->set_rows(event.rows);
  out->set_remembered_rows(event.remembered_rows);
}

absl::Status WriteOutputs(std::string_view result, bool with_bytes,
                          google::protobuf::RepeatedPtrField<v1::OutputTensor>* out) {
  const absl::StatusOr<DecodedTensors> tensors = DecodedTensors::Decode(result);
  if (!tensors.ok()) return absl::DataLossError("the result of the step cannot be read");
  for (size_t i = 0; i < tensors->size(); ++i) {
    const TensorView tensor = (*tensors)[i];
    v1::OutputTensor& to = *out->Add();
    to.set_name(std::string(tensor.name));
    to.set_datatype(std::string(DataTypeName(tensor.datatype)));
    to.mutable_shape()->Add(tensor.shape.begin(), tensor.shape.end());
    to.set_raw_bytes(tensor.data.size());
    if (with_bytes) to.set_raw(std::string(tensor.data));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<JobState>> ReadFilter(v1::JobState state) {
  if (state == v1::JOB_STATE_UNSPECIFIED) return std::optional<JobState>();
  for (const JobState known :
       {JobState::kRunning, JobState::kSucceeded, JobState::kFailed, JobState::kCancelled}) {
    if (StateOf(known) == state) return std::optional<JobState>(known);
  }
  return Invalid("state",
                 fmt::format("{} came, which is no state of a job", static_cast<int>(state)));
}

absl::StatusOr<std::optional<StepState>> ReadFilter(v1::StepState state) {
  if (state == v1::STEP_STATE_UNSPECIFIED) return std::optional<StepState>();
  if (v1::StepState_IsValid(state)) return std::optional<StepState>(static_cast<StepState>(state));
  return Invalid("state",
                 fmt::format("{} came, which is no state of a step", static_cast<int>(state)));
}

absl::StatusOr<size_t> ReadPageSize(uint32_t asked) {
  if (asked <= kMostPage) return asked == 0 ? kDefaultPage : asked;
  return Invalid("page_size", fmt::format("{} came; {} is the most", asked, kMostPage));
}

}  // namespace souvenir::gateway
