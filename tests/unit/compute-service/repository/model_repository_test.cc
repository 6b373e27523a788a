#include "compute-service/repository/model_repository.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/fakes/fake_backend.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/text_job.h"

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

class ModelRepositoryTest : public ::testing::Test {
 protected:
  ModelRepositoryTest() {
    std::string name = (fs::path(::testing::TempDir()) / "repository.XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~ModelRepositoryTest() override {
    repository_.reset();
    fs::remove_all(directory_);
  }

  void Write(const std::string& path, const std::string& text) {
    const fs::path file = directory_ / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  // Writes a model of the fake backend, with `config` as the rest of its configuration.
  void WriteModel(const std::string& name, const std::string& config = "") {
    Write(name + "/config.pbtxt", "backend: \"fake\"\n" + config);
  }

  void Create() {
    ModelRepository::Options options;
    options.directory = directory_.string();
    options.drain_timeout = absl::Minutes(1);
    options.settle = settle_;
    options.poll_entries = poll_entries_;
    options.on_change = [this](const std::string& model) {
      MutexLock lock(&changes_mutex_);
      changes_.insert(model);
    };
    auto repository = ModelRepository::Create(std::move(options), {&backend_}, &clock_, &timers_);
    ASSERT_TRUE(repository.ok()) << repository.status();
    repository_ = *std::move(repository);
  }

  std::shared_ptr<ServedModel> Get(const std::string& name) {
    auto model = repository_->Find(name, "");
    EXPECT_TRUE(model.ok()) << model.status();
    return *std::move(model);
  }

  // Returns the reason why the model cannot be asked. It must be UNAVAILABLE.
  std::string ReasonOf(const std::string& name) {
    const ServedModel::Status status = Get(name)->status();
    EXPECT_EQ(status.state, ModelState::kUnavailable) << name;
    return status.reason;
  }

  std::future<Result> Ask(const std::string& name) { return AskText(*Get(name), "hello"); }

  std::future<absl::Status> BeginLoad(const std::string& name) {
    const auto done = std::make_shared<std::promise<absl::Status>>();
    repository_->Load(name, [done](absl::Status status) { done->set_value(std::move(status)); });
    return done->get_future();
  }
  absl::Status Load(const std::string& name) { return BeginLoad(name).get(); }

  // Creates a repository of "m" and "other". A request loads "m", which hangs until
  // HoldLoadsOf(""), and an operator asks for the same load. The operator's job is parked when this
  // returns, because the other loader thread has loaded "other" after it.
  std::pair<std::future<Result>, std::future<absl::Status>> HangForRequestAndOperator() {
    WriteModel("m");
    WriteModel("other");
    Create();
    backend_.HoldLoadsOf("m");
    std::future<Result> row = Ask("m");
    backend_.WaitForLoads(1);
    std::future<absl::Status> load = BeginLoad("m");
    EXPECT_TRUE(Load("other").ok());
    return {std::move(row), std::move(load)};
  }

  // Does what the keeper does with a loaded model.
  void Fit(const std::string& name) {
    const std::shared_ptr<ServedModel> model = Get(name);
    model->Fit(model->Activity(), {});
  }

  // Polls the folders, and waits until a changed model has been loaded.
  void PollFor(const std::string& name) {
    repository_->Poll();
    while (repository_->IsLoading(name)) std::this_thread::yield();
  }
  static void AwaitUnavailable(const ServedModel& model) {
    while (model.status().state != ModelState::kUnavailable) std::this_thread::yield();
  }
  // Changes the model's configuration.
  void ChangeModel(const std::string& name, const std::string& quality) {
    WriteModel(name, "parameters { key: \"quality\" value { string_value: \"" + quality + "\" } }");
  }
  std::string QualityOf(const std::string& name) {
    const auto& parameters = Get(name)->config().parameters();
    const auto found = parameters.find("quality");
    return found == parameters.end() ? "" : found->second.string_value();
  }
  absl::Status Unload(const std::string& name) {
    std::promise<absl::Status> done;
    repository_->Unload(name, [&](absl::Status status) { done.set_value(std::move(status)); });
    return done.get_future().get();
  }

  fs::path directory_;
  absl::Duration settle_ = absl::ZeroDuration();
  size_t poll_entries_ = 4096;
  ManualClock clock_;
  TimerQueue timers_{&clock_, TimerQueue::Mode::kManual};
  FakeBackend backend_;
  Mutex changes_mutex_;
  std::set<std::string> changes_ ABSL_GUARDED_BY(changes_mutex_);
  std::unique_ptr<ModelRepository> repository_;
};

TEST_F(ModelRepositoryTest, ADirectoryThatIsNotThereHasNoModels) {
  fs::remove_all(directory_);
  Create();
  EXPECT_TRUE(repository_->All().empty());
}

TEST_F(ModelRepositoryTest, APathThatIsNoDirectoryIsAnError) {
  Write("file", "");
  ModelRepository::Options options;
  options.directory = (directory_ / "file").string();
  const auto repository = ModelRepository::Create(options, {&backend_}, &clock_, &timers_);
  EXPECT_EQ(repository.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(repository.status()), HasSubstr(options.directory));
}

TEST_F(ModelRepositoryTest, ReadsTritonsLayoutAndPassesOverWhatIsNoModel) {
  WriteModel("b", "max_batch_size: 2");
  Write("b/1/data", "");
  Write("b/12/data", "");
  Write("b/notes/data", "");
  WriteModel("a");
  Write("README.md", "");
  Write(".git/config.pbtxt", "");
  Create();
  const auto all = repository_->All();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]->name(), "a");
  EXPECT_EQ(all[0]->version(), "1");
  EXPECT_EQ(all[1]->name(), "b");
  EXPECT_EQ(all[1]->version(), "12");
  EXPECT_EQ(all[0]->status().state, ModelState::kOnDemand);
  EXPECT_EQ(all[0]->status().reason, "loads on demand");
  EXPECT_EQ(backend_.loads(), 0);
}

