#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/tensor/tensor.h"
#include "gateway/tasks/step_spec.h"
#include "gateway/tasks/task_store.h"

namespace souvenir::gateway {

// Most failed steps that the failures of a job tell.
inline constexpr size_t kMostFailuresTold = 100;

// Reads the inputs of a step: literals, and the outputs of the steps `needs`, which have succeeded.
// Takes `spec` apart. Waits for the store.
//
// FAILED_PRECONDITION if the outputs do not fit, as a row that is not there, or if the inputs have
// more than `most_bytes`; another attempt would meet the same. Errors of the store are its own.
absl::StatusOr<std::vector<Tensor>> ReadInputs(const TaskStore& store, StepRef step,
                                               absl::Span<const uint32_t> needs,
                                               uint64_t most_bytes, StepSpec* spec);

// Returns the shape that a tensor with `shape` gets, in which -1 follows from the others.
// INVALID_ARGUMENT if the numbers of elements differ.
absl::StatusOr<std::vector<int64_t>> Reshaped(absl::Span<const int64_t> shape,
                                              absl::Span<const int64_t> wanted);

}  // namespace souvenir::gateway
