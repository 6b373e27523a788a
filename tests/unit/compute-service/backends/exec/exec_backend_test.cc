#include "compute-service/backends/exec/exec_backend.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "compute-service/backends/exec/exec_messages.h"
#include "compute-service/backends/model_files.h"
#include "tests/fakes/temporary_directory.h"

namespace souvenir::compute {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

// A model that does what its text tells it to.
constexpr char kObedient[] = R"python(
import os, subprocess, sys, threading, time
import souvenir_worker

DAEMON = """import os, sys, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
with open(sys.argv[1] + ".new", "w") as file: file.write(str(os.getpid()))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(3600)"""

def write_later(asked, said):
    while not os.path.exists(asked):
        time.sleep(0.001)
    os.write(2, b"a late word about a secret")
    open(said, "w").close()

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
    if text.startswith("miss "):
        return {}[text]
    if text.startswith("say "):
        print(text)
    if text.startswith("say and exit "):
        os._exit(4)
    if text.startswith("later "):
        threading.Thread(target=write_later, args=text.split(" ")[1:]).start()
    if text.startswith("daemon "):
        subprocess.run([sys.executable, "-c", DAEMON, text.split(" ")[1]], check=True)
    if text.startswith("variable "):
        return {"ANSWER": [os.environ.get(text.split(" ")[1], "none")]}
    if text == "answer twice" and os.fork() == 0:
        return {"ANSWER": ["of the copy"]}
    if text == "nothing":
        return {}
    if text == "pid":
        return {"ANSWER": [str(os.getpid())]}
    return {"ANSWER": [text.upper() for text in inputs["TEXT"].texts()]}

souvenir_channel = os.dup(souvenir_worker._PIPES[1])
souvenir_worker.serve(obey)
)python";

// Sets a variable of this process's environment during its lifetime.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    const char* before = getenv(name);
    if (before != nullptr) before_ = before;
    setenv(name, value, 1);
  }
  ~ScopedVariable() {
    if (before_) {
      setenv(name_, before_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }

 private:
  const char* const name_;
  std::optional<std::string> before_;
};

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
    ExecBackend backend(backend_options_);
    ASSERT_TRUE(backend.Complete(&description_).ok());
    auto model = backend.Load(description_, nullptr);
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    auto instance = model_->CreateInstance();
    ASSERT_TRUE(instance.ok()) << instance.status();
    instance_ = *std::move(instance);
  }
  // Notes the state of the files, as the repository does before it computes the digest.
  void NoteFiles() {
    auto check = MakeFilesCheck(&files_of_, description_);
    ASSERT_TRUE(check.ok()) << check.status();
    description_.check_files = *std::move(check);
  }
  absl::Status StartError() {
    ExecBackend backend(backend_options_);
    const absl::Status complete = backend.Complete(&description_);
    return complete.ok() ? backend.Load(description_, nullptr).status() : complete;
  }

  absl::StatusOr<std::vector<Tensor>> Run(const std::vector<Tensor>& tensors,
                                          const std::vector<std::string>& outputs,
                                          absl::Duration limit = absl::Minutes(1)) {
    std::vector<TensorView> inputs;
    for (const Tensor& tensor : tensors) inputs.push_back(tensor.view());
    const int64_t rows = description_.config.max_batch_size() > 0 ? inputs[0].shape[0] : 1;
    auto result =
        instance_->Run({.inputs = inputs, .outputs = outputs, .rows = rows, .row_limit = limit});
    if (!result.ok()) return result.status();
    return std::move(result->outputs);
  }
  // Returns the texts of the answer, or the error.
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
  ExecBackend::Options backend_options_{.worker_program = SOUVENIR_WORKER,
                                        .python_directory = SOUVENIR_PYTHON_DIRECTORY};
  ExecBackend files_of_{ExecBackend::Options()};
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

TEST_F(ExecBackendTest, RequestsThatCrashTheProgramCostNoOtherRequestAPause) {
  Start();
  for (const char* end : {"crash", "exit", "garbage", "crash", "exit", "garbage"}) {
    EXPECT_THAT(Ask({end}), ElementsAre(AllOf(HasSubstr("UNAVAILABLE: obedient: the program was"),
                                              Not(HasSubstr("next try")))));
  }
  EXPECT_THAT(Ask({"fine"}), ElementsAre("FINE"));
  EXPECT_EQ(model_->lost_workers(), 6u);
}