TEST_F(ModelRepositoryTest, FindsTheVersionThereIsAndNamesWhatThereIs) {
  WriteModel("a");
  Write("a/3/data", "");
  Create();
  EXPECT_TRUE(repository_->Find("a", "3").ok());
  EXPECT_TRUE(repository_->Find("a", "").ok());
  const absl::Status version = repository_->Find("a", "2").status();
  EXPECT_EQ(version.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(version), AllOf(HasSubstr("'2'"), HasSubstr("version 3")));
  const absl::Status name = repository_->Find("nope", "").status();
  EXPECT_EQ(name.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(name), HasSubstr("no model 'nope'; there are: a"));
}

TEST_F(ModelRepositoryTest, OneBrokenModelTakesNoOtherDown) {
  WriteModel("good");
  Write("no_config/1/data", "");
  Write("syntax/config.pbtxt", "backend: \"fake\"\nno_such_field: 1\n");
  WriteModel("misnamed", "name: \"other\"");
  WriteModel("refused", "parameters { key: \"refuse\" value { string_value: \"x\" } }");
  Write("stranger/config.pbtxt", "backend: \"torch\"");
  Write("directory/config.pbtxt/file", "");
  Create();
  EXPECT_THAT(ReasonOf("directory"), HasSubstr("read config.pbtxt: it is a directory"));
  EXPECT_TRUE(Ask("good").get().ok());
  EXPECT_THAT(ReasonOf("no_config"), HasSubstr("config.pbtxt"));
  EXPECT_THAT(ReasonOf("syntax"), AllOf(HasSubstr("config.pbtxt:2:"), HasSubstr("no_such_field")));
  EXPECT_THAT(Get("syntax")->status().detail, HasSubstr("syntax/config.pbtxt:2:"));
  EXPECT_THAT(ReasonOf("misnamed"), AllOf(HasSubstr("'other'"), HasSubstr("'misnamed'")));
  EXPECT_THAT(ReasonOf("refused"), HasSubstr("'refuse'"));
  EXPECT_THAT(ReasonOf("stranger"), AllOf(HasSubstr("'torch'"), HasSubstr("'fake'")));
  EXPECT_EQ(Ask("syntax").get().status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ModelRepositoryTest, AFolderWhoseNameIsNoneCostsItselfAlone) {
  WriteModel("good");
  WriteModel("caf\xe9");
  WriteModel("two\nlines");
  WriteModel("zulu");
  testing::internal::CaptureStderr();
  Create();
  repository_->Poll();
  const std::string lines = testing::internal::GetCapturedStderr();
  std::vector<std::string> names;
  for (const auto& model : repository_->All()) names.push_back(model->name());
  EXPECT_THAT(names, ElementsAre("good", "zulu"));
  // The reason is logged once, however often the folder is looked at.
  EXPECT_NE(lines.find("it is not UTF-8"), std::string::npos);
  EXPECT_EQ(lines.find("it is not UTF-8"), lines.rfind("it is not UTF-8"));
  EXPECT_NE(lines.find("it has a control character"), std::string::npos);
  EXPECT_EQ(Load("caf\xe9").code(), absl::StatusCode::kNotFound);
}

TEST_F(ModelRepositoryTest, FoldersThatAreWrongCannotFloodTheLog) {
  for (int i = 0; i < 100; ++i) {
    Write(fmt::format("m{}/config.pbtxt", i), "no_such_field: 1");
  }
  testing::internal::CaptureStderr();
  Create();
  const std::string log = testing::internal::GetCapturedStderr();
  int lines = 0;
  for (size_t at = 0; (at = log.find("model is unavailable", at)) != std::string::npos; ++at) {
    ++lines;
  }
  EXPECT_LE(lines, 50) << "at most ten a second";
  EXPECT_THAT(ReasonOf("m99"), HasSubstr("no_such_field"));
}

TEST_F(ModelRepositoryTest, APlatformNamesABackendWhereNothingElseDoes) {
  Write("old/config.pbtxt", "platform: \"fake_platform\"");
  Write("stranger/config.pbtxt", "platform: \"other_platform\"");
  Write("both/config.pbtxt", "platform: \"fake_platform\" backend: \"torch\"");
  Create();
  EXPECT_EQ(Get("old")->config().backend(), "fake");
  EXPECT_TRUE(Ask("old").get().ok());
  EXPECT_THAT(ReasonOf("stranger"),
              AllOf(HasSubstr("platform 'other_platform'"), HasSubstr("'fake'")));
  EXPECT_THAT(ReasonOf("both"), HasSubstr("no backend 'torch'"));
}

TEST_F(ModelRepositoryTest, TheDirectoryWinsOverWhatABackendOffers) {
  WriteModel("both",
             "max_batch_size: 2 input { name: \"mine\" data_type: TYPE_STRING dims: 1 } "
             "output { name: \"echo\" data_type: TYPE_STRING dims: 1 }");
  for (const char* name : {"both", "offered"}) {
    ModelDescription description;
    description.config = EchoConfig(name);
    backend_.Offer(description);
  }
  Create();
  EXPECT_EQ(Get("both")->config().input(0).name(), "mine");
  EXPECT_EQ(Get("offered")->config().input(0).name(), "text");
}

TEST_F(ModelRepositoryTest, AModelLoadsOnceForAllThatAskMeanwhile) {
  WriteModel("a");
  Create();
  backend_.HoldLoads(true);
  std::future<Result> first = Ask("a");
  backend_.WaitForLoads(1);
  std::future<Result> second = Ask("a");
  EXPECT_EQ(Get("a")->status().state, ModelState::kLoading);
  backend_.HoldLoads(false);
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_EQ(Get("a")->status().state, ModelState::kReady);
  EXPECT_EQ(Get("a")->status().reason, "");
  EXPECT_EQ(backend_.loads(), 1);
  EXPECT_EQ(repository_->loads().succeeded.Sum(), 1u);
  MutexLock lock(&changes_mutex_);
  EXPECT_THAT(changes_, ElementsAre("a"));
}

TEST_F(ModelRepositoryTest, WhatWaitsForAModelIsBounded) {
  WriteModel("a", "parameters { key: \"max_queue_size\" value { string_value: \"1\" } }");
  Create();
  backend_.HoldLoads(true);
  std::future<Result> first = Ask("a");
  EXPECT_EQ(Ask("a").get().status().code(), absl::StatusCode::kResourceExhausted);
  backend_.HoldLoads(false);
  EXPECT_TRUE(first.get().ok());
}

TEST_F(ModelRepositoryTest, ALoadThatFailsAnswersAllAndIsTriedAgainAfterAPause) {
  WriteModel("a");
  WriteModel("other");
  Create();
  backend_.SetLoadStatus(absl::FailedPreconditionError("install apertium-eng-spa"));
  backend_.HoldLoads(true);
  std::future<Result> first = Ask("a");
  std::future<Result> second = Ask("a");
  backend_.HoldLoads(false);
  for (std::future<Result>* answer : {&first, &second}) {
    const absl::Status status = answer->get().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(Message(status), HasSubstr("install apertium-eng-spa"));
  }
  EXPECT_THAT(ReasonOf("a"), HasSubstr("install apertium-eng-spa"));
  EXPECT_FALSE(Ask("a").get().ok());
  EXPECT_EQ(backend_.loads(), 1);
  EXPECT_EQ(repository_->loads().failed.Sum(), 1u);

  backend_.SetLoadStatus(absl::OkStatus());
  EXPECT_TRUE(Ask("other").get().ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Ask("a").get().ok());
}

TEST_F(ModelRepositoryTest, LoadReadsTheFilesAgainAndReplacesTheModel) {
  WriteModel("a");
  Create();
  ASSERT_TRUE(Ask("a").get().ok());
  const std::shared_ptr<ServedModel> old = Get("a");
  WriteModel("a", "parameters { key: \"quality\" value { string_value: \"high\" } }");
  ASSERT_TRUE(Load("a").ok());
  const std::shared_ptr<ServedModel> fresh = Get("a");
  EXPECT_NE(old, fresh);
  EXPECT_NE(old->digest(), fresh->digest());
  EXPECT_EQ(fresh->status().state, ModelState::kReady);
  EXPECT_TRUE(Ask("a").get().ok());
}

TEST_F(ModelRepositoryTest, LoadFindsAModelThatIsNew) {
  Create();
  EXPECT_EQ(Load("late").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Load("../etc").code(), absl::StatusCode::kNotFound);
  WriteModel("late");
  EXPECT_TRUE(Load("late").ok());
  EXPECT_TRUE(Ask("late").get().ok());
}

TEST_F(ModelRepositoryTest, AModelWhoseFolderHasGoneIsNotAmongThoseThereAre) {
  WriteModel("a");
  WriteModel("b");
  Create();
  ASSERT_TRUE(Load("a").ok());
  fs::remove_all(directory_ / "a");
  const absl::Status status = Load("a");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Message(status), "model 'a' has gone from the repository; there are: b");
  EXPECT_TRUE(Ask("a").get().ok()) << "it serves until the next look";
  repository_->Poll();
  EXPECT_EQ(Message(Load("a")), "there is no model 'a'; there are: b");
}

