#include "gateway/upstream/model_digest.h"

#include "common/sha256.h"
#include "common/souvenir_names.h"

namespace souvenir::gateway {

std::string DigestOf(const souvenir::state::v1::KnownModel& known) {
  const auto& properties = known.metadata().properties();
  if (const auto found = properties.find(kDigestName); found != properties.end()) {
    return found->second;
  }
  Sha256 hash;
  hash.Add(known.metadata().platform());
  hash.Add(known.version());
  for (const auto* tensors : {&known.metadata().inputs(), &known.metadata().outputs()}) {
    hash.Add(static_cast<uint64_t>(tensors->size()));
    for (const auto& tensor : *tensors) {
      hash.Add(tensor.name());
      hash.Add(tensor.datatype());
      for (const int64_t dimension : tensor.shape()) hash.Add(static_cast<uint64_t>(dimension));
    }
  }
  return HexString(hash.Finish());
}

}  // namespace souvenir::gateway