TEST_F(ExecBackendTest, AProgramThatDoesNotStartAgainIsTriedAfterPauses) {
  Start();
  Write("model.py", "import nowhere_to_be_found\n");
  EXPECT_THAT(Ask({"crash"}), ElementsAre(HasSubstr("signal 11")));
  for (int i = 0; i < 4; ++i) {
    EXPECT_THAT(Ask({"fine"}), ElementsAre(HasSubstr("No module named 'nowhere_to_be_found'")));
  }
  EXPECT_THAT(Ask({"fine"}),
              ElementsAre(AllOf(HasSubstr("could not be started, or was lost between requests, 4"),
                                HasSubstr("the next try is in"))));
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
  while (kill(pid, 0) == 0) std::this_thread::yield();  // until its parent has reaped it, and ended
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
    const std::string name = fmt::format("T{}", static_cast<int>(type));
    auto* const input = description_.config.add_input();
    input->set_name(name);
    input->set_data_type(static_cast<inference::DataType>(type));
    input->add_dims(-1);
    auto* const output = description_.config.add_output();
    output->set_name(fmt::format("OUT{}", name));
    output->set_data_type(input->data_type());
    output->add_dims(-1);
    inputs.push_back({name, type, {2}, data});
    outputs.push_back(output->name());
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

// Tests the outputs of a function that returns the value of a Python expression. Return() gives the
// bytes of one output, or the error.
class ExecOutputTest : public ExecBackendTest {
 protected:
  std::string Return(const std::string& type, const std::string& expression) {
    if (instance_ == nullptr) {
      Write("model.py",
            "import souvenir_worker\n"
            "from souvenir_worker import Tensor\n"
            "souvenir_worker.serve(lambda inputs: eval(inputs['TEXT'].texts()[0]))\n");
      std::string outputs;
      for (int i = inference::TYPE_BOOL; i <= inference::TYPE_BF16; ++i) {
        const std::string& name = inference::DataType_Name(static_cast<inference::DataType>(i));
        outputs +=
            fmt::format("output {{ name: \"{}\" data_type: {} dims: -1 }}", name.substr(5), name);
      }
      Configure(
          "name: \"m\" backend: \"exec\" "
          "input { name: \"TEXT\" data_type: TYPE_STRING dims: 1 }" +
          outputs);
      Start();
    }
    Tensor input{"TEXT", DataType::kBytes, {1}, ""};
    AppendBytesElement(fmt::format("{{'{}': {}}}", type, expression), &input.data);
    const auto outputs = Run({input}, {type});
    if (!outputs.ok()) return outputs.status().ToString();
    EXPECT_TRUE(ValidateTensor(outputs->at(0).view()).ok()) << expression;
    return outputs->at(0).data;
  }
};

TEST_F(ExecOutputTest, ValuesThatTheDatatypeCannotHoldAreSaid) {
  for (const char* type :
       {"UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64"}) {
    EXPECT_THAT(Return(type, "[1.5]"), HasSubstr(std::string("values that are no ") + type));
    EXPECT_THAT(Return(type, "[2**64]"), HasSubstr(std::string("values that are no ") + type));
    EXPECT_THAT(Return(type, "['1']"), HasSubstr(std::string("values that are no ") + type));
    EXPECT_THAT(Return(type, "[None]"), HasSubstr(std::string("values that are no ") + type));
  }
  for (const char* type : {"UINT8", "UINT16", "UINT32", "UINT64"}) {
    EXPECT_THAT(Return(type, "[-1]"), HasSubstr(std::string("values that are no ") + type));
  }
  for (const char* type : {"FP16", "FP32", "FP64"}) {
    EXPECT_THAT(Return(type, "['x']"), HasSubstr(std::string("values that are no ") + type));
  }
  EXPECT_THAT(Return("FP16", "[1e9]"), HasSubstr("values that are no FP16"));
  EXPECT_THAT(Return("FP32", "[1e99]"), HasSubstr("values that are no FP32"));
  EXPECT_THAT(Return("BOOL", "['False']"), HasSubstr("'False' in BOOL"));
  EXPECT_THAT(Return("BOOL", "[2]"), HasSubstr("2 in BOOL"));
  EXPECT_THAT(Return("BF16", "[1.0]"), HasSubstr("a list cannot be BF16"));
  EXPECT_THAT(Return("STRING", "[1]"), HasSubstr("INTERNAL: m: output 'STRING': int in BYTES"));
  EXPECT_THAT(Return("STRING", "[None]"), HasSubstr("NoneType in BYTES"));
  EXPECT_THAT(Return("STRING", "[['a'], [2.5]]"), HasSubstr("float in BYTES"));
  EXPECT_THAT(Return("STRING", "['\\ud800']"), HasSubstr("a lone surrogate"));
  EXPECT_THAT(Return("STRING", "Tensor.of('BYTES', [3])"), HasSubstr("int in BYTES"));
  EXPECT_EQ(model_->lost_workers(), 0u);
}

TEST_F(ExecOutputTest, TensorsThatDoNotFitTheirBytesOrTheConfigurationAreSaid) {
  EXPECT_THAT(Return("INT32", "Tensor('INT64', [1], bytes(8))"),
              HasSubstr("it is INT64; by the configuration INT32 is expected"));
  EXPECT_THAT(Return("INT32", "Tensor('INT32', [2], bytes(4))"),
              HasSubstr("it has 4 bytes; INT32 of shape [2] has 8"));
  EXPECT_THAT(Return("INT32", "Tensor('INT32', [1, 1], bytes(4))"),
              HasSubstr("its shape is [1, 1]; by the configuration and the request [-1]"));
  EXPECT_THAT(Return("INT32", "Tensor('INT32', [-1], bytes(4))"), HasSubstr("its shape is [-1]"));
  EXPECT_THAT(Return("INT32", "Tensor('INT32', [4], 4)"),
              HasSubstr("the data of a Tensor is int; bytes are expected"));
  EXPECT_THAT(Return("STRING", "Tensor('BYTES', [2], b'\\x01\\0\\0\\0a')"),
              HasSubstr("it has 1 elements; its shape [2] is of 2"));
  EXPECT_THAT(Return("STRING", "Tensor('BYTES', [1], b'\\x05\\0\\0\\0a')"),
              HasSubstr("end within an element"));
  EXPECT_THAT(Return("BF16", "Tensor('BF16', [2], bytes(3))"), HasSubstr("has 4"));
  EXPECT_THAT(Return("INT8", "{}['x'] if False else 3, 5"), HasSubstr("INTERNAL"));
  EXPECT_EQ(model_->lost_workers(), 0u);
}

TEST_F(ExecOutputTest, ValuesThatFitAreTaken) {
  EXPECT_EQ(Return("STRING", "['\u00fc', b'\\xff', bytearray(b'b'), memoryview(b'm')]"),
            std::string("\2\0\0\0\xc3\xbc\1\0\0\0\xff\1\0\0\0b\1\0\0\0m", 21));
  EXPECT_EQ(Return("STRING", "'single'"), std::string("\6\0\0\0single", 10));
  EXPECT_EQ(Return("BOOL", "[True, 0, False, 1]"), std::string("\1\0\0\1", 4));
  EXPECT_EQ(Return("INT8", "[[1, 2], (3,)]"), "\1\2\3");
  EXPECT_EQ(Return("INT8", "memoryview(b'ab')"), "ab");
  EXPECT_EQ(Return("FP32", "[1]"), FromElements<float>({1}));
  EXPECT_EQ(Return("BF16", "Tensor('BF16', [1], b'xy')"), "xy");
  EXPECT_EQ(Return("INT64", "[]"), "");
}

TEST_F(ExecOutputTest, AnErrorMessageWithWhatUtf8CannotSayIsTold) {
  const std::string raise = "(_ for _ in ()).throw";
  EXPECT_EQ(Return("INT8", raise + "(RuntimeError('\\ud800 \\x00'))"),
            std::string("INTERNAL: m: RuntimeError: \\ud800 ") + '\0');
  EXPECT_EQ(Return("INT8", raise + "(ValueError('\\udcff'))"), "INVALID_ARGUMENT: m: \\udcff");
  EXPECT_EQ(Return("INT8", raise + "(ValueError())"), "INVALID_ARGUMENT: m: ValueError");
  EXPECT_EQ(Return("INT8", "print('\\ud800') or [1]"), "\1");
  EXPECT_EQ(Return("INT8", "[1]"), "\1");
  EXPECT_EQ(model_->lost_workers(), 0u);
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
  backend_options_.start_timeout = absl::Milliseconds(50);
  ExecBackend impatient(backend_options_);
  EXPECT_THAT(Message(impatient.Load(description_, nullptr).status()),
              HasSubstr("was not ready after 50ms"));
  backend_options_.start_timeout = absl::Minutes(1);
  SetParameter("command", "echo hello");
  EXPECT_THAT(Message(StartError()), HasSubstr("is not ready"));
}

TEST_F(ExecBackendTest, AStartThatHangsCanBeGivenUp) {
  const std::string begun = directory_.path() + "/begun";
  Write("model.py",
        "import time\n"
        "open('begun', 'w').close()\n"
        "time.sleep(3600)\n");
  backend_options_.start_timeout = absl::InfiniteDuration();
  ExecBackend backend(backend_options_);
  ASSERT_TRUE(backend.Complete(&description_).ok());
  Cancellation cancellation;
  std::thread canceller([&] {
    while (!std::filesystem::exists(begun)) std::this_thread::yield();
    cancellation.Cancel();
  });
  const absl::Status status = backend.Load(description_, &cancellation).status();
  canceller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status), HasSubstr("start was cancelled"));
}