TEST_F(ModelRepositoryTest, OfManyModelsTheNearestAreTold) {
  for (int i = 0; i < 50; ++i) WriteModel(fmt::format("model-{}", i));
  WriteModel("primes");
  Create();
  EXPECT_THAT(Message(repository_->Find("prims", "").status()),
              AllOf(HasSubstr("no model 'prims'; there are: primes, model-0, "),
                    HasSubstr(" and 31 more")));
}

TEST_F(ModelRepositoryTest, AFolderWithoutAConfigurationIsToldFromNone) {
  WriteModel("good");
  Create();
  Write("bare/1/file", "");
  const absl::Status status = Load("bare");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status), HasSubstr("the folder 'bare' is there, but has no config.pbtxt"));
  EXPECT_THAT(ReasonOf("bare"), HasSubstr("config.pbtxt"));
  // The model that serves goes on without its file.
  fs::remove(directory_ / "good/config.pbtxt");
  EXPECT_THAT(Message(Load("good")), HasSubstr("has no config.pbtxt"));
  PollFor("good");
  EXPECT_TRUE(Ask("good").get().ok());
}

TEST_F(ModelRepositoryTest, AReloadThatFailsLeavesTheOldModelServing) {
  WriteModel("a");
  Create();
  ASSERT_TRUE(Ask("a").get().ok());
  const std::shared_ptr<ServedModel> old = Get("a");
  WriteModel("a", "no_such_field: 1");
  const absl::Status status = Load("a");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status), HasSubstr("no_such_field"));
  EXPECT_EQ(Get("a"), old);
  EXPECT_TRUE(Ask("a").get().ok());
}

TEST_F(ModelRepositoryTest, TheOldModelEndsWhatItHasBegun) {
  WriteModel("a");
  Create();
  backend_.HoldRuns(true);
  std::future<Result> running = Ask("a");
  backend_.WaitForRuns(1);
  ASSERT_TRUE(Load("a").ok());
  backend_.HoldRuns(false);
  EXPECT_TRUE(running.get().ok());
  repository_->Stop(absl::ZeroDuration());
  EXPECT_EQ(backend_.live_models(), 0);
}

