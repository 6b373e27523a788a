#include "common/oip/message_tensors.h"

#include <fmt/format.h>

#include <limits>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"

namespace souvenir {
namespace {

using inference::InferTensorContents;

// The name and the length of a list of InferTensorContents.
struct ContentsList {
  std::string_view name;
  int size;
};

// Returns the lists that are not empty.
std::vector<ContentsList> FilledLists(const InferTensorContents& contents) {
  std::vector<ContentsList> filled;
  const auto add = [&](std::string_view name, int size) {
    if (size > 0) filled.push_back({name, size});
  };
  add("bool_contents", contents.bool_contents_size());
  add("int_contents", contents.int_contents_size());
  add("int64_contents", contents.int64_contents_size());
  add("uint_contents", contents.uint_contents_size());
  add("uint64_contents", contents.uint64_contents_size());
  add("fp32_contents", contents.fp32_contents_size());
  add("fp64_contents", contents.fp64_contents_size());
  add("bytes_contents", contents.bytes_contents_size());
  return filled;
}

// Returns the list that carries `type`, or nullopt for types that have only a raw form.
std::optional<std::string_view> ListOf(DataType type) {
  switch (type) {
    case DataType::kBool:
      return "bool_contents";
    case DataType::kInt8:
    case DataType::kInt16:
    case DataType::kInt32:
      return "int_contents";
    case DataType::kInt64:
      return "int64_contents";
    case DataType::kUint8:
    case DataType::kUint16:
    case DataType::kUint32:
      return "uint_contents";
    case DataType::kUint64:
      return "uint64_contents";
    case DataType::kFp32:
      return "fp32_contents";
    case DataType::kFp64:
      return "fp64_contents";
    case DataType::kBytes:
      return "bytes_contents";
    case DataType::kFp16:
    case DataType::kBf16:
    case DataType::kInvalid:
      return std::nullopt;
  }
  return std::nullopt;
}

// Appends each value as a T. INVALID_ARGUMENT if a value does not fit.
template <typename T, typename Values>
absl::Status AppendNumbers(std::string_view name, DataType type, const Values& values,
                           std::string* raw) {
  raw->reserve(static_cast<size_t>(values.size()) * sizeof(T));
  for (const auto value : values) {
    const T number = static_cast<T>(value);
    if constexpr (std::numeric_limits<T>::is_integer) {
      if (static_cast<decltype(value)>(number) != value) {
        return absl::InvalidArgumentError(
            fmt::format("tensor '{}': the value {} does not fit into {}, whose maximum is {}", name,
                        value, DataTypeName(type), +std::numeric_limits<T>::max()));
      }
    }
    raw->append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  return absl::OkStatus();
}

// Converts typed contents to raw ones. REQUIRES: only the list of `type` is filled.
absl::Status ToRaw(std::string_view name, DataType type, const InferTensorContents& contents,
                   std::string* raw) {
  switch (type) {
    case DataType::kBool:
      return AppendNumbers<bool>(name, type, contents.bool_contents(), raw);
    case DataType::kInt8:
      return AppendNumbers<int8_t>(name, type, contents.int_contents(), raw);
    case DataType::kInt16:
      return AppendNumbers<int16_t>(name, type, contents.int_contents(), raw);
    case DataType::kInt32:
      return AppendNumbers<int32_t>(name, type, contents.int_contents(), raw);
    case DataType::kInt64:
      return AppendNumbers<int64_t>(name, type, contents.int64_contents(), raw);
    case DataType::kUint8:
      return AppendNumbers<uint8_t>(name, type, contents.uint_contents(), raw);
    case DataType::kUint16:
      return AppendNumbers<uint16_t>(name, type, contents.uint_contents(), raw);
    case DataType::kUint32:
      return AppendNumbers<uint32_t>(name, type, contents.uint_contents(), raw);
    case DataType::kUint64:
      return AppendNumbers<uint64_t>(name, type, contents.uint64_contents(), raw);
    case DataType::kFp32:
      return AppendNumbers<float>(name, type, contents.fp32_contents(), raw);
    case DataType::kFp64:
      return AppendNumbers<double>(name, type, contents.fp64_contents(), raw);
    case DataType::kBytes:
      for (const std::string& element : contents.bytes_contents()) AppendBytesElement(element, raw);
      return absl::OkStatus();
    case DataType::kFp16:
    case DataType::kBf16:
    case DataType::kInvalid:
      break;
  }
  return absl::InternalError(fmt::format("{} has no list", DataTypeName(type)));
}

// Checks that typed contents are in the right list and that their number matches the shape. Runs
// before the conversion, so that nothing is copied for a refused request.
absl::Status CheckTyped(const TensorView& tensor, const InferTensorContents& contents) {
  const std::vector<ContentsList> filled = FilledLists(contents);
  const std::optional<std::string_view> list = ListOf(tensor.datatype);
  if (!list) {
    return absl::InvalidArgumentError(
        fmt::format("tensor '{}': {} has no typed form; it must be in raw contents", tensor.name,
                    DataTypeName(tensor.datatype)));
  }
  int64_t came = 0;
  for (const ContentsList& each : filled) {
    if (each.name != *list) {
      return absl::InvalidArgumentError(
          fmt::format("tensor '{}' has {} values in {}; those of {} must be in {}", tensor.name,
                      each.size, each.name, DataTypeName(tensor.datatype), *list));
    }
    came = each.size;
  }
  const std::optional<int64_t> expected = ElementCount(tensor.shape);
  if (expected && came != *expected) {  // ValidateTensor() refuses an impossible shape
    return absl::InvalidArgumentError(
        fmt::format("tensor '{}' has {} values in {}, but shape {} has {} elements", tensor.name,
                    came, *list, ShapeString(tensor.shape), *expected));
  }
  return absl::OkStatus();
}

}  // namespace

template <typename Tensors, typename RawContents>
absl::StatusOr<MessageTensors> MessageTensors::From(const Tensors& tensors,
                                                    const RawContents& raw) {
  const bool is_raw = !raw.empty();
  if (is_raw && raw.size() != tensors.size()) {
    return absl::InvalidArgumentError(
        fmt::format("the message has {} raw contents for {} tensors; it must have one for each "
                    "tensor, in the same order",
                    raw.size(), tensors.size()));
  }
  MessageTensors result;
  result.tensors_.reserve(static_cast<size_t>(tensors.size()));
  if (!is_raw) result.converted_.reserve(static_cast<size_t>(tensors.size()));
  std::unordered_set<std::string_view> names;
  for (int i = 0; i < tensors.size(); ++i) {
    const auto& tensor = tensors[i];
    if (tensor.name().empty()) {
      return absl::InvalidArgumentError(
          fmt::format("tensor {} of {} has no name", i + 1, tensors.size()));
    }
    // Most requests have one tensor and need no set.
    if (tensors.size() > 1 && !names.insert(tensor.name()).second) {
      return absl::InvalidArgumentError(fmt::format("tensor '{}' is given twice", tensor.name()));
    }
    const std::optional<DataType> datatype = ParseDataType(tensor.datatype());
    if (!datatype) {
      return absl::InvalidArgumentError(
          fmt::format("tensor '{}' has the unknown datatype '{}'; it must be BOOL, UINT8, UINT16, "
                      "UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, BF16, FP32, FP64 or BYTES",
                      tensor.name(), tensor.datatype()));
    }
    TensorView view{tensor.name(), *datatype,
                    absl::MakeConstSpan(tensor.shape().data(), tensor.shape().size()), ""};
    if (is_raw) {
      if (tensor.has_contents() && !FilledLists(tensor.contents()).empty()) {
        return absl::InvalidArgumentError(fmt::format(
            "tensor '{}' has both raw and typed contents; it must have only one", tensor.name()));
      }
      view.data = raw[i];
    } else {
      SOUVENIR_RETURN_IF_ERROR(CheckTyped(view, tensor.contents()));
      std::string& converted = result.converted_.emplace_back();
      SOUVENIR_RETURN_IF_ERROR(ToRaw(view.name, *datatype, tensor.contents(), &converted));
      view.data = converted;
    }
    SOUVENIR_RETURN_IF_ERROR(ValidateTensor(view));
    result.tensors_.push_back(view);
  }
  return result;
}

absl::StatusOr<MessageTensors> MessageTensors::FromRequest(
    const inference::ModelInferRequest& request) {
  return From(request.inputs(), request.raw_input_contents());
}

absl::StatusOr<MessageTensors> MessageTensors::FromResponse(
    const inference::ModelInferResponse& response) {
  absl::StatusOr<MessageTensors> tensors = From(response.outputs(), response.raw_output_contents());
  if (!tensors.ok()) return absl::InternalError(tensors.status().message());
  return tensors;
}

namespace {

template <typename Message>
void Describe(const TensorView& tensor, Message* message) {
  message->set_name(std::string(tensor.name));
  message->set_datatype(std::string(DataTypeName(tensor.datatype)));
  message->mutable_shape()->Add(tensor.shape.begin(), tensor.shape.end());
}

}  // namespace

void AppendInputs(absl::Span<const TensorView> tensors, inference::ModelInferRequest* request) {
  for (const TensorView& tensor : tensors) {
    Describe(tensor, request->add_inputs());
    request->add_raw_input_contents(tensor.data.data(), tensor.data.size());
  }
}

void AppendOutputs(absl::Span<const TensorView> tensors, inference::ModelInferResponse* response) {
  for (const TensorView& tensor : tensors) {
    Describe(tensor, response->add_outputs());
    response->add_raw_output_contents(tensor.data.data(), tensor.data.size());
  }
}

void AppendOutputs(std::vector<Tensor> tensors, inference::ModelInferResponse* response) {
  for (Tensor& tensor : tensors) {
    Describe(tensor.view(), response->add_outputs());
    response->add_raw_output_contents(std::move(tensor.data));
  }
}

}  // namespace souvenir
