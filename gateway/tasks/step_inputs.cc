#include "gateway/tasks/step_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "common/model_name.h"
#include "common/name_list.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/tensor_codec.h"

namespace souvenir::gateway {
namespace {

// Appends `text` as a JSON string. Control characters and what is not ASCII are escaped or kept as
// they are in UTF-8; the ids and messages of steps are UTF-8.
void AppendJson(std::string_view text, std::string* out) {
  out->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out->push_back('\\');
      out->push_back(c);
    } else if (static_cast<uint8_t>(c) < 0x20) {
      fmt::format_to(std::back_inserter(*out), "\\u{:04x}", static_cast<int>(c));
    } else {
      out->push_back(c);
    }
  }
  out->push_back('"');
}

std::string ShapeWithoutRows(const TensorView& tensor) {
  return tensor.shape.empty() ? "[]" : ShapeString(tensor.shape.subspan(1));
}

class InputReader {
 public:
  InputReader(const TaskStore& store, StepRef step, absl::Span<const uint32_t> needs,
              uint64_t most_bytes)
      : store_(store), step_(step), needs_(needs), room_(most_bytes), most_bytes_(most_bytes) {}

  absl::StatusOr<Tensor> Read(StepInput& input) {
    Tensor tensor;
    tensor.name = std::move(input.name);
    SOUVENIR_RETURN_IF_ERROR(
        std::visit([&](auto& source) { return Fill(source, &tensor); }, input.source));
    if (tensor.data.size() > room_) {
      return absl::FailedPreconditionError(fmt::format(
          "the inputs of the step have more than {} bytes, which is the limit", most_bytes_));
    }
    room_ -= tensor.data.size();
    if (input.reshape.empty()) return tensor;
    absl::StatusOr<std::vector<int64_t>> shape = Reshaped(tensor.shape, input.reshape);
    if (!shape.ok()) return Fault(tensor, shape.status().message());
    tensor.shape = *std::move(shape);
    return tensor;
  }

 private:
  static absl::Status Fault(const Tensor& tensor, absl::string_view what) {
    return absl::FailedPreconditionError(fmt::format("input '{}': {}", EscapedName(tensor.name),
                                                     std::string_view(what.data(), what.size())));
  }

  absl::Status Fill(LiteralInput& literal, Tensor* tensor) {
    tensor->datatype = literal.datatype;
    tensor->shape = std::move(literal.shape);
    if (!literal.blob) {
      tensor->data = std::move(literal.data);
      return absl::OkStatus();
    }
    SOUVENIR_ASSIGN_OR_RETURN(tensor->data, store_.ReadBlob(step_.job, *literal.blob));
    return absl::OkStatus();
  }

  absl::Status Fill(OutputInput& output, Tensor* tensor) {
    std::string bytes;
    DecodedTensors decoded;
    SOUVENIR_ASSIGN_OR_RETURN(const TensorView found,
                              Find(output.need, output.output, *tensor, &bytes, &decoded));
    tensor->datatype = found.datatype;
    tensor->shape.assign(found.shape.begin(), found.shape.end());
    if (!output.row) {
      tensor->data.assign(found.data);
      return absl::OkStatus();
    }
    if (found.shape.empty() || *output.row < 0 || *output.row >= found.shape[0]) {
      return Fault(*tensor, fmt::format("row {} was asked for, and the output has the shape {}",
                                        *output.row, ShapeString(found.shape)));
    }
    tensor->shape[0] = 1;
    const auto row = static_cast<size_t>(*output.row);
    if (DataTypeSize(found.datatype) > 0) {
      const size_t row_bytes = found.data.size() / static_cast<size_t>(found.shape[0]);
      tensor->data.assign(found.data.substr(row * row_bytes, row_bytes));
    } else {
      tensor->data.assign(SplitRows(found, tensor->shape)[row].data);
    }
    return absl::OkStatus();
  }

  absl::Status Fill(GatheredInput& gathered, Tensor* tensor) {
    for (size_t i = 0; i < gathered.needs.size(); ++i) {
      std::string bytes;
      DecodedTensors decoded;
      SOUVENIR_ASSIGN_OR_RETURN(const TensorView found, Find(gathered.needs[i], gathered.output,
                                                             *tensor, &bytes, &decoded));
      if (found.shape.empty()) {
        return Fault(*tensor, "an output without dimensions cannot be gathered");
      }
      if (i == 0) {
        tensor->datatype = found.datatype;
        tensor->shape.assign(found.shape.begin(), found.shape.end());
        tensor->data.assign(found.data);
        continue;
      }
      const absl::Span<const int64_t> row = absl::MakeConstSpan(tensor->shape).subspan(1);
      if (found.datatype != tensor->datatype || found.shape.subspan(1) != row) {
        return Fault(*tensor,
                     fmt::format("output {} of those gathered is {} with rows of shape {}, and the "
                                 "first is {} with rows of shape {}",
                                 i, DataTypeName(found.datatype), ShapeWithoutRows(found),
                                 DataTypeName(tensor->datatype), ShapeString(row)));
      }
      if (found.data.size() > room_ - std::min<uint64_t>(room_, tensor->data.size())) {
        return Fault(*tensor, fmt::format("the outputs gathered have more than {} bytes, which is "
                                          "the limit of a step's inputs",
                                          most_bytes_));
      }
      tensor->shape[0] += found.shape[0];
      tensor->data.append(found.data);
    }
    return absl::OkStatus();
  }

