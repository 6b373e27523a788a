#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "cache/entry.h"
#include "cache/epochs.h"
#include "cache/fingerprint.h"
#include "common/tensor/tensor.h"
#include "gateway/catalog/catalog.h"
#include "gateway/upstream/parameter.h"

namespace souvenir::gateway {

// What rows of one request, or of many, have in common: whom they ask, and how. The part of their
// identity that is no tensor is hashed once, here.
//
// Immutable; shared by all that ask the same way.
class Target {
 public:
  struct Spec {
    CatalogModelPtr model;
    std::string version;  // asked for; "" is whichever is newest
    std::string tenant;
    std::vector<Parameter> parameters;  // without those that change no answer
    std::vector<std::string> outputs;   // asked for, in any order; none: all
    // Whether the rows of a batch are asked one by one; else a question is the whole request.
    bool by_rows = false;
  };

  explicit Target(Spec spec);

  const CatalogModel& model() const { return *spec_.model; }
  const CatalogModelPtr& model_ptr() const { return spec_.model; }
  const std::string& version() const { return spec_.version; }
  const std::vector<Parameter>& parameters() const { return spec_.parameters; }
  // Sorted, each once; never empty where the model has outputs.
  const std::vector<std::string>& outputs() const { return spec_.outputs; }
  bool by_rows() const { return spec_.by_rows; }

  // Of an answer by the model as the catalog knows it.
  const cache::OriginPtr& origin() const { return origin_; }

  // The fingerprint of a question with those inputs, in any order.
  cache::Fingerprint FingerprintOf(absl::Span<const TensorView> inputs) const;

  // The epochs of now for the question `key`, without those of tags.
  cache::EpochStamp Stamp(const cache::EpochTable& epochs, const cache::Fingerprint& key) const;

  // The same target as asked for another tenant.
  std::shared_ptr<const Target> ForTenant(std::string_view tenant) const;

  // The same target as asked of a model with another digest.
  std::shared_ptr<const Target> WithDigest(std::string_view digest) const;

 private:
  Spec spec_;
  Sha256Digest identity_;  // of all but the tensors
  cache::OriginPtr origin_;
};

using TargetPtr = std::shared_ptr<const Target>;

}  // namespace souvenir::gateway
