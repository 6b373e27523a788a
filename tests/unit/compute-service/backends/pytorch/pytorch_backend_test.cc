#include "compute-service/backends/pytorch/pytorch_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "compute-service/repository/model_digest.h"
#include "tests/unit/compute-service/backends/pytorch/pytorch_fixture.h"

namespace souvenir::compute {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kAdder[] = "def forward(self, x, y):\n  return x + y\n";

std::string Parameter(const std::string& name, const std::string& value) {
  return "parameters { key: '" + name + "' value { string_value: '" + value + "' } } ";
}

class PytorchBackendTest : public PytorchTest {
 protected:
  void WriteModel(std::string_view bytes) {
    std::filesystem::create_directories(std::filesystem::path(file()).parent_path());
    std::ofstream(file(), std::ios::binary) << bytes;
  }

  std::string Completed(int cores, std::string_view config, const std::string& parameter) {
    ModelDescription description = Describe(config);
    const absl::Status status = Backend(cores)->Complete(&description);
    EXPECT_TRUE(status.ok()) << status;
    return description.config.parameters().at(parameter).string_value();
  }
};

TEST_F(PytorchBackendTest, CompletesWhatAnswersDependOn) {
  ModelDescription description =
      Describe(std::string(kTwoToOne) + "backend: 'pytorch' " + Parameter("row_exact", "true"));
  const inference::ModelConfig said = description.config;
  ASSERT_TRUE(Backend(8)->Complete(&description).ok());
  EXPECT_EQ(description.config.parameters_size(), 4);
  EXPECT_EQ(description.config.parameters().at("DISABLE_OPTIMIZED_EXECUTION").string_value(),
            "true");
  EXPECT_EQ(description.config.parameters().at("INTER_OP_THREAD_COUNT").string_value(), "1");
  EXPECT_EQ(description.config.parameters().at("row_exact").string_value(), "true");
  // Everything else stays. In particular, cache, batch and row_exact are not turned on.
  inference::ModelConfig completed = description.config;
  *completed.mutable_parameters() = said.parameters();
  EXPECT_EQ(completed.SerializeAsString(), said.SerializeAsString());
  // A complete configuration does not change.
  const std::string once = description.config.DebugString();
  ASSERT_TRUE(Backend(4)->Complete(&description).ok());
  EXPECT_EQ(description.config.DebugString(), once);
}

TEST_F(PytorchBackendTest, InstancesShareTheCores) {
  const std::string name = "INTRA_OP_THREAD_COUNT";
  const std::string base = kTwoToOne;
  EXPECT_EQ(Completed(8, base, name), "1");  // one instance for each core
  EXPECT_EQ(Completed(8, base + Parameter("instances", "auto"), name), "1");
  EXPECT_EQ(Completed(8, base + Parameter("instances", "1"), name), "8");
  EXPECT_EQ(Completed(8, base + Parameter("instances", "3"), name), "2");
  EXPECT_EQ(Completed(8, base + Parameter("instances", "100"), name), "1");
  EXPECT_EQ(Completed(8, base + "instance_group { } instance_group { count: 3 }", name), "2");
  EXPECT_EQ(Completed(8, base + Parameter(name, "5"), name), "5");
}

TEST_F(PytorchBackendTest, RefusesByNameWhatItDoesNotSupport) {
  const std::pair<std::string, std::string> cases[] = {
      {Parameter("ENABLE_NVFUSER", "true"), "\"ENABLE_NVFUSER\""},
      {Parameter("INTRA_OP_THREAD_COUNT", "0"), "'INTRA_OP_THREAD_COUNT' is '0'"},
      {Parameter("INTER_OP_THREAD_COUNT", "many"), "'INTER_OP_THREAD_COUNT' is 'many'"},
      {Parameter("DISABLE_OPTIMIZED_EXECUTION", "1"), "'DISABLE_OPTIMIZED_EXECUTION' is '1'"},
      {Parameter("INFERENCE_MODE", "false"), "INFERENCE_MODE cannot"},
      {Parameter("ENABLE_WEIGHT_SHARING", "no"), "'ENABLE_WEIGHT_SHARING' is 'no'"},
      {Parameter("row_exact", "yes"), "'row_exact' is 'yes'"},
      {Parameter("isolation", "host"), "isolation is \"host\""},
      {Parameter("instances", "-1"), "'instances' is '-1'"},
      {"platform: 'onnxruntime_onnx'", "platform is \"onnxruntime_onnx\""},
      {"cc_model_filenames { key: '8.0' value: 'x' }", "cc_model_filenames"},
      {"default_model_filename: '../model.pt'", "\"../model.pt\""},
      {"default_model_filename: '..'", "\"..\""},
      {"input { name: 'text' data_type: TYPE_STRING dims: 1 }", "input 'text' is TYPE_STRING"},
      {"input { name: 'n' data_type: TYPE_UINT16 dims: 1 }", "input 'n' is TYPE_UINT16"},
      {"output { name: 'n' data_type: TYPE_UINT32 dims: 1 }", "output 'n' is TYPE_UINT32"},
      {"output { name: 'n' data_type: TYPE_UINT64 dims: 1 }", "BOOL, UINT8, INT8, INT16, INT32"},
  };
  for (const auto& [config, expected] : cases) {
    ModelDescription description = Describe(config);
    const absl::Status status = Backend()->Complete(&description);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << config;
    EXPECT_THAT(std::string(status.message()), HasSubstr(expected));
  }
}

TEST_F(PytorchBackendTest, AcceptsWhatTritonsConfigurationsSayOfIt) {
  ModelDescription description =
      Describe(std::string(kTwoToOne) + "platform: 'pytorch_libtorch' " +
               Parameter("INFERENCE_MODE", "true") + Parameter("ENABLE_WEIGHT_SHARING", "true") +
               Parameter("DISABLE_OPTIMIZED_EXECUTION", "false"));
  EXPECT_TRUE(Backend()->Complete(&description).ok());
  SaveScripted(file(), kAdder);
  const auto model = Backend()->Load(description, nullptr);
  ASSERT_TRUE(model.ok()) << model.status();
  const auto instance = (*model)->CreateInstance();
  ASSERT_TRUE(instance.ok()) << instance.status();
  for (int i = 0; i < 5; ++i) {  // the optimizer takes over after some runs
    const auto answer =
        RunOn(**instance, {Floats("INPUT__0", {1}), Floats("INPUT__1", {2})}, {"OUTPUT__0"});
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_THAT(ValuesOf<float>(answer->outputs[0]), ElementsAre(3));
  }
}

TEST_F(PytorchBackendTest, AFileThatIsNotThereIsNamedWithWhatToDo) {
  ModelDescription description = Describe(kTwoToOne);
  ASSERT_TRUE(Backend()->Complete(&description).ok());
  for (const absl::Status& status :
       {Backend()->Load(description, nullptr).status(), Backend()->Digest(description).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(file()), HasSubstr("No such file"), HasSubstr("save(path)")));
  }
  description.directory = "";
  EXPECT_EQ(Backend()->Complete(&description).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Backend()->Complete(&description).message()),
              HasSubstr("tested/1/model.pt"));
}

