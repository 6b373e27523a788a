#include "common/tensor/tensor_codec.h"

#include <fmt/format.h>

#include <cstring>

namespace souvenir {
namespace {

struct Header {
  uint8_t datatype;
  uint8_t dimensions;
  uint16_t name_length;
  uint32_t zero;
  uint64_t data_length;
};
static_assert(sizeof(Header) == 16);
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they are");

template <typename T>
void AppendNumber(const T& number, std::string* out) {
  out->append(reinterpret_cast<const char*>(&number), sizeof(number));
}

// Takes `size` bytes off the front of `rest`; false where there are fewer.
bool Take(uint64_t size, std::string_view* rest, std::string_view* taken) {
  if (rest->size() < size) return false;
  *taken = rest->substr(0, size);
  rest->remove_prefix(size);
  return true;
}

template <typename T>
bool TakeNumber(std::string_view* rest, T* number) {
  std::string_view bytes;
  if (!Take(sizeof(T), rest, &bytes)) return false;
  std::memcpy(number, bytes.data(), sizeof(T));
  return true;
}

}  // namespace

std::string EncodeTensors(absl::Span<const TensorView> tensors) {
  size_t size = sizeof(uint32_t);
  for (const TensorView& tensor : tensors) {
    size += sizeof(Header) + tensor.shape.size() * sizeof(int64_t) + tensor.name.size() +
            tensor.data.size();
  }
  std::string out;
  out.reserve(size);
  AppendNumber(static_cast<uint32_t>(tensors.size()), &out);
  for (const TensorView& tensor : tensors) {
    AppendNumber(
        Header{static_cast<uint8_t>(tensor.datatype), static_cast<uint8_t>(tensor.shape.size()),
               static_cast<uint16_t>(tensor.name.size()), 0, tensor.data.size()},
        &out);
    for (const int64_t dimension : tensor.shape) AppendNumber(dimension, &out);
    out.append(tensor.name);
    out.append(tensor.data);
  }
  return out;
}

absl::StatusOr<DecodedTensors> DecodedTensors::Decode(std::string_view bytes) {
  const auto broken = [&](std::string_view what) {
    return absl::InvalidArgumentError(
        fmt::format("{} bytes are no encoded tensors: {}", bytes.size(), what));
  };
  DecodedTensors decoded;
  std::string_view rest = bytes;
  uint32_t count;
  if (!TakeNumber(&rest, &count)) return broken("no count");
  for (uint32_t i = 0; i < count; ++i) {
    Header header;
    if (!TakeNumber(&rest, &header)) return broken("a header is cut off");
    if (header.zero != 0 || DataTypeName(static_cast<DataType>(header.datatype)) == "INVALID") {
      return broken("a header that nobody wrote");
    }
    Item item;
    item.datatype = static_cast<DataType>(header.datatype);
    item.shape.resize(header.dimensions);
    for (int64_t& dimension : item.shape) {
      if (!TakeNumber(&rest, &dimension)) return broken("a shape is cut off");
    }
    if (!Take(header.name_length, &rest, &item.name)) return broken("a name is cut off");
    if (!Take(header.data_length, &rest, &item.data)) return broken("data is cut off");
    decoded.tensors_.push_back(std::move(item));
  }
  if (!rest.empty()) return broken("bytes follow the last tensor");
  return decoded;
}

TensorView DecodedTensors::operator[](size_t i) const {
  const Item& item = tensors_[i];
  return {item.name, item.datatype, item.shape, item.data};
}

std::optional<TensorView> DecodedTensors::Find(std::string_view name) const {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (tensors_[i].name == name) return (*this)[i];
  }
  return std::nullopt;
}

}  // namespace souvenir
