#include "compute-service/backends/exec/exec_backend.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "compute-service/backends/exec/exec_messages.h"
#include "tests/fakes/temporary_directory.h"

namespace souvenir::compute {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

// Does what the text tells it to.
constexpr char kObedient[] = R"(
import os, sys, time
import souvenir_worker

def obey(inputs):
    text = inputs["TEXT"].texts()[0]
    print("the standard output is not the channel")
    if text == "crash":
        os.kill(os.getpid(), 11)
    if text == "exit":
        sys.stderr.write("no more of this\n")
        sys.exit(3)
    if text == "hang":
        time.sleep(3600)
    if text == "refuse":
        raise ValueError("no such text, please")
    if text == "fail":
        raise RuntimeError("something broke")
    if text == "flood":
        sys.stderr.write("x" * 10_000_000)
        sys.stdout.write("y" * 10_000_000)
    if text == "garbage":
        os.write(souvenir_channel, b"\xff\xff\xff\xffgarbage")
    if text == "nothing":
        return {}
    if text == "pid":
        return {"ANSWER": [str(os.getpid())]}
    return {"ANSWER": [text.upper() for text in inputs["TEXT"].texts()]}

souvenir_channel = os.dup(1)
souvenir_worker.serve(obey)
)";

class ExecBackendTest : public ::testing::Test {
 protected:
  ExecBackendTest() {
    Write("model.py", kObedient);
    description_.directory = directory_.path();
    Configure(R"(
      name: "obedient" backend: "exec" max_batch_size: 4
      input { name: "TEXT" data_type: TYPE_STRING dims: 1 }
      output { name: "ANSWER" data_type: TYPE_STRING dims: 1 })");
  }

  void Configure(const std::string& config) {
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(config, &description_.config));
  }
  void SetParameter(const std::string& name, const std::string& value) {
    (*description_.config.mutable_parameters())[name].set_string_value(value);
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(std::filesystem::path(directory_.path()) / name) << text;
  }

  void Start() {
    ASSERT_TRUE(backend_.Complete(&description_).ok());
    auto model = backend_.Load(description_);
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    auto instance = model_->CreateInstance();
    ASSERT_TRUE(instance.ok()) << instance.status();
    instance_ = *std::move(instance);
  }
  absl::Status StartError() {
    const absl::Status complete = backend_.Complete(&description_);
    return complete.ok() ? backend_.Load(description_).status() : complete;
  }

  absl::StatusOr<std::vector<Tensor>> Run(const std::vector<Tensor>& tensors,
                                          const std::vector<std::string>& outputs,
                                          absl::Duration limit = absl::Minutes(1)) {
    std::vector<TensorView> inputs;
    for (const Tensor& tensor : tensors) inputs.push_back(tensor.view());
    auto result = instance_->Run({.inputs = inputs, .outputs = outputs, .row_limit = limit});
    if (!result.ok()) return result.status();
    return std::move(result->outputs);
  }
  // The texts of the answer, or the error.
  std::vector<std::string> Ask(const std::vector<std::string>& texts,
                               absl::Duration limit = absl::Minutes(1)) {
    Tensor input{"TEXT", DataType::kBytes, {static_cast<int64_t>(texts.size()), 1}, ""};
    for (const std::string& text : texts) AppendBytesElement(text, &input.data);
    const auto outputs = Run({input}, {"ANSWER"}, limit);
    if (!outputs.ok()) return {outputs.status().ToString()};
    std::vector<std::string> answers;
    BytesElementReader reader(outputs->at(0).data);
    while (const auto answer = reader.Next()) answers.emplace_back(*answer);
    return answers;
  }

  const TemporaryDirectory directory_;
  ExecBackend backend_{{.python_directory = SOUVENIR_PYTHON_DIRECTORY}};
  ModelDescription description_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Instance> instance_;
};

TEST_F(ExecBackendTest, AFunctionIsAModel) {
  Start();
  EXPECT_THAT(Ask({"one", "two"}), ElementsAre("ONE", "TWO"));
  EXPECT_THAT(Ask({"three"}), ElementsAre("THREE"));
  const std::string pid = Ask({"pid"}).at(0);
  EXPECT_THAT(Ask({"pid"}), ElementsAre(pid));  // the process stays
}

TEST_F(ExecBackendTest, AnErrorIsTheRequestsAndCostsNoProcess) {
  Start();
  EXPECT_THAT(Ask({"refuse"}), ElementsAre("INVALID_ARGUMENT: obedient: no such text, please"));
  EXPECT_THAT(Ask({"fail"}), ElementsAre("INTERNAL: obedient: RuntimeError: something broke"));
  EXPECT_THAT(Ask({"nothing"}),
              ElementsAre(AllOf(HasSubstr("INTERNAL"), HasSubstr("returned no 'ANSWER'"))));
  EXPECT_THAT(Ask({"\xff"}), ElementsAre(HasSubstr("INVALID_ARGUMENT")));
  EXPECT_THAT(Ask({"fine"}), ElementsAre("FINE"));
  EXPECT_EQ(model_->lost_workers(), 0u);
}

