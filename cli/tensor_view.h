#pragma once

#include <cstddef>
#include <string>

#include "common/tensor/tensor.h"

namespace souvenir::cli {

// How tensors are shown. REQUIRES everywhere: ValidateTensor(tensor) is OK.

// "translation BYTES[2,1]", fit for a terminal.
std::string TensorTitle(const TensorView& tensor);

// Its elements: each of BYTES on a line (or more, if the text has them), numbers in rows as long
// as the last dimension. Each line begins with `indent` blanks. Behind `most` elements a line says
// how many there are more. Fit for a terminal.
std::string TensorText(const TensorView& tensor, size_t indent, size_t most);

// {"name":...,"datatype":...,"shape":[...],"data":[...]}, as the protocol's REST form has it, all
// elements in one array. An element of BYTES that is not UTF-8 is {"b64":"..."}; numbers that JSON
// has not are "NaN", "Infinity" and "-Infinity".
std::string TensorJson(const TensorView& tensor);

}  // namespace souvenir::cli
