#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/types/span.h"

namespace souvenir {

// The bytes of a tensor of fixed-size elements as numbers, and back. The protocol's order of bytes,
// little-endian, is that of the machines this is built for. What is left over behind the last whole
// element is passed over.
template <typename Element>
std::vector<Element> ToElements(std::string_view data) {
  static_assert(std::is_trivially_copyable_v<Element>);
  std::vector<Element> elements(data.size() / sizeof(Element));
  // Copied, because the bytes of a message lie wherever they lie.
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
