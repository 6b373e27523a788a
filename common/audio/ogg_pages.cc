#include "common/audio/ogg_pages.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <string_view>

namespace souvenir {
namespace {

// The header of a page, in bytes from its start.
constexpr size_t kSerialAt = 14;
constexpr size_t kChecksumAt = 22;
constexpr size_t kSegmentsAt = 26;  // number of lengths that follow, each a byte
constexpr size_t kHeaderBytes = 27;
constexpr size_t kMostHeaderBytes = kHeaderBytes + 255;

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i << 24;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 0x80000000U) != 0 ? value << 1 ^ 0x04c11db7U : value << 1;
    }
    table[i] = value;
  }
  return table;
}

// CRC-32 with the polynomial 0x04c11db7, from the highest bit on, without inversions.
uint32_t Checksum(std::string_view page) {
  static constexpr std::array<uint32_t, 256> kTable = MakeTable();
  uint32_t checksum = 0;
  for (const char byte : page) {
    checksum = checksum << 8 ^ kTable[checksum >> 24 ^ static_cast<uint8_t>(byte)];
  }
  return checksum;
}

// Returns the size of the page whose header is at the start of `bytes`, or 0 if there is no whole
// header.
size_t SizeTold(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || bytes.substr(0, 4) != "OggS") return 0;
  const size_t segments = static_cast<uint8_t>(bytes[kSegmentsAt]);
  size_t size = kHeaderBytes + segments;
  if (bytes.size() < size) return 0;
  for (size_t i = 0; i < segments; ++i) size += static_cast<uint8_t>(bytes[kHeaderBytes + i]);
  return size;
}

}  // namespace

std::string OggFault(AudioSource* file) {
  constexpr uint32_t kZero = 0;
  std::optional<uint32_t> first_serial;
  std::string page;
  for (uint64_t at = 0; at < file->size();) {
    page.resize(kMostHeaderBytes);
    page.resize(file->Read(at, page.data(), page.size()));
    const size_t size = SizeTold(page);
    page.resize(size);
    if (size == 0 || file->Read(at, page.data(), size) < size) {
      return fmt::format("no whole page begins at byte {}", at);
    }
    uint32_t serial = 0;
    uint32_t checksum = 0;
    std::memcpy(&serial, page.data() + kSerialAt, sizeof(serial));
    std::memcpy(&checksum, page.data() + kChecksumAt, sizeof(checksum));
    std::memcpy(page.data() + kChecksumAt, &kZero, sizeof(kZero));
    if (checksum != Checksum(page)) {
      return fmt::format("the page at byte {} has a wrong checksum", at);
    }
    if (first_serial.value_or(serial) != serial) {
      return fmt::format("a second stream begins at byte {}, and files with one are read", at);
    }
    first_serial = serial;
    at += size;
  }
  return {};
}

bool SetOggSerial(uint32_t serial, std::string* file) {
  size_t at = 0;
  while (at < file->size()) {
    const size_t size = SizeTold(std::string_view(*file).substr(at));
    if (size == 0 || size > file->size() - at) return false;
    char* const page = file->data() + at;
    std::memcpy(page + kSerialAt, &serial, sizeof(serial));
    std::memset(page + kChecksumAt, 0, sizeof(uint32_t));
    const uint32_t checksum = Checksum({page, size});
    std::memcpy(page + kChecksumAt, &checksum, sizeof(checksum));
    at += size;
  }
  return true;
}

}  // namespace souvenir
