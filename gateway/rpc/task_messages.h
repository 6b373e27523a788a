#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/tasks/step_spec.h"
#include "gateway/tasks/task_store.h"
#include "souvenir/v1/task_service.pb.h"

namespace souvenir::gateway {

// Conversions between the messages of TaskService and the values of gateway/tasks.

// Reads the options of a job. INVALID_ARGUMENT names the field.
absl::StatusOr<JobOptions> ReadJobOptions(const v1::JobOptions& options, const std::string& tenant);

// Reads a step, the `number`-th of its job. INVALID_ARGUMENT with the path of
// the fault. What depends on the other steps and on models is checked by Submission.
absl::StatusOr<StepRequest> ReadStep(size_t number, v1::Step step);

// Reads parameters as a step may have them.
absl::StatusOr<std::vector<Parameter>> ReadStepParameters(
    const std::string& path,
    const google::protobuf::Map<std::string, inference::InferParameter>& parameters);

void WriteJob(const JobInfo& job, const TaskStore& store, v1::Job* out);
// `step` must have its spec.
void WriteStep(const StepInfo& step, v1::JobStep* out);
void WriteDeadLetter(const StepInfo& step, const std::string& job, v1::DeadLetter* out);
void WriteQueue(const QueueInfo& queue, v1::Queue* out);
// Writes an event of a step; `id` is the step's.
void WriteStepEnded(const TaskEvent& event, const std::string& id, v1::StepEnded* out);

// Appends the outputs of a step, with their bytes if `with_bytes`. DATA_LOSS if `result` is none.
absl::Status WriteOutputs(std::string_view result, bool with_bytes,
                          google::protobuf::RepeatedPtrField<v1::OutputTensor>* out);

// Returns the state that a filter asks for; nullopt for all. INVALID_ARGUMENT for an unknown one.
absl::StatusOr<std::optional<JobState>> ReadFilter(v1::JobState state);
absl::StatusOr<std::optional<StepState>> ReadFilter(v1::StepState state);

// Returns the size of a page. INVALID_ARGUMENT above 1,000.
absl::StatusOr<size_t> ReadPageSize(uint32_t asked);

}  // namespace souvenir::gateway
