#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/oip/message_tensors.h"
#include "common/refusal.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/resolve/resolver.h"
#include "tests/fakes/fake_upstream.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {

inline constexpr std::array<int64_t, 2> kRow = {1, 1};

// A call that asks for texts, and keeps the answers.
class TestCall final : private ResolveCall::Listener, public ResolveCall {
 public:
  TestCall(const TargetPtr& target, const std::vector<std::string>& texts) : ResolveCall(this) {
    for (const std::string& text : texts) framed_.push_back(FrameBytesElement(text));
    for (const std::string& framed : framed_) {
      questions.push_back({target, {TensorView{"in", DataType::kBytes, kRow, framed}}});
    }
  }

  bool done() const { return done_; }
  std::string text(size_t question) const {
    const Answer& got = answer(question);
    if (!got.status.ok()) return std::string(got.status.message());
    const auto outputs = DecodedTensors::Decode(got.entry->value());
    return std::string(*BytesElementReader(outputs->Find("out")->data).Next());
  }

 private:
  void OnAllAnswered() override { ASSERT_FALSE(done_.exchange(true)) << "told twice"; }

  std::vector<std::string> framed_;
  std::atomic<bool> done_{false};
};

// Answers like the model: each text in angle brackets; "bad" is refused.
inline void Bracket(const inference::ModelInferRequest& request,
                    inference::ModelInferResponse* response) {
  const auto tensors = MessageTensors::FromRequest(request);
  const TensorView& in = tensors->tensors().front();
  std::string out;
  BytesElementReader reader(in.data);
  while (const auto text = reader.Next()) AppendBytesElement(fmt::format("<{}>", *text), &out);
  AppendOutputs({{"out", DataType::kBytes, in.shape, out}}, response);
  (*response->mutable_parameters())["souvenir.compute_ns"].set_int64_param(2'000'000);
  (*response->mutable_parameters())["souvenir.digest"].set_string_param("digest-of-m");
}

// Returns the model's refusal of a row.
inline absl::Status Refusal(std::string_view message, std::string_view digest = "digest-of-m") {
  return WithModelDigest(
      absl::InvalidArgumentError(absl::string_view(message.data(), message.size())), digest);
}

inline bool HasBad(const inference::ModelInferRequest& request) {
  return request.raw_input_contents(0).find("bad") != std::string::npos;
}

class ResolverTest : public testing::Test {
 protected:
  explicit ResolverTest(const config::v1::ModelPolicy& policy = {})
      : catalog_(Catalog::Options{.policies = {{"m", policy}}}) {
    souvenir::state::v1::KnownModels models;
    *models.add_models() = TextModel("m", "in", "out");
    catalog_.Update(models);
    Open();
    target_ = std::make_shared<const Target>(
        Target::Spec{.model = *catalog_.snapshot()->Find("m", ""), .by_rows = true});
  }

  // No call may be under way when the resolver is destroyed.
  ~ResolverTest() override { upstream_.FailAll(absl::CancelledError("the test is over")); }

  std::shared_ptr<TestCall> Ask(const std::vector<std::string>& texts,
                                std::string_view cache_control = "") {
    auto call = std::make_shared<TestCall>(target_, texts);
    if (!cache_control.empty()) call->options.cache = *ParseCacheControl(cache_control);
    resolver_->Resolve(call);
    executor_.RunAll();
    return call;
  }

  void Open() {
    OpenWith({.flights = {.max_flights = 2000, .max_waiters = 4000},
              .lanes = lanes_,
              .call_timeout = call_timeout_,
              .deserted = deserted_,
              .upstream = upstream_options_,
              .uniform = [this] { return uniform_; }});
  }
  void OpenWith(const Resolver::Options& resolver) {
    cache::TieredCache::Options options;
    options.memory.shards = 1;
    options.disk = cache::DiskTier::Options{
        .store = {.directory = directory_.path(), .limit_bytes = 16u << 20}};
    cache_ = *cache::TieredCache::Create(options);
    resolver_ = std::make_unique<Resolver>(
        resolver,
        Resolver::Parts{&clock_, &timers_, cache_.get(), &executor_, &upstream_, &catalog_});
  }

  uint64_t Ended(DesertedWork::End end) {
    return resolver_->deserted().ended[static_cast<size_t>(end)];
  }

  // Drops the memory tier, like a restart.
  void DropMemory() {
    resolver_.reset();
    cache_.reset();
    Open();
  }

  // Returns the same target, but with another policy for its model.
  TargetPtr TargetWith(const config::v1::ModelPolicy& policy) {
    catalogs_.push_back(std::make_unique<Catalog>(Catalog::Options{.policies = {{"m", policy}}}));
    souvenir::state::v1::KnownModels models;
    *models.add_models() = TextModel("m", "in", "out");
    catalogs_.back()->Update(models);
    return std::make_shared<const Target>(
        Target::Spec{.model = *catalogs_.back()->snapshot()->Find("m", ""), .by_rows = true});
  }

  std::vector<CacheKind> Kinds(const TestCall& call) {
    std::vector<CacheKind> kinds;
    for (size_t i = 0; i < call.questions.size(); ++i) kinds.push_back(call.answer(i).kind);
    return kinds;
  }

  uint64_t Rows(CacheKind kind) { return target_->model().counters->rows(kind); }

  static constexpr CacheKind kMemory = CacheKind::kMemory;
  static constexpr CacheKind kDisk = CacheKind::kDisk;
  static constexpr CacheKind kMiss = CacheKind::kMiss;
  static constexpr CacheKind kCoalesced = CacheKind::kCoalesced;
  static constexpr CacheKind kBypass = CacheKind::kBypass;

  TemporaryDirectory directory_;
  ManualClock clock_;
  TimerQueue timers_{&clock_, TimerQueue::Mode::kManual};
  ManualExecutor executor_;
  FakeUpstream upstream_;
  double uniform_ = 1;  // so that no refresh comes early
  absl::Duration call_timeout_ = absl::Minutes(1);
  DesertedWork::Options deserted_;
  Lanes::Options lanes_ = [] {
    Lanes::Options lanes;
    lanes.of(Lane::kText).max_bytes = 100'000;
    return lanes;
  }();
  UpstreamQueues::Options upstream_options_{.first_calls = 256};  // so that rows go at once
  Catalog catalog_;
  std::vector<std::unique_ptr<Catalog>> catalogs_;  // the catalogs of TargetWith()
  std::unique_ptr<cache::TieredCache> cache_;
  std::unique_ptr<Resolver> resolver_;
  TargetPtr target_;
};

}  // namespace souvenir::gateway