TEST_F(PytorchBackendTest, AFileThatIsNoTorchScriptIsRefused) {
  SaveScripted(file(), kAdder);
  std::ifstream stream(file(), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(stream)), {});
  ASSERT_GT(whole.size(), 1000u);
  for (const std::string& bytes :
       {std::string(), std::string("garbage"), std::string(100'000, 'x'),
        whole.substr(0, whole.size() / 2), whole.substr(whole.size() / 2)}) {
    WriteModel(bytes);
    const absl::Status status = Load(kTwoToOne).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bytes.size();
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(file()), HasSubstr("torch.jit.save")));
    EXPECT_EQ(status.message().find('\n'), std::string::npos);
  }
}

TEST_F(PytorchBackendTest, TheFileMayHaveAnotherName) {
  SaveScripted(directory_.path() + "/tested/1/adder.pt", kAdder);
  const auto model = Load(std::string(kTwoToOne) + "default_model_filename: 'adder.pt'");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_TRUE(Run(**model, {Floats("INPUT__0", {1}), Floats("INPUT__1", {2})}, {"OUTPUT__0"}).ok());
}

TEST_F(PytorchBackendTest, TheDigestChangesWithTheFile) {
  const ModelDescription description = Describe(kTwoToOne);
  WriteModel("one");
  const std::string before = *Backend()->Digest(description);
  EXPECT_EQ(before.size(), 64u);
  EXPECT_EQ(*Backend()->Digest(description), before);
  WriteModel("One");
  EXPECT_NE(*Backend()->Digest(description), before);
  // The file is larger than a piece that is read at a time.
  const std::string large(3'000'000, 'x');
  WriteModel(large);
  const std::string of_large = *Backend()->Digest(description);
  WriteModel(large + "y");
  EXPECT_NE(*Backend()->Digest(description), of_large);
}