TEST_F(ExecBackendTest, FilesThatHaveChangedAreNotServedUnderTheOldDigest) {
  NoteFiles();
  Start();
  Write("model.py", "this is no program\n");
  EXPECT_THAT(Ask({"fine"}), ElementsAre("FINE")) << "the process has the old program";
  EXPECT_THAT(Ask({"crash"}), ElementsAre(HasSubstr("signal 11")));
  const std::string changed =
      "UNAVAILABLE: the files of model 'obedient' have changed since they were last read; "
      "`souvenir models load obedient` loads it again, but only until the next start if the "
      "program itself writes into its folder: let it write elsewhere, as below TMPDIR";
  for (int i = 0; i < 6; ++i) EXPECT_THAT(Ask({"fine"}), ElementsAre(StartsWith(changed)));
  const absl::Status made = model_->CreateInstance().status();
  EXPECT_EQ(made, FilesChangedError(changed.substr(changed.find("the files"))));
  // Nobody knows whether restored files are the old ones.
  Write("model.py", kObedient);
  EXPECT_THAT(Ask({"fine"}), ElementsAre(StartsWith(changed)));
  instance_ = nullptr;
  NoteFiles();
  Start();
  EXPECT_THAT(Ask({"fine"}), ElementsAre("FINE"));
}

