#pragma once

#include <atomic>
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

// The parts of a question that all rows of a request share, and often many requests: the model and
// how it is asked. The part of the identity that is not a tensor is hashed once, here.
//
// Immutable; shared by all questions that ask in the same way.
class Target {
 public:
  struct Spec {
    CatalogModelPtr model;
    std::string version;  // as asked for; "" means the newest
    std::string tenant;
    std::vector<Parameter> parameters;  // without those that change no answer
    std::vector<std::string> outputs;   // as asked for, in any order; empty means all
    // True if each row of a batch is a question; otherwise the whole request is one.
    bool by_rows = false;
  };

  explicit Target(Spec spec);
  ~Target();

  const CatalogModel& model() const { return *spec_.model; }
  const CatalogModelPtr& model_ptr() const { return spec_.model; }
  const std::string& version() const { return spec_.version; }
  const std::vector<Parameter>& parameters() const { return spec_.parameters; }
  // Sorted, without duplicates; never empty if the model has outputs.
  const std::vector<std::string>& outputs() const { return spec_.outputs; }
  bool by_rows() const { return spec_.by_rows; }

  // The origin of an answer by the model that the catalog has.
  const cache::OriginPtr& origin() const { return origin_; }

  // Returns the fingerprint of a question with these inputs, in any order: SHA-256 over a block of
  // 64 bytes, which has the digest of all but the bytes of the inputs, and then over these bytes.
  // Rows of one model seldom differ in more than their bytes, so the block is hashed once for many
  // questions.
  cache::Fingerprint FingerprintOf(absl::Span<const TensorView> inputs) const;

  // Returns the present epochs for the question `key`, without those of tags.
  cache::EpochStamp Stamp(const cache::EpochTable& epochs, const cache::Fingerprint& key) const;

  // Returns the same target for another tenant.
  std::shared_ptr<const Target> ForTenant(std::string_view tenant) const;

  // Returns the same target for a model with another digest.
  std::shared_ptr<const Target> WithDigest(std::string_view digest) const;

 private:
  // The names, datatypes and shapes of a question's inputs, and the hash after its first block.
  struct Form;

  // Returns the hash after the first block of a question with inputs like these. The inputs are
  // sorted by name.
  Sha256 Begin(absl::Span<const TensorView> inputs) const;

  Spec spec_;
  Sha256Digest identity_;                           // of everything but the tensors
  mutable std::atomic<const Form*> form_{nullptr};  // of the first question; owned
  cache::OriginPtr origin_;
};

using TargetPtr = std::shared_ptr<const Target>;

}  // namespace souvenir::gateway
