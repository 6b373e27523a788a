// Tests errors, side effects and threads of runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/compute-service/backends/pytorch/pytorch_fixture.h"

// AddressSanitizer ends a process that allocates more memory than it manages. A test does that, to
// see libtorch's error.
extern "C" const char* __asan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "allocator_may_return_null=1";
}

namespace souvenir::compute {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kHasAMethodWrite[] =
    "def change(self, z):\n  z.neg_()\n  return z\n"
    "def forward(self, x, y):\n  return self.change(x)\n";
constexpr char kHasAMethodRemember[] =
    "def note(self):\n  self.count += 1\n"
    "def forward(self, x):\n  self.note()\n  return x\n";

class ForwardTest : public PytorchTest {
 protected:
  absl::Status Error(const std::string& methods, const std::string& config,
                     const std::vector<Tensor>& inputs) {
    return Answer(methods, config, inputs, {"OUTPUT__0"}).status();
  }

  // Returns the input after a run of `methods` on it. The run, and one on 5, must succeed.
  std::vector<float> InputAfter(const std::string& methods) {
    SaveScripted(file(), methods);
    const auto model = Load(kTwoToOne);
    EXPECT_TRUE(model.ok()) << model.status();
    if (!model.ok()) return {};
    const std::vector<Tensor> inputs = {Floats("INPUT__0", {1, 2}), Floats("INPUT__1", {5, 5})};
    EXPECT_TRUE(Run(**model, inputs, {"OUTPUT__0"}).ok());
    return ValuesOf<float>(inputs[0]);
  }
};

TEST_F(ForwardTest, WhatTheModelThrowsIsTheInputsFaultInOneLine) {
  const absl::Status shapes = Error("def forward(self, x, y):\n  return x + y\n", kTwoToOne,
                                    {Floats("INPUT__0", {1, 2}), Floats("INPUT__1", {1, 2, 3})});
  EXPECT_EQ(shapes.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(shapes.message(),
            "model tested: forward(): The size of tensor a (2) must match the size of tensor b (3) "
            "at non-singleton dimension 0");
  const absl::Status raised =
      Error("def forward(self, x):\n  assert x.size(0) < 2, 'too long'\n  return x\n", kOneToOne,
            {Floats("INPUT__0", {1, 2})});
  EXPECT_EQ(raised.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(raised.message(), "model tested: forward(): AssertionError: too long");
  const absl::Status index =
      Error("def forward(self, x):\n  return x[9]\n", kOneToOne, {Floats("INPUT__0", {1, 2})});
  EXPECT_EQ(index.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(index.message()),
              AllOf(HasSubstr("index 9 out of range"), Not(HasSubstr("\n"))));
}

TEST_F(ForwardTest, AMessageIsBounded) {
  std::string reason;
  for (int i = 0; i < 10'000; ++i) reason += "ä";
  const absl::Status status =
      Error("def forward(self, x):\n  assert x.size(0) > 5, '" + reason + "'\n  return x\n",
            kOneToOne, {Floats("INPUT__0", {1})});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_LT(status.message().size(), 600u);
  EXPECT_THAT(std::string(status.message()), testing::EndsWith("ä..."));
}

TEST_F(ForwardTest, MemoryThatIsNotThereIsNotTheInputsFault) {
  const absl::Status status =
      Error("def forward(self, x):\n  return torch.ones(1000000, 1000000, 1000)\n", kOneToOne,
            {Floats("INPUT__0", {1})});
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("can't allocate memory"));
}

TEST_F(ForwardTest, AnInstanceGoesOnAfterAnError) {
  SaveScripted(file(), "def forward(self, x, y):\n  return x + y\n");
  const auto model = Load(kTwoToOne);
  ASSERT_TRUE(model.ok()) << model.status();
  const auto instance = (*model)->CreateInstance();
  ASSERT_TRUE(instance.ok()) << instance.status();
  EXPECT_FALSE(
      RunOn(**instance, {Floats("INPUT__0", {1, 2}), Floats("INPUT__1", {1, 2, 3})}, {"OUTPUT__0"})
          .ok());
  const auto answer =
      RunOn(**instance, {Floats("INPUT__0", {1}), Floats("INPUT__1", {2})}, {"OUTPUT__0"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(ValuesOf<float>(answer->outputs[0]), ElementsAre(3));
}

TEST_F(ForwardTest, AnAnswerThatTheConfigurationDoesNotSayIsInternal) {
  const std::string input = "max_batch_size: 4 input { name: 'x' data_type: TYPE_FP32 dims: 2 } ";
  const Tensor x = TensorOf<float>("x", DataType::kFp32, {1, 2}, {1, 2});
  const std::pair<std::string, std::string> cases[] = {
      {"output { name: 'OUTPUT__0' data_type: TYPE_FP64 dims: 2 }", "FP64 of [1, 2]"},
      {"output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: 3 }", "FP32 of [1, 3]"},
      {"output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: [ 2, 1 ] }", "FP32 of [1, 2, 1]"}};
  for (const auto& [output, expected] : cases) {
    const absl::Status status = Error("def forward(self, x):\n  return x\n", input + output, {x});
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
    EXPECT_THAT(
        std::string(status.message()),
        AllOf(HasSubstr("'OUTPUT__0'"), HasSubstr("FP32 of shape [1, 2]"), HasSubstr(expected)));
  }
  const absl::Status rows =
      Error("def forward(self, x):\n  return torch.cat([x, x])\n",
            input + "output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: 2 }", {x});
  EXPECT_EQ(rows.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(rows.message()), HasSubstr("shape [2, 2]"));
  const absl::Status type =
      Error("def forward(self, x):\n  return torch.complex(x, x)\n", input + cases[0].first, {x});
  EXPECT_EQ(type.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(type.message()), HasSubstr("ComplexFloat"));
}

TEST_F(ForwardTest, AModelCannotChangeTheRequestsBytes) {
  for (const char* methods :
       {"def forward(self, x, y):\n  x.add_(y)\n  return x\n",
        "def forward(self, x, y):\n  x.view(-1)[0] = 9.0\n  return x\n",
        "def forward(self, x, y):\n  both = [x, y]\n  for t in both:\n    t.zero_()\n  return x\n",
        "def forward(self, x, y):\n  x.unsqueeze(0).t().mul_(3)\n  return y\n",
        "def forward(self, x, y):\n  if bool(y.sum() > 0):\n    x += y\n  return x\n",
        kHasAMethodWrite}) {
    EXPECT_THAT(InputAfter(methods), ElementsAre(1, 2)) << methods;
  }
}

TEST_F(ForwardTest, AnInputThatIsTheAnswerIsCopied) {
  const auto answer = Answer("def forward(self, x):\n  return x\n", kOneToOne,
                             {Floats("INPUT__0", {1, 2})}, {"OUTPUT__0"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(ValuesOf<float>(answer->outputs[0]), ElementsAre(1, 2));
}

TEST_F(ForwardTest, BytesThatAreNotAlignedAreRead) {
  SaveScripted(file(), "def forward(self, x):\n  return x + 1\n");
  const auto model = Load(kOneToOne);
  ASSERT_TRUE(model.ok()) << model.status();
  const auto instance = (*model)->CreateInstance();
  ASSERT_TRUE(instance.ok()) << instance.status();
  const Tensor tensor = Floats("INPUT__0", {1, 2, 3});
  const std::string shifted = "!" + tensor.data;
  TensorView view = tensor.view();
  view.data = std::string_view(shifted).substr(1);
  const std::vector<std::string> outputs = {"OUTPUT__0"};
  const auto answer = (*instance)->Run({.inputs = {&view, 1}, .outputs = outputs});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(ValuesOf<float>(answer->outputs[0]), ElementsAre(2, 3, 4));
}

TEST_F(ForwardTest, ABoolIsZeroOrOne) {
  const absl::Status status = Error("def forward(self, x):\n  return x\n",
                                    "input { name: 'x' data_type: TYPE_BOOL dims: -1 } "
                                    "output { name: 'OUTPUT__0' data_type: TYPE_BOOL dims: -1 }",
                                    {TensorOf<uint8_t>("x", DataType::kBool, {3}, {1, 0, 2})});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("'x'"), HasSubstr("element 2 is 2"), HasSubstr("0 or 1")));
}

TEST_F(ForwardTest, AModelThatRemembersIsRefused) {
  for (const char* methods :
       {"def forward(self, x):\n  self.count = self.count + 1\n  return x\n",
        "def forward(self, x):\n  for i in range(2):\n    self.count += 1\n  return x\n",
        kHasAMethodRemember}) {
    EXPECT_THAT(Refusal(methods, kOneToOne), HasSubstr("attribute 'count'")) << methods;
  }
  EXPECT_THAT(Refusal("def forward(self, x):\n  self.kept.append(x)\n  return x\n", kOneToOne),
              HasSubstr("attribute 'kept'"));
  SaveScripted(file(), "def forward(self, x):\n  self.total.add_(x)\n  return x\n",
               {{"total", {1}, {0}}});
  EXPECT_THAT(std::string(Load(kOneToOne).status().message()), HasSubstr("attribute 'total'"));
}

TEST_F(ForwardTest, WhatAModelKeepsBehindOurBackIsNotTheRequests) {
  // The check for state does not see this access to the list.
  SaveScripted(file(),
               "def forward(self, x):\n"
               "  lists = [self.kept]\n"
               "  lists[0].append(x)\n"
               "  return lists[0][0]\n");
  const auto model = Load(kOneToOne);
  ASSERT_TRUE(model.ok()) << model.status();
  std::vector<Tensor> first = {Floats("INPUT__0", {1, 2})};
  ASSERT_TRUE(Run(**model, first, {"OUTPUT__0"}).ok());
  first[0].data.assign(first[0].data.size(), '\0');
  const auto answer = Run(**model, {Floats("INPUT__0", {3, 4})}, {"OUTPUT__0"});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(ValuesOf<float>(answer->outputs[0]), ElementsAre(1, 2));
}

TEST_F(ForwardTest, InstancesRunAtTheSameTimeOnTheSameWeights) {
  Weight weight{"w", {64, 64}, std::vector<float>(64 * 64, 0)};
  for (size_t i = 0; i < 64; ++i) weight.values[i * 64 + i] = 2;
  SaveScripted(file(), "def forward(self, x):\n  return torch.relu(torch.mm(x, self.w)) + 1\n",
               {weight});
  const auto model = Load(
      "input { name: 'x' data_type: TYPE_FP32 dims: [ 64, 64 ] } "
      "output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: [ 64, 64 ] }");
  ASSERT_TRUE(model.ok()) << model.status();
  std::atomic<int> right = 0;
  constexpr int kThreads = 4;
  constexpr int kRuns = 100;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      const auto instance = (*model)->CreateInstance();
      if (!instance.ok()) return;
      const auto value = static_cast<float>(thread);
      const Tensor x = TensorOf("x", DataType::kFp32, {64, 64}, std::vector<float>(64 * 64, value));
      for (int i = 0; i < kRuns; ++i) {
        const auto answer = RunOn(**instance, {x}, {"OUTPUT__0"});
        if (answer.ok() &&
            ValuesOf<float>(answer->outputs[0]) == std::vector<float>(64 * 64, 2 * value + 1)) {
          ++right;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, kThreads * kRuns);
}

TEST_F(ForwardTest, RunsGiveTheSameBitsFromTheFirstOn) {
  SaveScripted(file(),
               "def forward(self, x):\n"
               "  y = x\n"
               "  for i in range(5):\n    y = torch.sigmoid(y * 1.7 + 0.3) - torch.tanh(y)\n"
               "  return y\n");
  const auto model = Load(kOneToOne);
  ASSERT_TRUE(model.ok()) << model.status();
  const auto instance = (*model)->CreateInstance();
  ASSERT_TRUE(instance.ok()) << instance.status();
  const Tensor x = Floats("INPUT__0", {0.1F, 0.7F, -3.3F, 12.5F, 1e-6F});
  const auto first = RunOn(**instance, {x}, {"OUTPUT__0"});
  ASSERT_TRUE(first.ok()) << first.status();
  for (int i = 0; i < 10; ++i) {
    const auto again = RunOn(**instance, {x}, {"OUTPUT__0"});
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->outputs[0].data, first->outputs[0].data);
  }
}

TEST_F(ForwardTest, AProcessHasOneNumberOfThreads) {
  SaveScripted(file(), "def forward(self, x):\n  return x\n");
  const auto one = Load(kOneToOne);
  ASSERT_TRUE(one.ok()) << one.status();
  ASSERT_TRUE((*one)->CreateInstance().ok());
  const auto two = Load(std::string(kOneToOne) +
                        "parameters { key: 'INTRA_OP_THREAD_COUNT' value { string_value: '2' } }");
  ASSERT_TRUE(two.ok()) << two.status();
  const absl::Status status = (*two)->CreateInstance().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("INTRA_OP_THREAD_COUNT"));
}

}  // namespace
}  // namespace souvenir::compute