TEST_F(ModelRepositoryTest, AnUnloadedModelIsUnavailableUntilItIsLoaded) {
  WriteModel("a");
  Create();
  ASSERT_TRUE(Ask("a").get().ok());
  ASSERT_TRUE(Unload("a").ok());
  EXPECT_EQ(backend_.live_models(), 0);
  EXPECT_EQ(backend_.live_instances(), 0);
  EXPECT_EQ(ReasonOf("a"), "unloaded");  // the gateway recognises an unloaded model by this
  EXPECT_EQ(Ask("a").get().status().code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(Load("a").ok());
  EXPECT_TRUE(Ask("a").get().ok());
  EXPECT_EQ(Unload("nope").code(), absl::StatusCode::kNotFound);
}

TEST_F(ModelRepositoryTest, StopFinishesLoadsThatRequestsWaitFor) {
  WriteModel("a");
  Create();
  backend_.HoldLoads(true);
  std::future<Result> answer = Ask("a");
  backend_.WaitForLoads(1);
  std::thread stopper([this] { repository_->Stop(absl::Minutes(1)); });
  backend_.HoldLoads(false);
  stopper.join();
  EXPECT_TRUE(answer.get().ok());
  EXPECT_EQ(backend_.live_models(), 0);
  EXPECT_EQ(Load("a").code(), absl::StatusCode::kResourceExhausted);
}

// Returns the versions of a model that can be asked for, oldest first.
std::vector<std::string> VersionsOf(const ModelRepository& repository, const std::string& name) {
  std::vector<std::string> versions;
  for (const auto& model : repository.Versions(name)) versions.push_back(model->version());
  return versions;
}

TEST_F(ModelRepositoryTest, ServesTheVersionsOfItsPolicy) {
  for (const auto& [name, policy] :
       {std::pair("newest", ""),
        {"two", "version_policy { latest { num_versions: 2 } }"},
        {"all", "version_policy { all { } }"},
        {"some", "version_policy { specific { versions: [ 1, 3 ] } }"}}) {
    WriteModel(name, policy);
    for (const char* version : {"1", "2", "3", "no-version"}) {
      Write(std::string(name) + "/" + version + "/file", "");
    }
  }
  Create();
  EXPECT_THAT(VersionsOf(*repository_, "newest"), ElementsAre("3"));
  EXPECT_THAT(VersionsOf(*repository_, "two"), ElementsAre("2", "3"));
  EXPECT_THAT(VersionsOf(*repository_, "all"), ElementsAre("1", "2", "3"));
  EXPECT_THAT(VersionsOf(*repository_, "some"), ElementsAre("1", "3"));
  EXPECT_EQ((*repository_->Find("all", ""))->version(), "3");
  EXPECT_EQ((*repository_->Find("all", "2"))->version(), "2");
  EXPECT_THAT(Message(repository_->Find("some", "2").status()),
              HasSubstr("no version '2'; there is version 1, 3"));
}

TEST_F(ModelRepositoryTest, AVersionThatIsNotThereIsSaid) {
  WriteModel("m", "version_policy { specific { versions: 4 } }");
  Write("m/1/file", "");
  Create();
  EXPECT_THAT(ReasonOf("m"), HasSubstr("asks for version 4; there are: 1"));
}

TEST_F(ModelRepositoryTest, ALoadBringsNewVersionsAndDropsOldOnes) {
  WriteModel("m", "version_policy { latest { num_versions: 2 } }");
  Write("m/1/file", "");
  Write("m/2/file", "");
  Create();
  EXPECT_TRUE(Load("m").ok());
  const std::shared_ptr<ServedModel> first = *repository_->Find("m", "1");
  Write("m/3/file", "");
  EXPECT_TRUE(Load("m").ok());
  EXPECT_THAT(VersionsOf(*repository_, "m"), ElementsAre("2", "3"));
  AwaitUnavailable(*first);  // drained after the answer, on another thread
}

TEST_F(ModelRepositoryTest, TheNewestVersionThatCanBeAskedAnswersForTheModel) {
  WriteModel("m", "version_policy { all { } }");
  Write("m/1/file", "");
  Write("m/2/file", "");
  Create();
  (*repository_->Find("m", "2"))->Stop(absl::ZeroDuration());
  EXPECT_EQ((*repository_->Find("m", ""))->version(), "1");
  (*repository_->Find("m", "1"))->Stop(absl::ZeroDuration());
  EXPECT_EQ((*repository_->Find("m", ""))->version(), "2");
}

TEST_F(ModelRepositoryTest, PollingOffersWhatHasComeAndForgetsWhatHasGone) {
  WriteModel("old");
  Create();
  WriteModel("new");
  fs::remove_all(directory_ / "old");
  repository_->Poll();
  EXPECT_TRUE(Ask("new").get().ok());
  EXPECT_EQ(repository_->Find("old", "").status().code(), absl::StatusCode::kNotFound);
  MutexLock lock(&changes_mutex_);
  EXPECT_TRUE(changes_.contains("old"));
}

TEST_F(ModelRepositoryTest, PollingReplacesWhatHasChangedAndNothingElse) {
  WriteModel("changed");
  WriteModel("same");
  Create();
  EXPECT_TRUE(Ask("changed").get().ok());
  EXPECT_TRUE(Ask("same").get().ok());
  const auto changed = Get("changed");
  const auto same = Get("same");
  Write("changed/2/file", "");
  PollFor("changed");
  EXPECT_EQ(Get("changed")->version(), "2");
  EXPECT_EQ(Get("changed")->status().state, ModelState::kReady);  // like the old one
  AwaitUnavailable(*changed);
  EXPECT_EQ(Get("same"), same);
  const auto second = Get("changed");
  repository_->Poll();
  EXPECT_EQ(Get("changed"), second);
}

TEST_F(ModelRepositoryTest, WhatIsWrongWithAChangedFolderLeavesTheOldModel) {
  WriteModel("m");
  Create();
  EXPECT_TRUE(Ask("m").get().ok());
  const auto before = Get("m");
  Write("m/config.pbtxt", "backend: \"fake\" nonsense");
  PollFor("m");
  EXPECT_EQ(Get("m"), before);
  EXPECT_TRUE(Ask("m").get().ok());
  const fs::path config = directory_ / "m/config.pbtxt";
  fs::remove(config);
  fs::create_directory(config);
  PollFor("m");
  EXPECT_EQ(Get("m"), before);
  fs::remove(config);
  ASSERT_EQ(mkfifo(config.c_str(), 0600), 0);  // a read of this file would block for ever
  PollFor("m");
  EXPECT_EQ(Get("m"), before);
  EXPECT_TRUE(Ask("m").get().ok());
  fs::remove(config);
  WriteModel("m");
  Write("m/1/file", "");
  PollFor("m");
  EXPECT_NE(Get("m"), before);
  EXPECT_TRUE(Ask("m").get().ok());
}

TEST_F(ModelRepositoryTest, AVersionWhoseFolderIsEmptyIsNoneYet) {
  WriteModel("m");
  Write("m/1/file", "");
  fs::create_directories(directory_ / "m/2");
  WriteModel("needs_no_files");
  fs::create_directories(directory_ / "needs_no_files/3");
  Create();
  EXPECT_THAT(VersionsOf(*repository_, "m"), ElementsAre("1"));
  EXPECT_THAT(VersionsOf(*repository_, "needs_no_files"), ElementsAre("3"));
}

TEST_F(ModelRepositoryTest, ANewVersionThatCannotLoadLeavesTheOldOneServing) {
  WriteModel("m");
  Write("m/1/file", "");
  Create();
  EXPECT_TRUE(Ask("m").get().ok());
  const auto first = Get("m");
  backend_.RefuseToLoadVersion(2);
  Write("m/2/file", "");
  PollFor("m");
  EXPECT_EQ(Get("m"), first);
  EXPECT_TRUE(Ask("m").get().ok());
  EXPECT_THAT(VersionsOf(*repository_, "m"), ElementsAre("1", "2"));
  EXPECT_THAT((*repository_->Find("m", "2"))->status().reason, HasSubstr("does not load"));
  // The same holds if a load is asked for by name.
  EXPECT_EQ(Load("m").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Get("m"), first);
  // The next version takes over, and the replaced ones are removed.
  Write("m/3/file", "");
  PollFor("m");
  EXPECT_THAT(VersionsOf(*repository_, "m"), ElementsAre("3"));
  AwaitUnavailable(*first);
}

TEST_F(ModelRepositoryTest, ANewVersionThatIsWrongLeavesTheOldOneServingUnloaded) {
  WriteModel("m");
  Write("m/1/file", "");
  Create();  // no request yet, so the new version is not loaded either
  backend_.RefuseToLoadVersion(2);
  Write("m/2/file", "");
  PollFor("m");
  EXPECT_EQ(Ask("m").get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Get("m")->version(), "1");
  EXPECT_TRUE(Ask("m").get().ok());
}

TEST_F(ModelRepositoryTest, AfterARestartTheNewestVersionThatLoadsServes) {
  WriteModel("m");
  for (const char* version : {"1", "2", "3"}) Write(std::string("m/") + version + "/file", "");
  backend_.RefuseToLoadVersion(3);
  Create();
  EXPECT_THAT(VersionsOf(*repository_, "m"), ElementsAre("3"));
  EXPECT_EQ(Ask("m").get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Get("m")->version(), "2");
  EXPECT_TRUE(Ask("m").get().ok());
  EXPECT_THAT(VersionsOf(*repository_, "m"), ElementsAre("2", "3"));
}

TEST_F(ModelRepositoryTest, AVersionThatThePolicyNamesIsNotReplacedByAnother) {
  WriteModel("m", "version_policy { specific { versions: 2 } }");
  Write("m/1/file", "");
  Write("m/2/file", "");
  backend_.RefuseToLoadVersion(2);
  Create();
  EXPECT_FALSE(Ask("m").get().ok());
  EXPECT_THAT(VersionsOf(*repository_, "m"), ElementsAre("2"));
}

TEST_F(ModelRepositoryTest, AFolderThatIsStillWrittenToIsLeftAlone) {
  settle_ = absl::Seconds(2);
  WriteModel("m");
  Write("m/1/file", "");
  Create();
  EXPECT_TRUE(Ask("m").get().ok());
  for (const char* text : {"a", "ab", "abc"}) {
    Write("m/2/file", text);
    PollFor("m");
    clock_.Advance(absl::Seconds(1));
    PollFor("m");
    EXPECT_EQ(Get("m")->version(), "1");
  }
  clock_.Advance(absl::Seconds(1));
  PollFor("m");
  EXPECT_EQ(Get("m")->version(), "2");
  // A folder counts as removed only if it stays away. If it comes back before, nothing happens.
  fs::rename(directory_ / "m", directory_ / ".m");
  PollFor("m");
  EXPECT_TRUE(repository_->Find("m", "").ok());
  fs::rename(directory_ / ".m", directory_ / "m");
  const auto second = Get("m");
  clock_.Advance(absl::Seconds(5));
  PollFor("m");
  EXPECT_EQ(Get("m"), second);
  fs::remove_all(directory_ / "m");
  PollFor("m");
  clock_.Advance(absl::Seconds(2));
  PollFor("m");
  EXPECT_FALSE(repository_->Find("m", "").ok());
}

TEST_F(ModelRepositoryTest, ManyModelsAreLookedAtInParts) {
  poll_entries_ = 10;
  for (int i = 0; i < 50; ++i) WriteModel(std::string("m").append(std::to_string(i)));
  Create();
  for (int i = 0; i < 50; ++i) {
    WriteModel(std::string("m").append(std::to_string(i)),
               "parameters { key: \"quality\" value { string_value: \"high\" } }");
  }
  int changed = 0;
  int polls = 0;
  while (changed < 50 && polls < 50) {
    const int before = changed;
    repository_->Poll();
    ++polls;
    changed = 0;
    for (const auto& model : repository_->All()) {
      changed += model->config().parameters().contains("quality") ? 1 : 0;
    }
    EXPECT_LE(changed - before, 10);
  }
  EXPECT_EQ(changed, 50);
  EXPECT_LE(polls, 11);  // each poll looks at 2 entries
}

TEST_F(ModelRepositoryTest, AFifoAmongAModelsFilesHoldsNobodyUp) {
  WriteModel("inside");
  fs::create_directories(directory_ / "inside/1");
  ASSERT_EQ(mkfifo((directory_ / "inside/1/data").c_str(), 0600), 0);
  Create();
  EXPECT_TRUE(Ask("inside").get().ok());
  repository_->Poll();
}

TEST_F(ModelRepositoryTest, FilesThatChangeBeforeTheFirstRequestAreNotServedUnderTheOldDigest) {
  WriteModel("m");
  Write("m/1/file", "old");
  Create();
  const std::string digest = Get("m")->digest();
  backend_.SetDigest("engine with new files");
  Write("m/1/file", "new");
  const absl::Status status = Ask("m").get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status),
              AllOf(HasSubstr("the files of model 'm' have changed since they were last read"),
                    HasSubstr("`souvenir models load m`"), Not(HasSubstr(directory_.string()))));
  EXPECT_EQ(backend_.loads(), 0);
  ASSERT_TRUE(Load("m").ok());
  EXPECT_NE(Get("m")->digest(), digest);
  EXPECT_TRUE(Ask("m").get().ok());
}

