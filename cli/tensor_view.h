#pragma once

#include <cstddef>
#include <string>

#include "common/tensor/tensor.h"

namespace souvenir::cli {

// The functions below show tensors. REQUIRES everywhere: ValidateTensor(tensor) is OK.

// Returns "translation BYTES[2,1]", fit for a terminal.
std::string TensorTitle(const TensorView& tensor);

// Returns the elements, fit for a terminal. Each element of BYTES has a line, or several if the
// text has them. Numbers are in rows as long as the last dimension. Each line begins with `indent`
// blanks. After `most` elements a line counts the others.
std::string TensorText(const TensorView& tensor, size_t indent, size_t most);

// Returns {"name":...,"datatype":...,"shape":[...],"data":[...]}, the protocol's REST form, with
// all elements in one array. An element of BYTES that is not UTF-8 is {"b64":"..."}. Numbers that
// JSON lacks are "NaN", "Infinity" and "-Infinity".
std::string TensorJson(const TensorView& tensor);

}  // namespace souvenir::cli
