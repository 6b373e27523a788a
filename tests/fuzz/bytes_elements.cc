#include "common/tensor/bytes_elements.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/fuzz/require.h"

namespace souvenir {
namespace {

void Try(std::string_view data) {
  BytesElementReader reader(data);
  std::string framed;
  while (const std::optional<std::string_view> element = reader.Next()) {
    Require(FrameBytesElement(*element).size() == kBytesLengthSize + element->size(),
            "a frame is a length and the element");
    AppendBytesElement(*element, &framed);
    Require(framed.size() + reader.remaining() == data.size(), "all unread bytes remain");
  }
  Require(framed == data.substr(0, framed.size()), "reading and writing keep the bytes");
  Require(reader.complete() == (framed.size() == data.size()), "complete() means all was read");
  Require(!reader.Next().has_value(), "a reader at its end stays there");
}

}  // namespace
}  // namespace souvenir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
