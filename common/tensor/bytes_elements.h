#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace souvenir {

// Size of the length that precedes each element of a BYTES tensor, 4 bytes little-endian (Open
// Inference Protocol v2, raw contents).
inline constexpr size_t kBytesLengthSize = 4;

// Appends one framed element. REQUIRES: element.size() < 2^32.
void AppendBytesElement(std::string_view element, std::string* out);

// Returns a framed element. REQUIRES: element.size() < 2^32.
std::string FrameBytesElement(std::string_view element);

// Reads framed elements one after another. Refers to the data, which must outlive it.
//
//   BytesElementReader reader(tensor.data);
//   while (std::optional<std::string_view> element = reader.Next()) ...
//   if (!reader.complete()) ... the framing is broken ...
class BytesElementReader {
 public:
  explicit BytesElementReader(std::string_view data) : rest_(data) {}

  // Returns the next element, a view into the data. Returns nullopt at the end, and if the framing
  // is broken.
  std::optional<std::string_view> Next();

  // Returns true if all data has been read.
  bool complete() const { return rest_.empty(); }

  // Returns the number of bytes that have not been read.
  size_t remaining() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

}  // namespace souvenir
