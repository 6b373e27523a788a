#include "gateway/resolve/target.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace souvenir::gateway {
namespace {

// Hashed first, so that a change of this encoding makes new fingerprints.
constexpr std::string_view kEncoding = "souvenir/2";

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

struct Target::Form {
  struct Input {
    std::string name;
    DataType datatype;
    std::vector<int64_t> shape;
  };

  bool IsOf(absl::Span<const TensorView> sorted) const {
    return std::equal(inputs.begin(), inputs.end(), sorted.begin(), sorted.end(),
                      [](const Input& a, const TensorView& b) {
                        return a.name == b.name && a.datatype == b.datatype &&
                               absl::MakeConstSpan(a.shape) == b.shape;
                      });
  }

  std::vector<Input> inputs;
  Sha256 begun;
};

Target::~Target() { delete form_.load(); }

Sha256 Target::Begin(absl::Span<const TensorView> inputs) const {
  const Form* known = form_.load(std::memory_order_acquire);
  if (known != nullptr && known->IsOf(inputs)) return known->begun;
  Sha256 all_but_bytes;
  all_but_bytes.Add(cache::Fingerprint{identity_}.view());
  all_but_bytes.Add(static_cast<uint64_t>(inputs.size()));
  for (const TensorView& input : inputs) {
    all_but_bytes.Add(input.name);
    all_but_bytes.Add(static_cast<uint64_t>(input.datatype));
    all_but_bytes.Add(static_cast<uint64_t>(input.shape.size()));
    for (const int64_t dimension : input.shape) {
      all_but_bytes.Add(static_cast<uint64_t>(dimension));
    }
  }
  constexpr std::string_view kRestOfBlock(
      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
      32);
  Sha256 begun;
  begun.AddPiece(cache::Fingerprint{all_but_bytes.Finish()}.view());
  begun.AddPiece(kRestOfBlock);
  begun.Flush();
  if (known == nullptr) {
    auto form = std::make_unique<Form>(Form{{}, begun});
    for (const TensorView& input : inputs) {
      form->inputs.push_back(
          {std::string(input.name), input.datatype, {input.shape.begin(), input.shape.end()}});
    }
    if (form_.compare_exchange_strong(known, form.get(), std::memory_order_acq_rel)) {
      (void)form.release();
    }
  }
  return begun;
}

cache::Fingerprint Target::FingerprintOf(absl::Span<const TensorView> inputs) const {
  absl::InlinedVector<TensorView, 4> sorted;
  if (inputs.size() > 1) {
    sorted.assign(inputs.begin(), inputs.end());
    std::sort(sorted.begin(), sorted.end(),
              [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
    inputs = sorted;
  }
  Sha256 hash = Begin(inputs);
  for (const TensorView& input : inputs) hash.Add(input.data);
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
