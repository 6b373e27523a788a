#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/tensor/tensor.h"

namespace souvenir {

// Tensors as one string of bytes: what the cache stores as an answer and what worker processes are
// sent:
//
//   v tensors, then for each: u8 datatype, v dimensions, each dimension as v, v length of the name
//   and the name, v length of the data and the data
//
// where v is ByteWriter's Number(). The format is on disks: change it only together with the disk
// tier's schema version and that of snapshots. REQUIRES: names and shapes are within the limits
// that ValidateTensor holds them to.
std::string EncodeTensors(absl::Span<const TensorView> tensors);

// Tensors read back from such bytes; views into them, but for the shapes.
class DecodedTensors {
 public:
  // INVALID_ARGUMENT for anything that EncodeTensors does not write. `bytes` must outlive the
  // result.
  static absl::StatusOr<DecodedTensors> Decode(std::string_view bytes);

  size_t size() const { return tensors_.size(); }
  TensorView operator[](size_t i) const;

  // The tensor of that name; nullopt where there is none.
  std::optional<TensorView> Find(std::string_view name) const;

 private:
  struct Item {
    std::string_view name;
    DataType datatype;
    absl::InlinedVector<int64_t, 4> shape;
    std::string_view data;
  };
  absl::InlinedVector<Item, 1> tensors_;
};

}  // namespace souvenir