TEST_F(ExecBackendTest, AProgramWhoseFilesChangeWhileItStartsIsEnded) {
  Write("model.py", std::string("open('weights', 'w').write('new')\n") + kObedient);
  NoteFiles();
  const std::string changed =
      "UNAVAILABLE: the files of model 'obedient' have changed while its program started; a "
      "program "
      "must not write into its folder, but elsewhere, as below TMPDIR";
  EXPECT_THAT(StartError().ToString(), HasSubstr(changed));
  // A change also explains a program that does not start.
  Write("model.py", "open('weights', 'w').write('newer')\nimport nowhere_to_be_found\n");
  NoteFiles();
  EXPECT_THAT(StartError().ToString(), HasSubstr(changed));
}

TEST_F(ExecBackendTest, AProgramThatWritesIntoItsFolderIsToldToWriteElsewhere) {
  Write("model.py",
        "import souvenir_worker\n"
        "def answer(inputs):\n"
        "    open('notes', 'a').write('x')\n"
        "    return {'ANSWER': inputs['TEXT'].texts()}\n"
        "souvenir_worker.serve(answer)\n");
  NoteFiles();
  Start();
  EXPECT_THAT(Ask({"fine"}), ElementsAre("fine"));
  EXPECT_THAT(model_->CreateInstance().status().ToString(),
              HasSubstr("let it write elsewhere, as below TMPDIR"));
}

// Closes the channel, and then still computes before it ends.
constexpr char kLeavesSlowly[] = R"python(
import os, sys
os.close(0)
os.close(1)
sum(range(3_000_000))
sys.stderr.write("no weights here\n")
sys.exit(3)
)python";

