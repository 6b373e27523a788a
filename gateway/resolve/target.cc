#include "gateway/resolve/target.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace souvenir::gateway {
namespace {

// Hashed first, so that a change of this encoding makes new fingerprints.
constexpr std::string_view kEncoding = "souvenir/1";

struct AddValue {
  Sha256* hash;
  // The index of the alternative keeps 1 and true, or 1 and "1", apart.
  void operator()(bool value) { hash->Add(uint64_t{value}); }
  void operator()(int64_t value) { hash->Add(static_cast<uint64_t>(value)); }
  void operator()(const std::string& value) { hash->Add(value); }
  void operator()(double value) { hash->Add(std::bit_cast<uint64_t>(value)); }
  void operator()(uint64_t value) { hash->Add(value); }
};

Sha256Digest Identity(const Target::Spec& spec) {
  Sha256 hash;
  hash.Add(kEncoding);
  hash.Add(spec.tenant);
  hash.Add(spec.model->name());
  hash.Add(spec.version);
  hash.Add(spec.model->digest);
  hash.Add(static_cast<uint64_t>(spec.parameters.size()));
  for (const Parameter& parameter : spec.parameters) {
    hash.Add(parameter.name);
    hash.Add(static_cast<uint64_t>(parameter.value.index()));
    std::visit(AddValue{&hash}, parameter.value);
  }
  hash.Add(static_cast<uint64_t>(spec.outputs.size()));
  for (const std::string& output : spec.outputs) hash.Add(output);
  return hash.Finish();
}

}  // namespace

Target::Target(Spec spec) : spec_(std::move(spec)) {
  // A request that names all outputs, in any order, asks the same question as one without names.
  if (spec_.outputs.empty()) spec_.outputs = spec_.model->outputs;
  std::sort(spec_.outputs.begin(), spec_.outputs.end());
  spec_.outputs.erase(std::unique(spec_.outputs.begin(), spec_.outputs.end()), spec_.outputs.end());
  std::sort(spec_.parameters.begin(), spec_.parameters.end(),
            [](const Parameter& a, const Parameter& b) { return a.name < b.name; });
  identity_ = Identity(spec_);
  origin_ = cache::Origin::Create(
      {spec_.tenant, spec_.model->name(), spec_.model->version(), spec_.model->digest});
}

cache::Fingerprint Target::FingerprintOf(absl::Span<const TensorView> inputs) const {
  absl::InlinedVector<uint32_t, 4> order(inputs.size());
  std::iota(order.begin(), order.end(), 0);
  if (inputs.size() > 1) {
    std::sort(order.begin(), order.end(),
              [&](uint32_t a, uint32_t b) { return inputs[a].name < inputs[b].name; });
  }
  Sha256 hash;
  hash.Add(cache::Fingerprint{identity_}.view());
  hash.Add(static_cast<uint64_t>(inputs.size()));
  for (const uint32_t i : order) {
    const TensorView& input = inputs[i];
    hash.Add(input.name);
    hash.Add(static_cast<uint64_t>(input.datatype));
    hash.Add(static_cast<uint64_t>(input.shape.size()));
    for (const int64_t dimension : input.shape) hash.Add(static_cast<uint64_t>(dimension));
    hash.Add(input.data);
  }
  return {hash.Finish()};
}

cache::EpochStamp Target::Stamp(const cache::EpochTable& epochs,
                                const cache::Fingerprint& key) const {
  cache::EpochStamp stamp;
  epochs.Stamp({cache::EpochTable::All(), origin_->tenant_slot(), origin_->model_slot(),
                cache::EpochTable::Key(key)},
               &stamp);
  return stamp;
}

TargetPtr Target::ForTenant(std::string_view tenant) const {
  Spec spec = spec_;
  spec.tenant = tenant;
  return std::make_shared<const Target>(std::move(spec));
}

TargetPtr Target::WithDigest(std::string_view digest) const {
  Spec spec = spec_;
  auto model = std::make_shared<CatalogModel>(*spec.model);
  model->digest = digest;
  spec.model = std::move(model);
  return std::make_shared<const Target>(std::move(spec));
}

}  // namespace souvenir::gateway
