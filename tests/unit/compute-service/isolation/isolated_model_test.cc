#include "compute-service/isolation/isolated_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>

#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "compute-service/backends/builtin/builtin_backend.h"
#include "compute-service/isolation/model_messages.h"
#include "compute-service/repository/model_loader.h"

namespace souvenir::compute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

class IsolatedModelTest : public ::testing::Test {
 protected:
  IsolatedModelTest() {
    description_.config.set_name("squares");
    description_.config.set_backend("builtin");
    UseFunction("sum_of_squares");
  }

  void UseFunction(const std::string& function) {
    description_.config.clear_max_batch_size();
    description_.config.clear_input();
    description_.config.clear_output();
    (*description_.config.mutable_parameters())["function"].set_string_value(function);
    EXPECT_TRUE(backend_.Complete(&description_).ok());
  }

  std::unique_ptr<Model> Load(IsolatedModel::Asks asks = IsolatedModel::Asks::kTogether,
                              uint64_t recycle_after = 50'000) {
    WorkerHost::Options options;
    options.name = "squares";
    options.program = SOUVENIR_WORKER_BUILTIN;
    options.recycle_after = recycle_after;
    auto model = IsolatedModel::Load(std::move(options), description_, asks);
    EXPECT_TRUE(model.ok()) << model.status();
    return *std::move(model);
  }

  static std::unique_ptr<Instance> MakeInstance(Model& model) {
    auto instance = model.CreateInstance();
    EXPECT_TRUE(instance.ok()) << instance.status();
    return *std::move(instance);
  }

  absl::StatusOr<InferenceResult> Ask(Instance& instance, const Tensor& input,
                                      const std::string& output,
                                      absl::Duration row_limit = absl::Minutes(1)) {
    const std::vector<TensorView> inputs = {input.view()};
    const std::vector<std::string> outputs = {output};
    return instance.Run(
        {.inputs = inputs, .outputs = outputs, .rows = input.shape[0], .row_limit = row_limit});
  }

  const Tensor values_{"VALUES", DataType::kInt64, {2, 2}, FromElements<int64_t>({1, 2, 3, 4})};
  BuiltinBackend backend_;
  ModelDescription description_;
};

TEST_F(IsolatedModelTest, AnswersAsItDoesInThreads) {
  const auto model = Load();
  const auto instance = MakeInstance(*model);
  for (int i = 0; i < 3; ++i) {
    const auto result = Ask(*instance, values_, "SUM");
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->outputs[0].name, "SUM");
    EXPECT_THAT(result->outputs[0].shape, ElementsAre(2, 1));
    EXPECT_THAT(ToElements<int64_t>(result->outputs[0].data), ElementsAre(5, 25));
    EXPECT_GT(result->compute_time, absl::ZeroDuration());
  }
}

TEST_F(IsolatedModelTest, AskedByRowItAnswersAsItDoesTogether) {
  for (const uint64_t recycle_after : {1, 2, 50'000}) {
    const auto model = Load(IsolatedModel::Asks::kByRow, recycle_after);
    const auto instance = MakeInstance(*model);
    for (int i = 0; i < 3; ++i) {
      const auto result = Ask(*instance, values_, "SUM");
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_THAT(result->outputs[0].shape, ElementsAre(2, 1));
      EXPECT_THAT(ToElements<int64_t>(result->outputs[0].data), ElementsAre(5, 25));
      EXPECT_GT(result->compute_time, absl::ZeroDuration());
    }
    EXPECT_EQ(model->lost_workers(), 0u);
  }
}

TEST_F(IsolatedModelTest, AskedByRowItKeepsTheElementsOfARowTogether) {
  UseFunction("simple_identity");
  const auto model = Load(IsolatedModel::Asks::kByRow, 1);
  const auto instance = MakeInstance(*model);
  std::string texts;
  for (const char* text : {"a", "", "bc", "def", "", "g"}) AppendBytesElement(text, &texts);
  const Tensor input{"INPUT0", DataType::kBytes, {3, 2}, texts};
  const auto result = Ask(*instance, input, "OUTPUT0");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->outputs[0].shape, ElementsAre(3, 2));
  EXPECT_EQ(result->outputs[0].data, texts);
}