TEST_F(ExecBackendTest, TheExitStatusOfAProgramThatGivesUpIsTold) {
  Write("model.py", kLeavesSlowly);
  EXPECT_THAT(Message(StartError()),
              AllOf(HasSubstr("exit status 3"), HasSubstr("no weights here")));
}

TEST_F(ExecBackendTest, RefusesByNameWhatItCannotServe) {
  SetParameter("isolation", "thread");
  EXPECT_THAT(Message(StartError()), HasSubstr("isolation is \"thread\""));
  description_.config.clear_parameters();
  SetParameter("comand", "x");
  EXPECT_THAT(Message(StartError()), HasSubstr("\"comand\" is unknown"));
  description_.config.clear_parameters();
  std::filesystem::remove(std::filesystem::path(directory_.path()) / "model.py");
  EXPECT_THAT(Message(StartError()), HasSubstr("there is no"));
  std::filesystem::create_directory(std::filesystem::path(directory_.path()) / "model.py");
  EXPECT_THAT(Message(StartError()), HasSubstr("model.py: it is a directory"));
  description_.directory.clear();
  EXPECT_THAT(Message(StartError()), HasSubstr("a folder obedient/1 is expected"));
}

TEST_F(ExecBackendTest, WhatAnEarlierRequestLeftOnStandardErrorIsNobodysAfterwards) {
  Start();
  EXPECT_THAT(Ask({"miss a secret of A"}), ElementsAre(HasSubstr("miss a secret of A")));
  EXPECT_THAT(Ask({"say a secret of B"}), ElementsAre("SAY A SECRET OF B"));
  testing::internal::CaptureStderr();
  const std::string answer = Ask({"crash"}).at(0);
  EXPECT_THAT(answer, AllOf(HasSubstr("signal 11"), Not(HasSubstr("secret"))));
  EXPECT_THAT(
      testing::internal::GetCapturedStderr(),
      AllOf(HasSubstr("a program was lost"), HasSubstr("signal 11"), Not(HasSubstr("secret"))));
}

TEST_F(ExecBackendTest, WhatAProgramSaysAsItDiesIsToldToTheCallerAndNotToTheLog) {
  Start();
  EXPECT_THAT(Ask({"fine"}), ElementsAre("FINE"));
  testing::internal::CaptureStderr();
  EXPECT_THAT(Ask({"say and exit with a secret"}),
              ElementsAre(AllOf(HasSubstr("exit status 4"), HasSubstr("with a secret"))));
  EXPECT_THAT(Ask({"garbage"}), ElementsAre(HasSubstr("a message of 4294967295 bytes")));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("exit status 4"), HasSubstr("error_bytes="),
                    HasSubstr("it wrote what is no answer"), Not(HasSubstr("secret")),
                    Not(HasSubstr("4294967295"))));
}

TEST_F(ExecBackendTest, AProgramMayPrintBeforeItServes) {
  Write("model.py",
        "import souvenir_worker\n"
        "print('hello', flush=True)\n"
        "souvenir_worker.serve(lambda inputs: {'ANSWER': inputs['TEXT'].texts()})\n");
  Start();
  EXPECT_THAT(Ask({"x"}), ElementsAre("x"));
}

TEST_F(ExecBackendTest, WhatAProgramSaysAsItDiesOfSeveralRowsIsToldToNobody) {
  Start();
  EXPECT_THAT(Ask({"say and exit with a secret", "another's row"}),
              ElementsAre(AllOf(HasSubstr("exit status 4"), HasSubstr("bytes, left out because"),
                                Not(HasSubstr("secret")))));
}

TEST_F(ExecBackendTest, AProgramThatWritesWhileNobodyAsksIsQuotedToNobody) {
  Start();
  const std::string asked = directory_.path() + "/asked";
  const std::string said = directory_.path() + "/said";
  EXPECT_EQ(Ask({"later " + asked + " " + said}).size(), 1u);
  Write("asked", "");
  while (!std::filesystem::exists(said)) std::this_thread::yield();
  EXPECT_THAT(Ask({"say and exit now"}),
              ElementsAre(AllOf(HasSubstr("exit status 4"), Not(HasSubstr("it wrote:")),
                                Not(HasSubstr("secret")))));
}

