#include "common/tensor/tensor_codec.h"

#include <fmt/format.h>

#include "common/byte_codec.h"

namespace souvenir {

std::string EncodeTensors(absl::Span<const TensorView> tensors) {
  size_t size = 8;
  for (const TensorView& tensor : tensors) {
    size += 16 + 8 * tensor.shape.size() + tensor.name.size() + tensor.data.size();
  }
  ByteWriter writer(size);
  writer.Number(tensors.size());
  for (const TensorView& tensor : tensors) {
    writer.Fixed(static_cast<uint8_t>(tensor.datatype));
    writer.Number(tensor.shape.size());
    for (const int64_t dimension : tensor.shape) writer.Number(static_cast<uint64_t>(dimension));
    writer.Text(tensor.name);
    writer.Text(tensor.data);
  }
  return std::move(writer).Finish();
}

absl::StatusOr<DecodedTensors> DecodedTensors::Decode(std::string_view bytes) {
  const auto broken = [&](std::string_view what) {
    return absl::InvalidArgumentError(
        fmt::format("{} bytes are not encoded tensors: {}", bytes.size(), what));
  };
  DecodedTensors decoded;
  ByteReader reader(bytes);
  const uint64_t count = reader.Number();
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    Item item;
    item.datatype = static_cast<DataType>(reader.Fixed<uint8_t>());
    if (DataTypeName(item.datatype) == "INVALID") return broken("a datatype is invalid");
    const uint64_t dimensions = reader.Number();
    for (uint64_t d = 0; d < dimensions && reader.ok(); ++d) {
      item.shape.push_back(static_cast<int64_t>(reader.Number()));
    }
    item.name = reader.Text();
    item.data = reader.Text();
    decoded.tensors_.push_back(std::move(item));
  }
  if (!reader.ok()) return broken("they are truncated");
  if (!reader.at_end()) return broken("bytes follow the last tensor");
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