TEST_F(IsolatedModelTest, AskedByRowEachRowHasItsOwnLimit) {
  UseFunction("custom_identity_int32");
  (*description_.config.mutable_parameters())["execute_delay_ms"].set_string_value("3600000");
  const auto model = Load(IsolatedModel::Asks::kByRow, 1);
  const auto instance = MakeInstance(*model);
  const Tensor input{"INPUT0", DataType::kInt32, {3, 1}, FromElements<int32_t>({7, 8, 9})};
  const absl::Status status = Ask(*instance, input, "OUTPUT0", absl::Milliseconds(50)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_THAT(Message(status), HasSubstr("50ms"));
  EXPECT_EQ(model->lost_workers(), 1u);
}

TEST_F(IsolatedModelTest, AnErrorOfTheModelIsThatOfTheRequestAndCostsNoProcess) {
  const auto model = Load();
  const auto instance = MakeInstance(*model);
  const Tensor large{"VALUES", DataType::kInt64, {1, 1}, FromElements<int64_t>({1LL << 32})};
  const absl::Status status = Ask(*instance, large, "SUM").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Message(status), HasSubstr("row 0"));
  EXPECT_TRUE(Ask(*instance, values_, "SUM").ok());
  EXPECT_EQ(model->lost_workers(), 0u);
}

