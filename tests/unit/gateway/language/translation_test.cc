#include "gateway/language/translation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "common/oip/message_tensors.h"
#include "common/tensor/bytes_elements.h"
#include "gateway/resolve/resolver.h"
#include "tests/fakes/fake_upstream.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/manual_executor.h"
#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A request, like that of a handler.
struct Asked final : ResolveCall::Listener {
  void OnAnswered(size_t question) override { items.push_back(translation.ItemOf(question)); }
  void OnAllAnswered() override { done = true; }

  Translation translation{this};
  std::vector<size_t> items;  // in the order in which they were answered
  bool done = false;
};

class TranslationTest : public testing::Test {
 protected:
  TranslationTest() {
    souvenir::state::v1::KnownModels models;
    *models.add_models() = TranslationModel("to-es", "en", "es");
    *models.add_models() = TranslationModel("to-ca", "en", "ca");
    catalog_.Update(models);
    translator_.OnCatalog(*catalog_.snapshot());
  }
  ~TranslationTest() override { upstream_.FailAll(absl::CancelledError("the test is over")); }

  // Plans, and resolves if that succeeds.
  std::shared_ptr<Asked> Ask(const std::string& text, const std::vector<std::string>& targets,
                             const std::string& tenant = "",
                             absl::Duration deadline = absl::InfiniteDuration()) {
    auto asked = std::make_shared<Asked>();
    asked->translation.call().options.deadline = deadline;
    TranslationRequest request{.text = text, .source_language = "en"};
    for (const std::string& target : targets) request.target_languages.push_back(target);
    planned_ = asked->translation.Plan(request, tenant, translator_);
    if (!planned_.ok()) return asked;
    resolver_.Resolve({asked, &asked->translation.call()});
    executor_.RunAll();
    return asked;
  }

  // Returns the number of the call of a model; calls of several models have no order.
  size_t CallOf(const std::string& model) {
    size_t call = 0;
    while (upstream_.request(call).model_name() != model) ++call;
    return call;
  }

  // Answers the call of a model with "<model>: <text>".
  void Answer(const std::string& model) {
    upstream_.Answer(CallOf(model), [](const auto& request, auto* response) {
      static constexpr std::array<int64_t, 2> kShape = {1, 1};
      BytesElementReader reader(request.raw_input_contents(0));
      const std::string text = request.model_name() + ": " + std::string(*reader.Next());
      AppendOutputs({{"translation", DataType::kBytes, kShape, FrameBytesElement(text)}}, response);
      (*response->mutable_parameters())["souvenir.compute_ns"].set_int64_param(3'000'000);
      (*response->mutable_parameters())["souvenir.digest"].set_string_param("digest-of-" +
                                                                            request.model_name());
    });
  }

  ManualClock clock_;
  TimerQueue timers_{&clock_, TimerQueue::Mode::kManual};
  ManualExecutor executor_;
  FakeUpstream upstream_;
  Catalog catalog_{Catalog::Options{}};
  Translator translator_{Translator::Options{}, &catalog_};
  std::unique_ptr<cache::TieredCache> cache_ =
      *cache::TieredCache::Create(cache::TieredCache::Options{});
  Resolver resolver_{Resolver::Options{}, Resolver::Parts{&clock_, &timers_, cache_.get(),
                                                          &executor_, &upstream_, &catalog_}};
  absl::Status planned_;
};

TEST_F(TranslationTest, HasAResultForEachLanguageWithItsProvenanceAndRoute) {
  const auto asked = Ask("house", {"es", "ca"});
  ASSERT_TRUE(planned_.ok()) << planned_;
  Answer("to-ca");
  EXPECT_THAT(asked->items, ElementsAre(1u));
  EXPECT_FALSE(asked->done);
  Answer("to-es");
  ASSERT_TRUE(asked->done);
  EXPECT_TRUE(asked->translation.OverallStatus().ok());
  EXPECT_EQ(asked->translation.source_language(), "en");
  ASSERT_EQ(asked->translation.size(), 2u);
  clock_.Advance(absl::Seconds(5));
  const Translation::Result spanish = asked->translation.result(0, clock_.Now());
  EXPECT_EQ(spanish.target_language, "es");
  EXPECT_EQ(spanish.text, "to-es: house");
  EXPECT_EQ(spanish.route, "to-es");
  ASSERT_TRUE(spanish.provenance);
  EXPECT_EQ(spanish.provenance->kind, CacheKind::kMiss);
  EXPECT_EQ(spanish.provenance->model, "to-es");
  EXPECT_EQ(spanish.provenance->model_version, "1");
  EXPECT_EQ(spanish.provenance->age, absl::Seconds(5));
  EXPECT_EQ(spanish.provenance->compute_time, absl::Milliseconds(3));
  EXPECT_EQ(asked->translation.result(1, clock_.Now()).text, "to-ca: house");
}

TEST_F(TranslationTest, IsRememberedForItsTenant) {
  Ask("house", {"es"}, "a");
  Answer("to-es");
  const auto again = Ask("house", {"es"}, "a");
  ASSERT_TRUE(again->done);
  EXPECT_EQ(again->translation.result(0, clock_.Now()).provenance->kind, CacheKind::kMemory);
  EXPECT_FALSE(Ask("house", {"es"}, "b")->done);
}

TEST_F(TranslationTest, AnEmptyTextIsServedWithoutAModel) {
  const auto asked = Ask("", {"es"});
  ASSERT_TRUE(asked->done);
  EXPECT_FALSE(asked->translation.IsAsked(0));
  const Translation::Result result = asked->translation.result(0, clock_.Now());
  EXPECT_TRUE(result.status.ok());
  EXPECT_EQ(result.text, "");
  EXPECT_FALSE(result.provenance);
  EXPECT_EQ(result.route, "");
}

TEST_F(TranslationTest, APairThatNobodyTranslatesIsItsOwnError) {
  const auto asked = Ask("house", {"fr", "es"});
  ASSERT_TRUE(planned_.ok());
  Answer("to-es");
  ASSERT_TRUE(asked->done);
  EXPECT_TRUE(asked->translation.OverallStatus().ok());
  EXPECT_FALSE(asked->translation.result(0, clock_.Now()).status.ok());
  EXPECT_EQ(asked->translation.result(1, clock_.Now()).text, "to-es: house");
}

TEST_F(TranslationTest, FailsAsAWholeWhereComputeIsAway) {
  const auto asked = Ask("house", {"es", "ca"});
  upstream_.FailAll(absl::UnavailableError("compute cannot be reached"));
  ASSERT_TRUE(asked->done);
  EXPECT_EQ(asked->translation.OverallStatus().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(asked->translation.OverallStatus().message()),
              HasSubstr("cannot be reached"));
}

TEST_F(TranslationTest, FailsAsAWholeWhenTheCallersTimeIsUp) {
  const auto asked = Ask("house", {"es"}, "", clock_.Monotonic() + absl::Seconds(1));
  clock_.Advance(absl::Seconds(1));
  timers_.RunDue();
  ASSERT_TRUE(asked->done);
  EXPECT_EQ(asked->translation.OverallStatus().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(TranslationTest, OneLanguageThatIsServedIsEnough) {
  const auto asked = Ask("house", {"es", "ca"});
  Answer("to-es");
  upstream_.Fail(CallOf("to-ca"), absl::UnavailableError("compute cannot be reached"));
  ASSERT_TRUE(asked->done);
  EXPECT_TRUE(asked->translation.OverallStatus().ok());
  EXPECT_EQ(asked->translation.result(1, clock_.Now()).status.code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace souvenir::gateway