TEST_F(PytorchBackendTest, TheModelsDigestChangesWithTheThreadsOfAnOperator) {
  WriteModel("one");
  const auto digest = [this](int cores, const std::string& instances) {
    ModelDescription description = Describe(kTwoToOne + Parameter("instances", instances));
    EXPECT_TRUE(Backend(cores)->Complete(&description).ok());
    return ModelDigest(description, *Backend(cores)->Digest(description));
  };
  EXPECT_NE(digest(8, "1"), digest(8, "2"));
  EXPECT_EQ(digest(8, "2"), digest(4, "1"));
}

TEST_F(PytorchBackendTest, OptionsAreChecked) {
  EXPECT_FALSE(PytorchBackend::Create({.cores = -1}).ok());
  EXPECT_TRUE(PytorchBackend::Create({}).ok());
}

TEST_F(PytorchBackendTest, TheServicesModelsRunInProcessesAndAnswerAlike) {
  SaveScripted(file(), "def forward(self, a, b):\n  return a * b + 1\n");
  ModelDescription description = Describe(kTwoToOne);
  auto backend = PytorchBackend::Create({.cores = 1, .worker_program = SOUVENIR_WORKER_PYTORCH});
  ASSERT_TRUE(backend.ok());
  ASSERT_TRUE((*backend)->Complete(&description).ok());
  const auto model = (*backend)->Load(description, nullptr);
  ASSERT_TRUE(model.ok()) << model.status();
  const auto first = (*model)->CreateInstance();
  const auto second = (*model)->CreateInstance();
  ASSERT_TRUE(first.ok() && second.ok());
  for (int round = 0; round < 3; ++round) {
    for (Instance* instance : {first->get(), second->get()}) {
      const auto answer = RunOn(
          *instance, {Floats("INPUT__0", {1, 2}), Floats("INPUT__1", {3, -4})}, {"OUTPUT__0"});
      ASSERT_TRUE(answer.ok()) << answer.status();
      EXPECT_THAT(ValuesOf<float>(answer->outputs[0]), ElementsAre(4, -7));
    }
  }
  EXPECT_GT((*model)->MemoryBytes(), 10u << 20);
  SaveScripted(file(), "def forward(self, a):\n  return a\n");
  EXPECT_THAT(std::string((*backend)->Load(description, nullptr).status().message()),
              HasSubstr("INPUT__1"));
}

// Tests the example of docs/backends/pytorch.md literally.
TEST_F(PytorchBackendTest, TheExampleOfTheGuideLoadsAndRuns) {
  std::ifstream stream(SOUVENIR_PYTORCH_GUIDE);
  const std::string guide((std::istreambuf_iterator<char>(stream)), {});
  const size_t begin = guide.find("```protobuf\n");
  ASSERT_NE(begin, std::string::npos);
  const size_t text = begin + std::string_view("```protobuf\n").size();
  const std::string config = guide.substr(text, guide.find("```", text) - text);
  EXPECT_THAT(config, HasSubstr("backend: \"pytorch\""));
  SaveScripted(file(),
               "def forward(self, tokens, mask):\n  return torch.mm(tokens * mask, self.w)\n",
               {{"w", {4, 3}, std::vector<float>(12, 0.5F)}});
  const auto model = Load(config);
  ASSERT_TRUE(model.ok()) << model.status();
  const auto answer = Run(**model,
                          {TensorOf<float>("tokens", DataType::kFp32, {1, 4}, {1, 2, 3, 4}),
                           TensorOf<float>("mask", DataType::kFp32, {1, 4}, {1, 1, 0, 0})},
                          {"OUTPUT__0"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(ValuesOf<float>(answer->outputs[0]), ElementsAre(1.5F, 1.5F, 1.5F));
}

}  // namespace
}  // namespace souvenir::compute
