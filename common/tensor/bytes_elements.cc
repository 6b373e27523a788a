#include "common/tensor/bytes_elements.h"

#include <cstring>

namespace souvenir {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "lengths are copied as they are");

void AppendBytesElement(std::string_view element, std::string* out) {
  const auto length = static_cast<uint32_t>(element.size());
  out->append(reinterpret_cast<const char*>(&length), sizeof(length));
  out->append(element);
}

std::string FrameBytesElement(std::string_view element) {
  std::string framed;
  framed.reserve(kBytesLengthSize + element.size());
  AppendBytesElement(element, &framed);
  return framed;
}

std::optional<std::string_view> BytesElementReader::Next() {
  uint32_t length;
  if (rest_.size() < sizeof(length)) return std::nullopt;
  std::memcpy(&length, rest_.data(), sizeof(length));
  if (rest_.size() - sizeof(length) < length) return std::nullopt;
  const std::string_view element = rest_.substr(sizeof(length), length);
  rest_.remove_prefix(sizeof(length) + length);
  return element;
}

}  // namespace souvenir
