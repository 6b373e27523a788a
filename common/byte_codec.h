#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace souvenir {

// Numbers and texts as bytes, for the project's own formats. Fixed() writes a number as it is in
// memory, little-endian. Number() writes it like a varint of Protocol Buffers: seven bits per byte,
// the lowest first, with the eighth bit set in all bytes but the last.

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied as they are");

// Writes values to a string. Not thread-safe.
class ByteWriter {
 public:
  // `size` is the expected number of bytes.
  explicit ByteWriter(size_t size) { out_.reserve(size); }

  template <typename T>
  void Fixed(T number) {
    out_.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  void Number(uint64_t number) {
    for (; number >= 0x80; number >>= 7) out_.push_back(static_cast<char>(number | 0x80));
    out_.push_back(static_cast<char>(number));
  }
  // Writes the length of a text, then the text.
  void Text(std::string_view text) {
    Number(text.size());
    out_.append(text);
  }
  void Bytes(std::string_view bytes) { out_.append(bytes); }

  std::string Finish() && { return std::move(out_); }

 private:
  std::string out_;
};

// Reads the values that a ByteWriter wrote. Once the bytes are truncated, or a number is longer
// than necessary, ok() is false and all values are zero or empty. Texts and bytes are views into
// the bytes, which must outlive them. Not thread-safe.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  T Fixed() {
    T number{};
    const std::string_view bytes = Bytes(sizeof(T));
    if (ok_) std::memcpy(&number, bytes.data(), sizeof(T));
    return number;
  }
  uint64_t Number() {
    uint64_t number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = Fixed<uint8_t>();
      const uint64_t bits = byte & 0x7f;
      const bool overflows = (bits << shift) >> shift != bits;
      const bool is_padding = byte == 0 && shift > 0;
      if (overflows || is_padding) break;
      number |= bits << shift;
      if (byte < 0x80) return number;
    }
    ok_ = false;
    return 0;
  }
  std::string_view Text() { return Bytes(Number()); }
  std::string_view Bytes(uint64_t size) {
    if (size > rest_.size()) ok_ = false;
    if (!ok_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  std::string_view Rest() { return Bytes(rest_.size()); }

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace souvenir