  absl::Status Fill(FailuresInput&, Tensor* tensor) {
    SOUVENIR_ASSIGN_OR_RETURN(const JobInfo job, store_.GetJob(step_.job));
    SOUVENIR_ASSIGN_OR_RETURN(const auto dead,
                              store_.ListDeadLetters(std::nullopt, step_.job, kMostFailuresTold));
    std::string json = "{\"job\": ";
    AppendJson(store_.NameOf(step_.job), &json);
    json += ", \"name\": ";
    AppendJson(job.options.name, &json);
    json += fmt::format(", \"failed\": {}, \"steps\": [", job.steps.failed);
    for (size_t i = 0; i < dead.items.size(); ++i) {
      SOUVENIR_ASSIGN_OR_RETURN(const StepInfo failed, store_.GetStep(dead.items[i], false));
      json += i == 0 ? "{\"id\": " : ", {\"id\": ";
      AppendJson(failed.id, &json);
      json += fmt::format(", \"code\": {}, \"message\": ", static_cast<int>(failed.status.code()));
      AppendJson({failed.status.message().data(), failed.status.message().size()}, &json);
      json += "}";
    }
    json += "]}";
    tensor->datatype = DataType::kBytes;
    tensor->shape = {1, 1};
    tensor->data = FrameBytesElement(json);
    return absl::OkStatus();
  }

  // Finds an output of a step. `bytes` and `decoded` keep what the result is a view of.
  absl::StatusOr<TensorView> Find(uint32_t need, const std::string& output, const Tensor& tensor,
                                  std::string* bytes, DecodedTensors* decoded) {
    if (need >= needs_.size()) {
      return absl::DataLossError("the task store has lost what the step needs");
    }
    SOUVENIR_ASSIGN_OR_RETURN(*bytes, store_.ReadResult({step_.job, needs_[need]}));
    SOUVENIR_ASSIGN_OR_RETURN(*decoded, DecodedTensors::Decode(*bytes));
    if (output.empty() && decoded->size() == 1) return (*decoded)[0];
    std::optional<TensorView> found;
    if (!output.empty()) found = decoded->Find(output);
    if (found) return *found;
    NameList names(output);
    for (size_t i = 0; i < decoded->size(); ++i) names.Add((*decoded)[i].name);
    return Fault(tensor, output.empty()
                             ? fmt::format("the step it comes from has {} outputs, and none was "
                                           "named; there are: {}",
                                           decoded->size(), names.Text())
                             : fmt::format("the step it comes from has no output '{}'; there are: "
                                           "{}",
                                           names.word(), names.Text()));
  }

  const TaskStore& store_;
  const StepRef step_;
  const absl::Span<const uint32_t> needs_;
  uint64_t room_;
  const uint64_t most_bytes_;
};

}  // namespace

absl::StatusOr<std::vector<int64_t>> Reshaped(absl::Span<const int64_t> shape,
                                              absl::Span<const int64_t> wanted) {
  const auto refuse = [&](std::string_view why) {
    return absl::InvalidArgumentError(fmt::format("the shape {} cannot become {}: {}",
                                                  ShapeString(shape), ShapeString(wanted), why));
  };
  std::vector<int64_t> reshaped(wanted.begin(), wanted.end());
  const auto open = std::find(reshaped.begin(), reshaped.end(), -1);
  const bool follows = open != reshaped.end();
  if (follows) *open = 1;
  const std::optional<int64_t> elements = ElementCount(shape);
  const std::optional<int64_t> others = ElementCount(reshaped);
  if (!elements || !others) return refuse("a dimension is no size, and only one may be -1");
  if (follows && *others > 0 && *elements % *others == 0) {
    *open = *elements / *others;
    return reshaped;
  }
  if (!follows && *elements == *others) return reshaped;
  return refuse("the numbers of elements differ");
}

absl::StatusOr<std::vector<Tensor>> ReadInputs(const TaskStore& store, StepRef step,
                                               absl::Span<const uint32_t> needs,
                                               uint64_t most_bytes, StepSpec* spec) {
  InputReader reader(store, step, needs, most_bytes);
  std::vector<Tensor> tensors;
  tensors.reserve(spec->inputs.size());
  for (StepInput& input : spec->inputs) {
    SOUVENIR_ASSIGN_OR_RETURN(Tensor tensor, reader.Read(input));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace souvenir::gateway
