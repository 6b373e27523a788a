#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "cache/entry.h"
#include "common/tensor/tensor.h"
#include "gateway/resolve/target.h"

// Checks of answers against the question and the model's declarations. An answer is checked when it
// comes, before it is kept, and when it is found in the cache, where another process, perhaps of an
// earlier version, may have stored it.

namespace souvenir::gateway {

// Returns the number of rows of an answer to `inputs`, or nullopt if the model has no dimension of
// rows.
std::optional<int64_t> RowsToAnswer(const CatalogModel& model, absl::Span<const TensorView> inputs);

// Checks that `output`, which is a valid tensor, has `rows` rows and is what the model declares
// under its name. Undeclared parts are not checked. INTERNAL names the output, what came and what
// is expected.
absl::Status CheckOutput(const CatalogModel& model, const TensorView& output,
                         std::optional<int64_t> rows);

// Same as CheckOutput(), but only checks the rows: for an answer of a model whose declarations are
// not known.
absl::Status CheckRows(const TensorView& output, std::optional<int64_t> rows);

// Returns true if `entry`, found for these inputs, holds a valid answer to all that `target` asks
// for. Logs the reason if not. An entry that has passed is not checked again.
bool IsAnswerTo(const cache::Entry& entry, const Target& target,
                absl::Span<const TensorView> inputs);

}  // namespace souvenir::gateway
