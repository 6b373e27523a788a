#include "cli/tensor_input.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "cli/half.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"

namespace souvenir::cli {
namespace {

using nlohmann::json;

constexpr size_t kMostShown = 40;  // of a word in a message

absl::Status Wrong(const DeclaredTensor& declared, const std::string& what) {
  return absl::InvalidArgumentError(
      fmt::format("input '{}' {}: {}", declared.name, TypeOf(declared), what));
}

// `element` counts the elements in order, from 0.
absl::Status NotOfType(const DeclaredTensor& declared, int64_t element, const std::string& word) {
  const bool cut = word.size() > kMostShown;
  return Wrong(declared,
               fmt::format("element {}: '{}{}' is no {}", element, word.substr(0, kMostShown),
                           cut ? "..." : "", DataTypeName(declared.datatype)));
}

template <typename Element>
bool Append(Element element, std::string* data) {
  data->append(reinterpret_cast<const char*>(&element), sizeof(element));
  return true;
}

template <typename Integer>
bool AppendInteger(const std::string& word, std::string* data) {
  std::conditional_t<std::is_signed_v<Integer>, int64_t, uint64_t> wide = 0;
  if (!absl::SimpleAtoi(word, &wide)) return false;
  if (wide < std::numeric_limits<Integer>::min() || wide > std::numeric_limits<Integer>::max()) {
    return false;
  }
  return Append(static_cast<Integer>(wide), data);
}

// Appends the number as `convert` encodes it.
template <typename Convert>
bool AppendFloat(const std::string& word, std::string* data, Convert convert) {
  double value = 0;
  return absl::SimpleAtod(word, &value) && Append(convert(value), data);
}

// Appends `word` as an element of `type`. Returns false if it is not one.
bool AppendElement(DataType type, const std::string& word, std::string* data) {
  switch (type) {
    case DataType::kBool:
      if (word == "true" || word == "1") return Append(uint8_t{1}, data);
      return (word == "false" || word == "0") && Append(uint8_t{0}, data);
    case DataType::kUint8:
      return AppendInteger<uint8_t>(word, data);
    case DataType::kUint16:
      return AppendInteger<uint16_t>(word, data);
    case DataType::kUint32:
      return AppendInteger<uint32_t>(word, data);
    case DataType::kUint64:
      return AppendInteger<uint64_t>(word, data);
    case DataType::kInt8:
      return AppendInteger<int8_t>(word, data);
    case DataType::kInt16:
      return AppendInteger<int16_t>(word, data);
    case DataType::kInt32:
      return AppendInteger<int32_t>(word, data);
    case DataType::kInt64:
      return AppendInteger<int64_t>(word, data);
    case DataType::kFp16:
      return AppendFloat(word, data,
                         [](double value) { return FloatToHalf(static_cast<float>(value)); });
    case DataType::kBf16:
      return AppendFloat(word, data,
                         [](double value) { return FloatToBfloat(static_cast<float>(value)); });
    case DataType::kFp32:
      return AppendFloat(word, data, [](double value) { return static_cast<float>(value); });
    case DataType::kFp64:
      return AppendFloat(word, data, [](double value) { return value; });
    case DataType::kBytes:
      AppendBytesElement(word, data);
      return true;
    case DataType::kInvalid:
      break;
  }
  return false;
}

bool IsFloat(DataType type) {
  return type == DataType::kFp16 || type == DataType::kBf16 || type == DataType::kFp32 ||
         type == DataType::kFp64;
}

absl::Status AppendJsonElement(const DeclaredTensor& declared, int64_t element, const json& value,
                               std::string* data) {
  const bool is_bytes = declared.datatype == DataType::kBytes;
  std::string word;
  if (is_bytes && value.is_object() && value.size() == 1 && value.contains("b64") &&
      value["b64"].is_string()) {
    if (!absl::Base64Unescape(value["b64"].get_ref<const std::string&>(), &word)) {
      return Wrong(declared, fmt::format("element {}: the \"b64\" is not base64", element));
    }
  } else if (value.is_string() && (is_bytes || IsFloat(declared.datatype))) {
    word = value.get<std::string>();
  } else if ((value.is_number() || value.is_boolean()) && !is_bytes) {
    word = value.dump();
  } else {
    return NotOfType(declared, element, value.dump());
  }
  return AppendElement(declared.datatype, word, data) ? absl::OkStatus()
                                                      : NotOfType(declared, element, value.dump());
}

// Appends the elements of `value`, in order. `sizes` has the sizes of the arrays around them.
absl::Status AppendJson(const DeclaredTensor& declared, const json& value, size_t depth,
                        std::vector<int64_t>* sizes, std::string* data, int64_t* count) {
  if (!value.is_array()) {
    if (depth != sizes->size() && *count > 0) return Wrong(declared, "the arrays are uneven");
    return AppendJsonElement(declared, (*count)++, value, data);
  }
  if (depth >= kMaxDimensions) return Wrong(declared, "the arrays are too deep");
  const auto size = static_cast<int64_t>(value.size());
  if (depth == sizes->size()) {
    if (*count > 0) return Wrong(declared, "the arrays are uneven");
    sizes->push_back(size);
  } else if ((*sizes)[depth] != size) {
    return Wrong(declared, "the arrays are uneven");
  }
  for (const json& each : value) {
    SOUVENIR_RETURN_IF_ERROR(AppendJson(declared, each, depth + 1, sizes, data, count));
  }
  return absl::OkStatus();
}

std::string Elements(int64_t count) {
  return fmt::format("{} element{}", count, count == 1 ? "" : "s");
}

// Returns the declared shape with `count` elements.
absl::StatusOr<std::vector<int64_t>> Fit(const DeclaredTensor& declared, int64_t count) {
  std::vector<int64_t> shape = declared.shape;
  int64_t* first_any = nullptr;
  int64_t fixed = 1;
  for (int64_t& size : shape) {
    if (size >= 0) {
      fixed *= size;
    } else if (first_any == nullptr) {
      first_any = &size;
    } else {
      size = 1;
    }
  }
  const bool fits = first_any != nullptr ? fixed > 0 && count % fixed == 0 : count == fixed;
  if (!fits) {
    return Wrong(declared, fmt::format("{} came, {}{} {} expected", Elements(count),
                                       first_any != nullptr ? "a multiple of " : "", fixed,
                                       fixed == 1 || first_any != nullptr ? "is" : "are"));
  }
  if (first_any != nullptr) *first_any = count / fixed;
  return shape;
}

absl::StatusOr<Tensor> Finish(const DeclaredTensor& declared, std::vector<int64_t> shape,
                              int64_t count, std::string data) {
  const std::optional<int64_t> expected = ElementCount(shape);
  if (!expected) {
    return Wrong(declared, fmt::format("the shape {} has a negative size or too many elements",
                                       ShapeString(shape)));
  }
  if (count != *expected) {
    return Wrong(declared, fmt::format("{} came, and the shape {} has {}", Elements(count),
                                       ShapeString(shape), *expected));
  }
  Tensor tensor{declared.name, declared.datatype, std::move(shape), std::move(data)};
  SOUVENIR_RETURN_IF_ERROR(ValidateTensor(tensor.view()));
  return tensor;
}

}  // namespace

std::string TypeOf(const DeclaredTensor& declared) {
  return fmt::format("{}[{}]", DataTypeName(declared.datatype), fmt::join(declared.shape, ","));
}

absl::StatusOr<Tensor> TensorOfWords(const DeclaredTensor& declared,
                                     const std::vector<std::string>& words) {
  std::string data;
  int64_t count = 0;
  for (const std::string& word : words) {
    std::vector<std::string> elements = {word};
    if (declared.datatype != DataType::kBytes) elements = absl::StrSplit(word, ',');
    for (const std::string& element : elements) {
      const std::string bare = declared.datatype == DataType::kBytes
                                   ? element
                                   : std::string(absl::StripAsciiWhitespace(element));
      if (!AppendElement(declared.datatype, bare, &data)) {
        return NotOfType(declared, count, element);
      }
      ++count;
    }
  }
  SOUVENIR_ASSIGN_OR_RETURN(std::vector<int64_t> shape, Fit(declared, count));
  return Finish(declared, std::move(shape), count, std::move(data));
}

absl::StatusOr<Tensor> TensorOfJson(const DeclaredTensor& declared, const json& value,
                                    const std::optional<std::vector<int64_t>>& shape) {
  std::string data;
  std::vector<int64_t> sizes;
  int64_t count = 0;
  SOUVENIR_RETURN_IF_ERROR(AppendJson(declared, value, 0, &sizes, &data, &count));
  if (shape) return Finish(declared, *shape, count, std::move(data));
  if (sizes.size() == declared.shape.size()) {
    return Finish(declared, sizes, count, std::move(data));
  }
  SOUVENIR_ASSIGN_OR_RETURN(std::vector<int64_t> fitting, Fit(declared, count));
  return Finish(declared, std::move(fitting), count, std::move(data));
}

absl::StatusOr<Tensor> TensorOfFile(const DeclaredTensor& declared, const std::string& bytes) {
  if (declared.datatype == DataType::kBytes) return TensorOfWords(declared, {bytes});
  const size_t size = DataTypeSize(declared.datatype);
  if (size == 0 || bytes.size() % size != 0) {
    return Wrong(declared,
                 fmt::format("{} bytes came, a multiple of {} is expected", bytes.size(), size));
  }
  const auto count = static_cast<int64_t>(bytes.size() / size);
  SOUVENIR_ASSIGN_OR_RETURN(std::vector<int64_t> shape, Fit(declared, count));
  return Finish(declared, std::move(shape), count, bytes);
}

}  // namespace souvenir::cli
