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

// Encodes tensors as a string of bytes, for stored answers and for messages to worker processes:
//
//   v tensors, then for each: u8 datatype, v dimensions, each dimension as v, v length of the name
//   and the name, v length of the data and the data
//
// Here v is ByteWriter::Number(). The format is on disks: it may change only together with the
// schema version of the disk tier and that of snapshots. REQUIRES: names and shapes are within the
// limits of ValidateTensor().
std::string EncodeTensors(absl::Span<const TensorView> tensors);

// The tensors decoded from the bytes of EncodeTensors(). Names and data are views into the bytes,
// which must outlive it. Immutable, so that many threads may read it.
class DecodedTensors {
 public:
  // Decodes `bytes`. INVALID_ARGUMENT if EncodeTensors() does not write such bytes. The tensors are
  // not validated (ValidateTensor()).
  static absl::StatusOr<DecodedTensors> Decode(std::string_view bytes);

  size_t size() const { return tensors_.size(); }
  TensorView operator[](size_t i) const;

  // Returns the tensor called `name`, or nullopt if there is none.
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
