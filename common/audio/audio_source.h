#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace souvenir {

// The bytes of a file of audio, wherever they are. Owned by its reader; not thread-safe.
class AudioSource {
 public:
  virtual ~AudioSource() = default;

  // Returns the number of bytes, the same each time.
  virtual uint64_t size() const = 0;

  // Copies `count` bytes from `at` on to `out`. Returns their number, which is smaller only at the
  // end and if they cannot be read. REQUIRES: `at` is at most size().
  virtual size_t Read(uint64_t at, char* out, size_t count) = 0;
};

// Bytes in memory, which outlive it.
class AudioBytes final : public AudioSource {
 public:
  explicit AudioBytes(std::string_view bytes) : bytes_(bytes) {}

  uint64_t size() const override { return bytes_.size(); }

  size_t Read(uint64_t at, char* out, size_t count) override {
    const size_t there = std::min(count, bytes_.size() - static_cast<size_t>(at));
    if (there > 0) std::memcpy(out, bytes_.data() + at, there);
    return there;
  }

 private:
  const std::string_view bytes_;
};

}  // namespace souvenir