TEST_F(ModelRepositoryTest, FilesThatChangeWhileTheyLoadAreNotServed) {
  WriteModel("m");
  Write("m/1/file", "old");
  Create();
  backend_.HoldLoads(true);
  std::future<Result> row = Ask("m");
  backend_.WaitForLoads(1);
  Write("m/1/file", "new");
  backend_.SetLoadStatus(absl::InternalError("half of a file"));
  backend_.HoldLoads(false);
  EXPECT_THAT(
      Message(row.get().status()),
      AllOf(HasSubstr("have changed since they were last read"), Not(HasSubstr("half of a file"))));
  EXPECT_EQ(backend_.live_models(), 0);
}

TEST_F(ModelRepositoryTest, AnInstanceInAThreadIsNotMadeFromFilesThatHaveChanged) {
  WriteModel("m");
  Write("m/1/file", "old");
  Create();
  ASSERT_TRUE(Load("m").ok());  // an instance is made by the first request
  Write("m/1/file", "new");
  EXPECT_THAT(Message(Ask("m").get().status()),
              HasSubstr("have changed since they were last read"));
  EXPECT_EQ(backend_.live_instances(), 0);
  ASSERT_TRUE(Load("m").ok());
  EXPECT_TRUE(Ask("m").get().ok());
}

