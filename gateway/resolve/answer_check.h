#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "cache/entry.h"
#include "common/tensor/tensor.h"
#include "gateway/resolve/target.h"

// Answers are held to what was asked and what the model declares: when they come, before they are
// kept, and when one is found that was kept by another process, perhaps of an earlier version.

namespace souvenir::gateway {

// How many rows an answer to `inputs` has; nothing where the model has no dimension of rows.
std::optional<int64_t> RowsToAnswer(const CatalogModel& model, absl::Span<const TensorView> inputs);

// Whether `output`, which is a valid tensor, is what the model declares under its name, as far as
// that is declared, and has `rows` rows. INTERNAL names the output, what came and what is expected.
absl::Status CheckOutput(const CatalogModel& model, const TensorView& output,
                         std::optional<int64_t> rows);

// The same without what is declared: of an answer by a model that has been replaced since.
absl::Status CheckRows(const TensorView& output, std::optional<int64_t> rows);

// Whether `entry`, found for those inputs, holds all that `target` asks for, as it has to be. An
// entry is looked into once.
bool IsAnswerTo(const cache::Entry& entry, const Target& target,
                absl::Span<const TensorView> inputs);

}  // namespace souvenir::gateway