TEST_F(ExecBackendTest, LinesOfStandardErrorAreLoggedWhereTheOperatorWantsIt) {
  backend_options_.log_errors = true;
  Start();
  testing::internal::CaptureStderr();
  EXPECT_THAT(Ask({"say hello"}), ElementsAre("SAY HELLO"));
  instance_ = nullptr;  // output is read until the instance is destroyed
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("a program wrote model=obedient"), HasSubstr("line=say hello")));
}

// Writes as many lines as the request says, and ends without a line feed if it says so.
constexpr char kVerbose[] = R"python(
import os, sys
import souvenir_worker

def answer(inputs):
    lines, ends = inputs["TEXT"].texts()[0].split(" ")
    for i in range(int(lines)):
        sys.stderr.write("line %d\n" % i)
    if ends == "dies":
        sys.stderr.write("the reason")
        os._exit(1)
    return {"ANSWER": ["well"]}

souvenir_worker.serve(answer)
)python";

TEST_F(ExecBackendTest, AWholeTracebackIsLogged) {
  backend_options_.log_errors = true;
  Write("model.py", kVerbose);
  Start();
  testing::internal::CaptureStderr();
  EXPECT_THAT(Ask({"150 dies"}), ElementsAre(HasSubstr("exit status 1")));
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, AllOf(HasSubstr("line=line 0\n"), HasSubstr("line=line 149\n"),
                           HasSubstr("line=the reason"), Not(HasSubstr("left_out")),
                           Not(HasSubstr("left out"))));
}

TEST_F(ExecBackendTest, LinesThatAreLeftOutAreCountedAndTheLastIsTold) {
  backend_options_.log_errors = true;
  Write("model.py", kVerbose);
  Start();
  testing::internal::CaptureStderr();
  EXPECT_THAT(Ask({"5000 dies"}), ElementsAre(HasSubstr("exit status 1")));
  const std::string lines = testing::internal::GetCapturedStderr();
  // A line is allowed every tenth of a second, which may be the last one.
  const auto counted = AnyOf(HasSubstr("were left out model=obedient"), HasSubstr(" left_out="));
  EXPECT_THAT(lines, AllOf(HasSubstr("line=line 199\n"), HasSubstr("=the reason"), counted));
  EXPECT_LT(std::count(lines.begin(), lines.end(), '\n'), 2000);
  testing::internal::CaptureStderr();
  EXPECT_THAT(Ask({"5000 lives"}), ElementsAre("well"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), AllOf(HasSubstr("=line 4999"), counted));
}

TEST_F(ExecBackendTest, AnAnswerToAnotherRequestIsNoAnswer) {
  Start();
  // The program's copy answers the same request once more, and the next caller receives that answer
  // first.
  EXPECT_EQ(Ask({"answer twice"}).size(), 1u);
  for (int i = 0; i < 3; ++i) {
    const std::string answer = Ask({"mine"}).at(0);
    if (answer == "MINE") continue;
    EXPECT_THAT(answer, HasSubstr("has answered another request"));
  }
  EXPECT_THAT(Ask({"mine"}), ElementsAre("MINE"));
}

TEST_F(ExecBackendTest, TheEnvironmentIsBuiltAndNotInherited) {
  const ScopedVariable path("PYTHONPATH", "/the/services");
  const ScopedVariable secret("SOUVENIR_TEST_SECRET", "secret");
  const ScopedVariable licence("SOUVENIR_TEST_LICENCE", "licence");
  const ScopedVariable home("PYTHONHOME", "/nowhere");
  const ScopedVariable zone("TZ", "Asia/Tokyo");
  backend_options_.inherit = {"SOUVENIR_TEST_LIC*"};
  Start();
  EXPECT_THAT(Ask({"variable PYTHONPATH"}),
              ElementsAre(std::string(SOUVENIR_PYTHON_DIRECTORY) + ":/the/services"));
  EXPECT_THAT(Ask({"variable SOUVENIR_TEST_SECRET"}), ElementsAre("none"));
  EXPECT_THAT(Ask({"variable SOUVENIR_TEST_LICENCE"}), ElementsAre("licence"));
  EXPECT_THAT(Ask({"variable TZ"}), ElementsAre("Asia/Tokyo"));
  EXPECT_THAT(Ask({"variable PATH"}), ElementsAre(Not("none")));
}