TEST_F(ModelRepositoryTest, AModelWhoseFilesHaveChangedSaysSoWhileItServes) {
  WriteModel("m");
  Write("m/1/file", "old");
  Create();
  ASSERT_TRUE(Ask("m").get().ok());
  Write("m/1/file", "new");
  Fit("m");
  EXPECT_EQ(Get("m")->status().reason, "") << "no process had to be started";
  EXPECT_FALSE(Get("m")->FilesAreUnchanged());  // as a further instance finds
  const std::string revision = repository_->revision();
  testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) Fit("m");
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, AllOf(HasSubstr("cannot start a further process; those that it has serve"),
                           HasSubstr("`souvenir models load m` loads it again")));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1);
  EXPECT_NE(repository_->revision(), revision);
  const ServedModel::Status status = Get("m")->status();
  EXPECT_EQ(status.state, ModelState::kReady);
  EXPECT_TRUE(status.files_changed);
  EXPECT_EQ(status.reason,
            "serves with the processes that it has, and starts no other: the files of model 'm' "
            "have changed since they were last read; `souvenir models load m` loads it again");
  EXPECT_TRUE(Get("m")->can_be_asked());
  EXPECT_TRUE(Ask("m").get().ok());
  ASSERT_TRUE(Load("m").ok());
  Fit("m");
  EXPECT_EQ(Get("m")->status().reason, "");
}

TEST_F(ModelRepositoryTest, AModelThatCanStartNoProcessForItsFilesIsUnavailable) {
  WriteModel("m");
  Write("m/1/file", "old");
  Create();
  ASSERT_TRUE(Load("m").ok());  // an instance is made by the first request
  Write("m/1/file", "new");
  EXPECT_FALSE(Ask("m").get().ok());
  testing::internal::CaptureStderr();
  Fit("m");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("cannot start a process, and has none that serves"),
                    HasSubstr("`souvenir models load m` loads it again")));
  EXPECT_THAT(ReasonOf("m"), HasSubstr("have changed since they were last read"));
  EXPECT_TRUE(Get("m")->status().files_changed);
  EXPECT_FALSE(Get("m")->can_be_asked());
  EXPECT_THAT(Message(Ask("m").get().status()), HasSubstr("`souvenir models load m`"));
  ASSERT_TRUE(Load("m").ok());
  EXPECT_TRUE(Get("m")->can_be_asked());
  EXPECT_EQ(Get("m")->status().state, ModelState::kReady);
}

TEST_F(ModelRepositoryTest, AnInstanceThatHasLostItsProcessLeavesNoneForChangedFiles) {
  WriteModel("m");
  Write("m/1/file", "old");
  Create();
  ASSERT_TRUE(Ask("m").get().ok());
  Write("m/1/file", "new");
  EXPECT_FALSE(Get("m")->FilesAreUnchanged());
  backend_.SetRunStatus(FilesChangedError("no process"));
  EXPECT_FALSE(Ask("m").get().ok());
  Fit("m");
  EXPECT_EQ(Get("m")->status().state, ModelState::kUnavailable);
  backend_.SetRunStatus(absl::OkStatus());
  EXPECT_TRUE(Ask("m").get().ok()) << "a request still finds out";
  Fit("m");
  EXPECT_EQ(Get("m")->status().state, ModelState::kReady);
}

TEST_F(ModelRepositoryTest, FilesThatWereAwayForAWhileAreFoundAgain) {
  WriteModel("m");
  Write("m/1/file", "old");
  Create();
  ASSERT_TRUE(Load("m").ok());
  fs::rename(directory_ / "m", directory_ / ".m");
  EXPECT_FALSE(Ask("m").get().ok());
  Fit("m");
  EXPECT_FALSE(Get("m")->can_be_asked());
  fs::rename(directory_ / ".m", directory_ / "m");
  clock_.Advance(absl::Seconds(9));
  Fit("m");
  EXPECT_FALSE(Get("m")->can_be_asked()) << "looked at every ten seconds";
  clock_.Advance(absl::Seconds(1));
  Fit("m");
  EXPECT_TRUE(Get("m")->can_be_asked());
  clock_.Advance(absl::Minutes(1));  // ends the pause of the instance
  EXPECT_TRUE(Ask("m").get().ok());
}

TEST_F(ModelRepositoryTest, AnOperatorDoesNotShareTheLoadOfFilesThatHaveChanged) {
  WriteModel("m");
  Write("m/1/file", "old");
  Create();
  backend_.HoldLoadsOf("m");
  std::future<Result> row = Ask("m");
  backend_.WaitForLoads(1);
  Write("m/1/file", "new");  // the digest of the fake backend stays as it is
  std::future<absl::Status> load = BeginLoad("m");
  backend_.WaitForLoads(2);
  backend_.HoldLoadsOf("");
  EXPECT_EQ(load.get(), absl::OkStatus());
  EXPECT_FALSE(row.get().ok());
  EXPECT_TRUE(Ask("m").get().ok());
}

