#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/types/span.h"

namespace souvenir {

// Convert the bytes of a tensor of fixed-size elements to numbers and back. The protocol is
// little-endian, like the machines that this is built for. Bytes after the last whole element are
// ignored.
template <typename Element>
std::vector<Element> ToElements(std::string_view data) {
  static_assert(std::is_trivially_copyable_v<Element>);
  std::vector<Element> elements(data.size() / sizeof(Element));
  // The bytes of a message may not be aligned, so they are copied.
  if (!elements.empty()) {
    std::memcpy(elements.data(), data.data(), elements.size() * sizeof(Element));
  }
  return elements;
}

template <typename Element>
std::string FromElements(absl::Span<const Element> elements) {
  static_assert(std::is_trivially_copyable_v<Element>);
  return {reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(Element)};
}

}  // namespace souvenir
