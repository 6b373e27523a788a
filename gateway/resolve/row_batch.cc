#include "gateway/resolve/row_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/status_macros.h"

namespace souvenir::gateway {
namespace {

int64_t RowsOf(const TensorView& input) { return input.shape.empty() ? 0 : input.shape[0]; }

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

bool AsksByRows(const CatalogModel& model, absl::Span<const TensorView> inputs) {
  const int64_t rows = inputs.empty() ? 0 : RowsOf(inputs.front());
  return model.row_exact && rows > 0 && rows <= model.max_batch &&
         std::all_of(inputs.begin(), inputs.end(),
                     [&](const TensorView& input) { return RowsOf(input) == rows; });
}

void RowBatch::Ask(const TargetPtr& target, absl::Span<const TensorView> inputs,
                   Questions* questions) {
  const int64_t rows = target->by_rows() ? RowsOf(inputs.front()) : 1;
  if (rows == 1) {
    questions->push_back({target, {inputs.begin(), inputs.end()}});
    return;
  }
  questions->resize(static_cast<size_t>(rows));
  row_shapes_.reserve(inputs.size());
  for (const TensorView& input : inputs) {
    std::vector<int64_t>& shape = row_shapes_.emplace_back(input.shape.begin(), input.shape.end());
    shape[0] = 1;
    const std::vector<TensorView> parts = SplitRows(input, shape);
    for (size_t row = 0; row < parts.size(); ++row) (*questions)[row].inputs.push_back(parts[row]);
  }
  for (Question& question : *questions) question.target = target;
}

absl::Status JoinedAnswers::Join(const ResolveCall& call, absl::Span<const std::string_view> names,
                                 size_t most_bytes) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < call.questions.size(); ++i) {
    SOUVENIR_RETURN_IF_ERROR(call.answer(i).status);
    cost_ += call.answer(i).entry->cost();
    bytes += call.answer(i).entry->value().size();
  }
  // Found before memory is taken: each row alone may be as large as a message.
  if (bytes > most_bytes) {
    return absl::ResourceExhaustedError(
        fmt::format("the answers to {} rows have {} bytes, and a response may have {}; ask for "
                    "fewer rows at once",
                    call.questions.size(), bytes, most_bytes));
  }
  SOUVENIR_ASSIGN_OR_RETURN(first_row_, DecodedTensors::Decode(call.answer(0).entry->value()));
  for (const std::string_view name : names) {
    const std::optional<TensorView> output = first_row_.Find(name);
    if (!output) return LacksOutput(name);
    outputs_.push_back(*output);
  }
  return call.questions.size() > 1 ? JoinRows(call) : absl::OkStatus();
}

absl::Status JoinedAnswers::JoinRows(const ResolveCall& call) {
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

}  // namespace souvenir::gateway