TEST_F(IsolatedModelTest, OneThatHangsIsKilledAndTheNextRequestGetsAnother) {
  UseFunction("custom_identity_int32");
  (*description_.config.mutable_parameters())["execute_delay_ms"].set_string_value("3600000");
  const auto model = Load();
  const auto instance = MakeInstance(*model);
  const Tensor input{"INPUT0", DataType::kInt32, {1, 1}, FromElements<int32_t>({7})};
  for (uint64_t lost = 1; lost <= 2; ++lost) {
    const absl::Status status = Ask(*instance, input, "OUTPUT0", absl::Milliseconds(50)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
    EXPECT_EQ(model->lost_workers(), lost);
  }
}

TEST_F(IsolatedModelTest, SaysWhatItTakes) {
  const auto model = Load();
  const auto instance = MakeInstance(*model);
  ASSERT_TRUE(Ask(*instance, values_, "SUM").ok());
  EXPECT_GT(model->MemoryBytes(), 100u << 10);
}

TEST_F(IsolatedModelTest, WhatCannotBeLoadedSaysWhy) {
  WorkerHost::Options options;
  options.name = "squares";
  options.program = SOUVENIR_WORKER_BUILTIN;
  (*description_.config.mutable_parameters())["function"].set_string_value("nothing");
  EXPECT_THAT(Message(IsolatedModel::Load(options, description_).status()),
              HasSubstr("there is no built-in function \"nothing\""));
  description_.config.set_default_model_filename(std::string(130'000, 'x'));
  EXPECT_THAT(Message(IsolatedModel::Load(options, description_).status()),
              HasSubstr("its configuration is 13"));
}

TEST_F(IsolatedModelTest, AHostWhoseFilesHaveChangedIsNotUsed) {
  WorkerHost::Options options;
  options.name = "squares";
  options.program = SOUVENIR_WORKER_BUILTIN;
  const absl::Status changed = absl::UnavailableError("the files have changed");
  int checks = 0;
  description_.check_files = [&] { return ++checks == 1 ? absl::OkStatus() : changed; };
  EXPECT_EQ(IsolatedModel::Load(options, description_).status(), changed);
  EXPECT_EQ(checks, 2);
}

TEST_F(IsolatedModelTest, WhereNoProcessCanBeStartedTheConfiguredFallbackIsTakenAndSaid) {
  const ModelLoader nowhere({.worker_directory = "/nowhere"});
  ModelSettings settings;
  settings.isolation = Isolation::kProcess;
  EXPECT_EQ(nowhere.Load(backend_, description_, settings, nullptr).status().code(),
            absl::StatusCode::kFailedPrecondition);
  settings.fall_back_to_thread = true;
  const auto loaded = nowhere.Load(backend_, description_, settings, nullptr);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT(loaded->note, HasSubstr("runs in threads"));
  EXPECT_THAT(loaded->note, HasSubstr("/nowhere/souvenir-worker-builtin"));
  EXPECT_TRUE(Ask(*MakeInstance(*loaded->model), values_, "SUM").ok());
}

TEST_F(IsolatedModelTest, TheLoaderPutsAModelWhereItsSettingsSay) {
  const ModelLoader loader(
      {.worker_directory = std::filesystem::path(SOUVENIR_WORKER_BUILTIN).parent_path()});
  ModelSettings settings;
  const auto in_thread = loader.Load(backend_, description_, settings, nullptr);
  settings.isolation = Isolation::kProcess;
  const auto in_process = loader.Load(backend_, description_, settings, nullptr);
  ASSERT_TRUE(in_thread.ok() && in_process.ok());
  EXPECT_EQ(in_thread->model->MemoryBytes(), 0u);
  EXPECT_GT(in_process->model->MemoryBytes(), 0u);
  EXPECT_EQ(in_process->note, "");
}

TEST(ModelMessagesTest, ARequestIsReadAsItWasWritten) {
  const Tensor numbers{"n", DataType::kInt16, {2, 0}, ""};
  const Tensor texts{"t", DataType::kBytes, {1}, std::string("\1\0\0\0\xff", 5)};
  const std::vector<TensorView> inputs = {numbers.view(), texts.view()};
  const std::vector<std::string> outputs = {"a", ""};
  const std::string bytes = EncodeWorkerRequest({.inputs = inputs, .outputs = outputs});
  const auto decoded = WorkerRequest::Decode(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  const InferenceRequest request = decoded->request();
  EXPECT_THAT(request.outputs, ElementsAre("a", ""));
  ASSERT_EQ(request.inputs.size(), 2u);
  EXPECT_EQ(request.inputs[0].name, "n");
  EXPECT_THAT(request.inputs[0].shape, ElementsAre(2, 0));
  EXPECT_EQ(request.inputs[1].data, texts.data);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(WorkerRequest::Decode(std::string_view(bytes).substr(0, size)).ok()) << size;
  }
}

TEST(ModelMessagesTest, AnAnswerThatIsNotWhatWasAskedForIsRefused) {
  const Tensor output{"a", DataType::kInt8, {2}, "xy"};
  const std::string bytes = EncodeWorkerOutputs({output});
  ASSERT_TRUE(DecodeWorkerOutputs(bytes, {"a"}).ok());
  EXPECT_EQ(DecodeWorkerOutputs(bytes, {"a"})->at(0).data, "xy");
  EXPECT_FALSE(DecodeWorkerOutputs(bytes, {"b"}).ok());
  EXPECT_FALSE(DecodeWorkerOutputs(bytes, {"a", "b"}).ok());
  EXPECT_FALSE(DecodeWorkerOutputs("junk", {"a"}).ok());
  const Tensor torn{"a", DataType::kInt8, {3}, "xy"};
  EXPECT_FALSE(DecodeWorkerOutputs(EncodeWorkerOutputs({torn}), {"a"}).ok());
}

TEST(ModelMessagesTest, ADescriptionTravelsAsArguments) {
  ModelDescription description;
  description.version = 3;
  description.directory = "a directory/3";
  description.config.set_name("m \"quoted\" \n");
  description.config.set_max_batch_size(4);
  const auto arguments = WorkerArguments(description);
  ASSERT_TRUE(arguments.ok());
  std::vector<const char*> argv = {"program"};
  for (const std::string& argument : *arguments) argv.push_back(argument.c_str());
  const auto read = ReadWorkerArguments(static_cast<int>(argv.size()), argv.data());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->version, 3);
  EXPECT_EQ(read->directory, "a directory/3");
  EXPECT_EQ(read->config.SerializeAsString(), description.config.SerializeAsString());
  EXPECT_FALSE(ReadWorkerArguments(1, argv.data()).ok());
  argv[1] = "three";
  EXPECT_THAT(Message(ReadWorkerArguments(4, argv.data()).status()), HasSubstr("'three'"));
}

}  // namespace
}  // namespace souvenir::compute
