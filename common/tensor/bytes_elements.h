#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace souvenir {

// The framing of BYTES tensors: each element after its length, 4 bytes little-endian
// (Open Inference Protocol v2, raw contents).
inline constexpr size_t kBytesLengthSize = 4;

// Appends one framed element. REQUIRES: element.size() < 2^32.
void AppendBytesElement(std::string_view element, std::string* out);

// One framed element.
std::string FrameBytesElement(std::string_view element);

// Reads framed elements one after another:
//
//   BytesElementReader reader(tensor.data);
//   while (std::optional<std::string_view> element = reader.Next()) ...
//   if (!reader.complete()) ... the framing is broken ...
class BytesElementReader {
 public:
  explicit BytesElementReader(std::string_view data) : rest_(data) {}

  // The next element, a view into the data; nothing at the end and where the framing breaks.
  std::optional<std::string_view> Next();

  // Whether all of the data has been read.
  bool complete() const { return rest_.empty(); }

  // Bytes not read yet.
  size_t remaining() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

}  // namespace souvenir