TEST_F(ExecBackendTest, ACrashIsReportedAndTheNextRequestServed) {
  Start();
  EXPECT_THAT(Ask({"crash"}), ElementsAre(AllOf(HasSubstr("UNAVAILABLE"), HasSubstr("signal 11"))));
  EXPECT_THAT(Ask({"fine"}), ElementsAre("FINE"));
  EXPECT_THAT(Ask({"exit"}),
              ElementsAre(AllOf(HasSubstr("exit status 3"), HasSubstr("no more of this)"))));
  EXPECT_THAT(Ask({"fine"}), ElementsAre("FINE"));
  EXPECT_EQ(model_->lost_workers(), 2u);
}

TEST_F(ExecBackendTest, AHangIsEnded) {
  Start();
  EXPECT_THAT(Ask({"hang"}, absl::Milliseconds(50)), ElementsAre(HasSubstr("DEADLINE_EXCEEDED")));
  EXPECT_THAT(Ask({"fine"}), ElementsAre("FINE"));
}

TEST_F(ExecBackendTest, GarbageOnThePipeEndsTheProgram) {
  Start();
  EXPECT_THAT(Ask({"garbage"}), ElementsAre(AllOf(HasSubstr("UNAVAILABLE"),
                                                  HasSubstr("a message of 4294967295 bytes"))));
  EXPECT_THAT(Ask({"fine"}), ElementsAre("FINE"));
}

TEST_F(ExecBackendTest, AFloodOfOutputHoldsNothingUp) {
  Start();
  EXPECT_THAT(Ask({"flood"}), ElementsAre("FLOOD"));
}

TEST_F(ExecBackendTest, OneThatDiesAtRestIsReplaced) {
  Start();
  const pid_t pid = std::stoi(Ask({"pid"}).at(0));
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_THAT(Ask({"fine"}), ElementsAre("FINE"));
  EXPECT_EQ(model_->lost_workers(), 1u);
}

TEST_F(ExecBackendTest, EachInstanceIsAProcessAndSaysWhatItTakes) {
  Start();
  const std::string first = Ask({"pid"}).at(0);
  auto other = model_->CreateInstance();
  ASSERT_TRUE(other.ok());
  instance_.swap(*other);
  EXPECT_NE(Ask({"pid"}).at(0), first);
  EXPECT_GT(model_->MemoryBytes(), 1u << 20);
}

