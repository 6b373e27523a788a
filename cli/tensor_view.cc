#include "cli/tensor_view.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "absl/strings/escaping.h"
#include "cli/half.h"
#include "cli/printable.h"
#include "common/tensor/bytes_elements.h"

namespace souvenir::cli {
namespace {

// For a longer element that is not text, only the size is shown.
constexpr size_t kMostBinaryShown = 64;

template <typename Element>
Element At(std::string_view data, size_t i) {
  Element element;
  std::memcpy(&element, data.data() + i * sizeof(Element), sizeof(Element));
  return element;
}

std::string Number(double value, const std::function<std::string()>& finite) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return finite();
}

// Returns the `i`-th number as text. REQUIRES: the datatype is not BYTES.
std::string NumberAt(const TensorView& tensor, size_t i) {
  const auto real = [](auto value) {
    return Number(value, [value] { return fmt::format("{}", value); });
  };
  switch (tensor.datatype) {
    case DataType::kBool:
      return At<uint8_t>(tensor.data, i) != 0 ? "true" : "false";
    case DataType::kUint8:
      return std::to_string(At<uint8_t>(tensor.data, i));
    case DataType::kUint16:
      return std::to_string(At<uint16_t>(tensor.data, i));
    case DataType::kUint32:
      return std::to_string(At<uint32_t>(tensor.data, i));
    case DataType::kUint64:
      return std::to_string(At<uint64_t>(tensor.data, i));
    case DataType::kInt8:
      return std::to_string(At<int8_t>(tensor.data, i));
    case DataType::kInt16:
      return std::to_string(At<int16_t>(tensor.data, i));
    case DataType::kInt32:
      return std::to_string(At<int32_t>(tensor.data, i));
    case DataType::kInt64:
      return std::to_string(At<int64_t>(tensor.data, i));
    case DataType::kFp16:
      return real(HalfToFloat(At<uint16_t>(tensor.data, i)));
    case DataType::kBf16:
      return real(BfloatToFloat(At<uint16_t>(tensor.data, i)));
    case DataType::kFp32:
      return real(At<float>(tensor.data, i));
    case DataType::kFp64:
      return real(At<double>(tensor.data, i));
    case DataType::kBytes:
    case DataType::kInvalid:
      break;
  }
  return "?";
}

std::string ElementText(std::string_view element, size_t indent) {
  if (!FindInvalidUtf8(element)) return PrintableLines(element, indent);
  if (element.size() > kMostBinaryShown) return fmt::format("({} bytes)", element.size());
  return Printable(element);
}

std::string ElementJson(std::string_view element) {
  if (!FindInvalidUtf8(element)) return JsonString(element);
  return fmt::format("{{\"b64\":\"{}\"}}",
                     absl::Base64Escape(absl::string_view(element.data(), element.size())));
}

size_t CountOf(const TensorView& tensor) {
  return static_cast<size_t>(ElementCount(tensor.shape).value_or(0));
}

}  // namespace

std::string TensorTitle(const TensorView& tensor) {
  return fmt::format("{} {}[{}]", Printable(tensor.name), DataTypeName(tensor.datatype),
                     fmt::join(tensor.shape, ","));
}

std::string TensorText(const TensorView& tensor, size_t indent, size_t most) {
  const size_t count = CountOf(tensor);
  const std::string margin(indent, ' ');
  std::string out;
  if (tensor.datatype == DataType::kBytes) {
    BytesElementReader reader(tensor.data);
    for (size_t i = 0; i < std::min(count, most); ++i) {
      out += margin + ElementText(reader.Next().value_or(""), indent) + "\n";
    }
  } else {
    const size_t row =
        tensor.shape.empty() ? 1 : static_cast<size_t>(std::max<int64_t>(tensor.shape.back(), 1));
    for (size_t i = 0; i < std::min(count, most); ++i) {
      const bool ends = i % row == row - 1 || i + 1 == std::min(count, most);
      out +=
          fmt::format("{}{}{}", i % row == 0 ? margin : " ", NumberAt(tensor, i), ends ? "\n" : "");
    }
  }
  if (count > most) out += fmt::format("{}... {} more; --json has all\n", margin, count - most);
  return out;
}

std::string TensorJson(const TensorView& tensor) {
  std::string data;
  BytesElementReader reader(tensor.data);
  const size_t count = CountOf(tensor);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) data += ',';
    if (tensor.datatype == DataType::kBytes) {
      data += ElementJson(reader.Next().value_or(""));
      continue;
    }
    const std::string number = NumberAt(tensor, i);
    const bool is_json = number != "NaN" && !number.ends_with("Infinity");
    data += is_json ? number : "\"" + number + "\"";
  }
  return fmt::format("{{\"name\":{},\"datatype\":\"{}\",\"shape\":[{}],\"data\":[{}]}}",
                     JsonString(tensor.name), DataTypeName(tensor.datatype),
                     fmt::join(tensor.shape, ","), data);
}

}  // namespace souvenir::cli
