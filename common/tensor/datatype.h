#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace souvenir {

// Element types of the Open Inference Protocol. The numbers are part of stored entries and must
// never change.
enum class DataType : uint8_t {
  kInvalid = 0,
  kBool = 1,
  kUint8 = 2,
  kUint16 = 3,
  kUint32 = 4,
  kUint64 = 5,
  kInt8 = 6,
  kInt16 = 7,
  kInt32 = 8,
  kInt64 = 9,
  kFp16 = 10,
  kFp32 = 11,
  kFp64 = 12,
  kBytes = 13,
  kBf16 = 14,
};

// Returns the protocol's name, as "INT32"; "INVALID" for kInvalid and for unknown numbers.
std::string_view DataTypeName(DataType type);

// Returns the type with exactly that name, or nullopt if there is none.
std::optional<DataType> ParseDataType(std::string_view name);

// Returns the size of an element in bytes; 0 for kBytes, whose elements vary in length, and for
// kInvalid.
size_t DataTypeSize(DataType type);

}  // namespace souvenir