TEST_F(ExecBackendTest, TensorsOfAllTypesComeAsTheyAre) {
  description_.config.clear_input();
  description_.config.clear_output();
  description_.config.set_max_batch_size(0);
  const std::vector<std::pair<DataType, std::string>> kTensors = {
      {DataType::kBool, FromElements<bool>({true, false})},
      {DataType::kUint8, FromElements<uint8_t>({0, 255})},
      {DataType::kInt16, FromElements<int16_t>({-7, 7})},
      {DataType::kUint32, FromElements<uint32_t>({1, 4'000'000'000})},
      {DataType::kInt64, FromElements<int64_t>({-1, 1})},
      {DataType::kFp16, FromElements<uint16_t>({0x3c00, 0xc000})},
      {DataType::kFp32, FromElements<float>({1.5F, -2.25F})},
      {DataType::kFp64, FromElements<double>({1e300, -1})}};
  std::vector<Tensor> inputs;
  std::vector<std::string> outputs;
  for (const auto& [type, data] : kTensors) {
    const std::string name = "T" + std::to_string(static_cast<int>(type));
    auto* const input = description_.config.add_input();
    input->set_name(name);
    input->set_data_type(static_cast<inference::DataType>(type));
    input->add_dims(-1);
    auto* const output = description_.config.add_output();
    output->set_name("OUT" + name);
    output->set_data_type(input->data_type());
    output->add_dims(-1);
    inputs.push_back({name, type, {2}, data});
    outputs.push_back("OUT" + name);
  }
  Write("model.py",
        "import souvenir_worker\n"
        "souvenir_worker.serve(lambda inputs: {'OUT' + name: tensor.values()\n"
        "                                      for name, tensor in inputs.items()})\n");
  Start();
  const auto answer = Run(inputs, outputs);
  ASSERT_TRUE(answer.ok()) << answer.status();
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ((*answer)[i].datatype, inputs[i].datatype);
    EXPECT_EQ((*answer)[i].data, inputs[i].data);
    EXPECT_THAT((*answer)[i].shape, ElementsAre(2));
  }
}

TEST_F(ExecBackendTest, WhatDoesNotStartSaysWhy) {
  Write("model.py", "import nowhere_to_be_found\n");
  EXPECT_THAT(Message(StartError()), HasSubstr("No module named 'nowhere_to_be_found'"));
  Write("model.py",
        "import souvenir_worker\n"
        "def setup(model):\n"
        "    raise RuntimeError('no weights for ' + model['model'])\n"
        "souvenir_worker.serve(None, setup)\n");
  EXPECT_THAT(Message(StartError()), HasSubstr("RuntimeError: no weights for obedient"));
  SetParameter("command", "/nowhere/program --flag");
  EXPECT_THAT(Message(StartError()), HasSubstr("/nowhere/program"));
  SetParameter("command", "sleep 3600");
  ExecBackend impatient(
      {.python_directory = SOUVENIR_PYTHON_DIRECTORY, .start_timeout = absl::Milliseconds(50)});
  EXPECT_THAT(Message(impatient.Load(description_).status()),
              HasSubstr("was not ready after 50ms"));
  SetParameter("command", "echo hello");
  EXPECT_THAT(Message(StartError()), HasSubstr("is not ready"));
}

TEST_F(ExecBackendTest, RefusesByNameWhatItCannotServe) {
  SetParameter("isolation", "thread");
  EXPECT_THAT(Message(StartError()), HasSubstr("isolation is \"thread\""));
  description_.config.clear_parameters();
  SetParameter("comand", "x");
  EXPECT_THAT(Message(StartError()), HasSubstr("\"comand\" is not known"));
  description_.config.clear_parameters();
  std::filesystem::remove(std::filesystem::path(directory_.path()) / "model.py");
  EXPECT_THAT(Message(StartError()), HasSubstr("there is no"));
  std::filesystem::create_directory(std::filesystem::path(directory_.path()) / "model.py");
  EXPECT_THAT(Message(StartError()), HasSubstr("model.py: it is a directory"));
  description_.directory.clear();
  EXPECT_THAT(Message(StartError()), HasSubstr("a folder obedient/1 is expected"));
}

TEST_F(ExecBackendTest, TheDigestIsOfTheFilesAndTheCommand) {
  const auto digest = [&] { return *backend_.Digest(description_); };
  const std::string before = digest();
  EXPECT_EQ(digest(), before);
  Write("weights.bin", "1");
  const std::string with_weights = digest();
  EXPECT_NE(with_weights, before);
  SetParameter("command", "python3 -O model.py");
  EXPECT_NE(digest(), with_weights);
}

TEST(ExecMessagesTest, AnswersThatMakeNoSenseAreToldFromErrors) {
  const auto decode = [](const std::string& header, const std::string& data) {
    const auto size = static_cast<uint32_t>(header.size());
    return DecodeExecAnswer(FromElements<uint32_t>({size}) + header + data, {"a"}).status();
  };
  EXPECT_TRUE(
      decode(R"({"outputs":[{"name":"a","datatype":"INT8","shape":[2],"size":2}]})", "xy").ok());
  for (const auto& [header, data] : std::vector<std::pair<std::string, std::string>>{
           {"", ""},
           {"[]", ""},
           {"{}", ""},
           {"{\"outputs\":7}", ""},
           {"{\"outputs\":[7]}", ""},
           {R"({"outputs":[{"name":"a","datatype":"INT8","shape":[2],"size":2}]})", "x"},
           {R"({"outputs":[{"name":"a","datatype":"INT8","shape":[2],"size":2}]})", "xyz"},
           {R"({"outputs":[{"name":"a","datatype":"INT8","shape":[3],"size":2}]})", "xy"},
           {R"({"outputs":[{"name":"a","datatype":"INT8","shape":[-2],"size":2}]})", "xy"},
           {R"({"outputs":[{"name":"a","datatype":"INT9","shape":[2],"size":2}]})", "xy"},
           {R"({"outputs":[{"name":"a","datatype":"INT8","shape":[2],"size":1e99}]})", "xy"}}) {
    EXPECT_TRUE(absl::IsDataLoss(decode(header, data))) << header;
  }
  EXPECT_TRUE(absl::IsInternal(decode("{\"outputs\":[]}", "")));
  EXPECT_TRUE(absl::IsInternal(decode(R"({"error":"x"})", "")));
  EXPECT_TRUE(absl::IsInvalidArgument(decode(R"({"error":"x","code":"INVALID_ARGUMENT"})", "")));
  EXPECT_TRUE(absl::IsDataLoss(DecodeExecAnswer("\xff\xff\xff\x7f", {"a"}).status()));
}

}  // namespace
}  // namespace souvenir::compute