TEST_F(ModelRepositoryTest, FilesThatChangedElsewhereAreTakenUpByTheNextPoll) {
  Write("package", "old");  // a file beside the models
  backend_.SetFiles({(directory_ / "package").string()});
  backend_.Offer({.config = EchoConfig("loaded")});
  backend_.Offer({.config = EchoConfig("on_demand")});
  Create();
  ASSERT_TRUE(Load("loaded").ok());
  const std::string digest = Get("loaded")->digest();
  backend_.SetDigest("engine with new files");
  Write("package", "upgraded");
  for (const char* model : {"loaded", "on_demand"}) {
    EXPECT_THAT(Message(Ask(model).get().status()),
                HasSubstr("have changed since they were last read"));
    PollFor(model);
    EXPECT_TRUE(Ask(model).get().ok()) << model;
  }
  EXPECT_NE(Get("loaded")->digest(), digest);
}

TEST_F(ModelRepositoryTest, FilesElsewhereThatDoNotLoadAreTriedOnce) {
  Write("package", "old");
  backend_.SetFiles({(directory_ / "package").string()});
  backend_.Offer({.config = EchoConfig("m")});
  Create();
  ASSERT_TRUE(Load("m").ok());
  Write("package", "broken");
  backend_.SetLoadStatus(absl::InternalError("half of a package"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Message(Ask("m").get().status()),
                HasSubstr("have changed since they were last read"));
    PollFor("m");
    clock_.Advance(absl::Minutes(1));  // ends the pause of the instance
  }
  EXPECT_EQ(backend_.loads(), 2);
  Write("package", "complete again");
  backend_.SetLoadStatus(absl::OkStatus());
  EXPECT_FALSE(Ask("m").get().ok());
  PollFor("m");
  EXPECT_TRUE(Ask("m").get().ok());
}

TEST_F(ModelRepositoryTest, PollingFindsAFileThatKeepsItsSizeAndTime) {
  WriteModel("m");
  Write("m/1/file", "old");
  Create();
  ASSERT_TRUE(Ask("m").get().ok());
  const auto before = Get("m");
  const fs::path file = directory_ / "m/1/file";
  const auto time = fs::last_write_time(file);
  Write("m/1/file", "new");
  fs::last_write_time(file, time);
  PollFor("m");
  EXPECT_NE(Get("m"), before);
}

TEST_F(ModelRepositoryTest, PollingFindsChangesBehindTheLinkOfAVersion) {
  WriteModel("m");
  Write(".store/file", "old");
  fs::create_directory_symlink(directory_ / ".store", directory_ / "m/1");
  fs::create_directory_symlink(directory_ / "m", directory_ / "m/loop");
  Create();
  ASSERT_TRUE(Ask("m").get().ok());
  const auto before = Get("m");
  Write(".store/file", "changed");
  PollFor("m");
  EXPECT_NE(Get("m"), before);
  EXPECT_TRUE(Ask("m").get().ok());
}

TEST_F(ModelRepositoryTest, ALoadThatHangsDelaysNoOtherFolder) {
  WriteModel("slow");
  Create();
  ASSERT_TRUE(Ask("slow").get().ok());
  const auto before = Get("slow");
  backend_.HoldLoadsOf("slow");
  ChangeModel("slow", "high");
  repository_->Poll();  // returns
  backend_.WaitForLoads(2);
  WriteModel("new");
  repository_->Poll();
  EXPECT_TRUE(Ask("new").get().ok());
  EXPECT_EQ(Get("slow"), before);
  EXPECT_TRUE(Ask("slow").get().ok());
  backend_.HoldLoadsOf("");
  while (repository_->IsLoading("slow")) std::this_thread::yield();
  EXPECT_EQ(QualityOf("slow"), "high");
}

TEST_F(ModelRepositoryTest, AModelThatHangsForARequestAndForAnOperatorLeavesAPlaceToOthers) {
  auto [row, first] = HangForRequestAndOperator();
  std::future<absl::Status> second = BeginLoad("m");
  EXPECT_TRUE(Ask("other").get().ok());
  backend_.HoldLoadsOf("");
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_TRUE(row.get().ok());
  EXPECT_EQ(backend_.loads(), 2) << "one of each: the request's load was the operator's too";
}

TEST_F(ModelRepositoryTest, AnOperatorHasTheErrorOfTheLoadThatARequestBegan) {
  auto [row, load] = HangForRequestAndOperator();
  backend_.SetLoadStatus(absl::FailedPreconditionError("out of order"));
  backend_.HoldLoadsOf("");
  EXPECT_THAT(std::string(load.get().message()), HasSubstr("out of order"));
  EXPECT_FALSE(row.get().ok());
  EXPECT_EQ(backend_.loads(), 2) << "it was not tried again";
}

TEST_F(ModelRepositoryTest, NewerContentDoesNotWaitForALoadOfOlderThatHangsForARequest) {
  auto [row, load] = HangForRequestAndOperator();
  ChangeModel("m", "high");
  repository_->Poll();
  backend_.WaitForLoads(3);
  backend_.HoldLoadsOf("");
  EXPECT_EQ(load.get(), absl::OkStatus());
  EXPECT_EQ(QualityOf("m"), "high");
  (void)row.get();  // answered by the old or the new model
}

TEST_F(ModelRepositoryTest, AnUnloadAnswersWhoWaitsForTheLoadThatARequestBegan) {
  auto [row, load] = HangForRequestAndOperator();
  EXPECT_TRUE(Unload("m").ok());
  EXPECT_THAT(std::string(load.get().message()), HasSubstr("is unloaded"));
  EXPECT_FALSE(row.get().ok());
}

TEST_F(ModelRepositoryTest, AFolderThatLoadsIsNotLoadedTwiceAndTheNewestContentWins) {
  WriteModel("m");
  Create();
  ASSERT_TRUE(Ask("m").get().ok());
  backend_.HoldLoads(true);
  ChangeModel("m", "high");
  std::future<absl::Status> asked = BeginLoad("m");
  backend_.WaitForLoads(2);
  repository_->Poll();  // the present content is being loaded already
  repository_->Poll();
  EXPECT_EQ(backend_.loads(), 2);
  ChangeModel("m", "highest");
  repository_->Poll();  // cancels the load of the older content
  backend_.WaitForLoads(3);
  backend_.HoldLoads(false);
  EXPECT_TRUE(asked.get().ok());  // shares the outcome of the newer load
  EXPECT_EQ(QualityOf("m"), "highest");
  EXPECT_EQ(Get("m")->status().state, ModelState::kReady);
  PollFor("m");
  EXPECT_EQ(backend_.loads(), 3);
}