class ExecDaemonTest : public ExecBackendTest {
 protected:
  // Makes the program start a process in a session of its own, whose parents have ended.
  pid_t StartDaemon() {
    const std::string file = directory_.path() + "/daemon" + std::to_string(++daemons_);
    EXPECT_EQ(Ask({"daemon " + file}).size(), 1u);
    std::string pid;
    while (!std::filesystem::exists(file)) std::this_thread::yield();
    std::ifstream(file) >> pid;
    const pid_t daemon = std::stoi(pid);
    EXPECT_EQ(getsid(daemon) == getsid(0), false);
    EXPECT_EQ(kill(daemon, 0), 0);
    return daemon;
  }
  static bool Lives(pid_t pid) { return kill(pid, 0) == 0; }
  // Returns a field of /proc/PID/status, or "" if the process has gone.
  static std::string StatusOf(pid_t pid, const std::string& field) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string name, value; status >> name && std::getline(status >> std::ws, value);) {
      if (name == field + ":") return value;
    }
    return "";
  }

  int daemons_ = 0;
};

TEST_F(ExecDaemonTest, AllThatAProgramStartedEndsWithIt) {
  Start();
  for (const char* end : {"crash", "exit", "garbage", "say and exit now"}) {
    const pid_t daemon = StartDaemon();
    EXPECT_THAT(Ask({end}), ElementsAre(HasSubstr("UNAVAILABLE")));
    EXPECT_FALSE(Lives(daemon)) << end;
  }
  const pid_t killed = StartDaemon();
  EXPECT_THAT(Ask({"hang"}, absl::Milliseconds(50)), ElementsAre(HasSubstr("DEADLINE_EXCEEDED")));
  EXPECT_FALSE(Lives(killed));
  const pid_t unloaded = StartDaemon();
  instance_ = nullptr;
  EXPECT_FALSE(Lives(unloaded));
}

TEST_F(ExecDaemonTest, AllThatAProgramStartedEndsWithTheService) {
  // The service runs in a process of its own, so that it can be killed.
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  const pid_t service = fork();
  if (service == 0) {
    Start();
    const pid_t pids[2] = {StartDaemon(), std::stoi(Ask({"pid"}).at(0))};
    (void)!write(report[1], pids, sizeof(pids));
    (void)Ask({"hang"});
    _exit(0);
  }
  pid_t pids[2];
  ASSERT_EQ(read(report[0], pids, sizeof(pids)), static_cast<ssize_t>(sizeof(pids)));
  ASSERT_EQ(kill(service, SIGKILL), 0);
  ASSERT_EQ(waitpid(service, nullptr, 0), service);
  for (const pid_t pid : pids) {
    while (Lives(pid)) std::this_thread::yield();
  }
  close(report[0]);
  close(report[1]);
}

// Processes that the program has started live on in this case: docs/backends/exec.md.
TEST_F(ExecDaemonTest, AProgramEndsWithTheSupervisorThatSomebodyKills) {
  Start();
  const pid_t program = std::stoi(Ask({"pid"}).at(0));
  const pid_t supervisor = std::stoi(StatusOf(program, "PPid"));
  ASSERT_NE(supervisor, getpid());
  ASSERT_EQ(kill(supervisor, SIGKILL), 0);
  // The process that inherits the program may leave it unreaped.
  for (std::string state = "R"; !state.empty() && state[0] != 'Z' && state[0] != 'X';) {
    std::this_thread::yield();
    state = StatusOf(program, "State");
  }
  // The next request gets another program.
  EXPECT_NE(Ask({"pid"}).at(0), std::to_string(program));
}

TEST_F(ExecBackendTest, TheDigestIsOfTheFilesAndTheCommand) {
  ExecBackend backend(backend_options_);
  const auto digest = [&] { return *backend.Digest(description_); };
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
    return DecodeExecAnswer(FromElements<uint32_t>({size}) + header + data, {"a"}, 7).status();
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
  EXPECT_TRUE(absl::IsDataLoss(DecodeExecAnswer("\xff\xff\xff\x7f", {"a"}, 7).status()));
  EXPECT_TRUE(absl::IsInternal(decode(R"({"number":7,"error":"x"})", "")));
  EXPECT_TRUE(absl::IsDataLoss(decode(R"({"number":6,"error":"x"})", "")));
  EXPECT_TRUE(absl::IsDataLoss(decode(R"({"number":"7","error":"x"})", "")));
}

}  // namespace
}  // namespace souvenir::compute