TEST_F(ModelRepositoryTest, LoadsOfTheSameContentAreOne) {
  WriteModel("a");
  Create();
  backend_.HoldLoads(true);
  std::future<absl::Status> first = BeginLoad("a");
  backend_.WaitForLoads(1);
  std::future<absl::Status> second = BeginLoad("a");
  backend_.HoldLoads(false);
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_EQ(backend_.loads(), 1);

  backend_.HoldLoads(true);
  first = BeginLoad("a");
  backend_.WaitForLoads(2);
  ChangeModel("a", "high");
  second = BeginLoad("a");
  backend_.HoldLoads(false);
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_EQ(QualityOf("a"), "high");
  EXPECT_EQ(backend_.loads(), 3);
}

TEST_F(ModelRepositoryTest, ALoadJoinsTheOneThatRequestsWaitFor) {
  WriteModel("a");
  Create();
  backend_.HoldLoads(true);
  std::future<Result> answer = Ask("a");
  backend_.WaitForLoads(1);
  std::future<absl::Status> loaded = BeginLoad("a");
  backend_.HoldLoads(false);
  EXPECT_TRUE(loaded.get().ok());
  EXPECT_TRUE(answer.get().ok());
  // BeginLoad() may come after the first load has ended, and then loads again. No load is lost.
  EXPECT_EQ(Get("a")->status().state, ModelState::kReady);
  EXPECT_LE(backend_.loads(), 2);
}

TEST_F(ModelRepositoryTest, AnUnloadGivesUpALoad) {
  WriteModel("a");
  Create();
  backend_.HoldLoads(true);
  std::future<absl::Status> loaded = BeginLoad("a");
  backend_.WaitForLoads(1);
  EXPECT_TRUE(Unload("a").ok());
  EXPECT_THAT(Message(loaded.get()), HasSubstr("unloaded"));
  while (repository_->IsLoading("a")) std::this_thread::yield();
  EXPECT_EQ(ReasonOf("a"), "unloaded");
  EXPECT_THAT(Message(Ask("a").get().status()),
              HasSubstr("`souvenir models load a` loads it again"));

  WriteModel("b");
  repository_->Poll();
  std::future<Result> answer = Ask("b");
  backend_.WaitForLoads(2);
  EXPECT_TRUE(Unload("b").ok());
  EXPECT_EQ(answer.get().status().code(), absl::StatusCode::kUnavailable);

  // A load that is asked for after the unload counts.
  loaded = BeginLoad("a");
  backend_.HoldLoads(false);
  EXPECT_TRUE(loaded.get().ok());
  EXPECT_TRUE(Ask("a").get().ok());
  EXPECT_EQ(backend_.live_models(), 1);
}

TEST_F(ModelRepositoryTest, AFolderThatGoesGivesUpItsLoad) {
  WriteModel("a");
  Create();
  backend_.HoldLoads(true);
  std::future<absl::Status> loaded = BeginLoad("a");
  backend_.WaitForLoads(1);
  fs::remove_all(directory_ / "a");
  repository_->Poll();
  EXPECT_THAT(Message(loaded.get()), HasSubstr("'a' has gone"));
  while (repository_->IsLoading("a")) std::this_thread::yield();
  EXPECT_EQ(repository_->Find("a", "").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(backend_.live_models(), 0);
}

TEST_F(ModelRepositoryTest, ADrainThatTakesLongHoldsUpNoLoadAndNoLook) {
  WriteModel("a");
  Create();
  backend_.HoldRuns(true);
  std::future<Result> running = Ask("a");
  backend_.WaitForRuns(1);
  ChangeModel("a", "high");
  PollFor("a");
  EXPECT_EQ(QualityOf("a"), "high");
  WriteModel("new");
  repository_->Poll();
  EXPECT_TRUE(Load("new").ok());
  backend_.HoldRuns(false);
  EXPECT_TRUE(running.get().ok());
}

TEST_F(ModelRepositoryTest, StopGivesUpLoadsThatNoRequestWaitsFor) {
  WriteModel("asked");
  WriteModel("changed");
  Create();
  ASSERT_TRUE(Ask("changed").get().ok());
  backend_.HoldLoads(true);
  std::future<absl::Status> loaded = BeginLoad("asked");
  ChangeModel("changed", "high");
  repository_->Poll();
  backend_.WaitForLoads(3);
  repository_->Stop(absl::Hours(1));  // must return at once
  EXPECT_EQ(loaded.get().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(backend_.live_models(), 0);
}

TEST_F(ModelRepositoryTest, StopGivesUpOtherLoadsWhenItsGraceIsOver) {
  WriteModel("a");
  WriteModel("b");
  WriteModel("A-queued");
  Create();
  backend_.HoldLoads(true);
  std::vector<std::future<Result>> answers;
  for (const char* name : {"a", "b", "A-queued"}) answers.push_back(Ask(name));
  backend_.WaitForLoads(2);
  std::atomic<bool> stopped{false};
  std::thread time([&] {
    while (!stopped) clock_.Advance(absl::Seconds(1));
  });
  repository_->Stop(absl::Minutes(1));
  stopped = true;
  time.join();
  for (std::future<Result>& answer : answers) {
    EXPECT_EQ(answer.get().status().code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(backend_.loads(), 2);
  EXPECT_EQ(backend_.live_models(), 0);
}

TEST_F(ModelRepositoryTest, LoadsThatWereAskedForAreAnsweredWithWhatElseWaits) {
  WriteModel("a");
  Create();
  backend_.HoldLoads(true);
  std::future<absl::Status> loaded = BeginLoad("a");
  backend_.WaitForLoads(1);
  repository_->FailWaiting(absl::UnavailableError("the server stopped"));
  EXPECT_THAT(Message(loaded.get()), HasSubstr("the server stopped"));
}

}  // namespace
}  // namespace souvenir::compute
