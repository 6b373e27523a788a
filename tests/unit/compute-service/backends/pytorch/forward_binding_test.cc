#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compute-service/backends/pytorch/pytorch_fixture.h"

namespace souvenir::compute {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kSubtract[] = "def forward(self, left, right):\n  return left - right\n";

std::string Input(const std::string& name, const std::string& more = "") {
  return "input { name: '" + name + "' data_type: TYPE_FP32 dims: -1 " + more + " } ";
}
std::string Output(const std::string& name, const std::string& type = "TYPE_FP32") {
  return "output { name: '" + name + "' data_type: " + type + " dims: -1 } ";
}

class ForwardBindingTest : public PytorchTest {
 protected:
  // Returns the values of each output, in the order of the request.
  std::vector<std::vector<float>> Values(const std::string& methods, const std::string& config,
                                         const std::vector<Tensor>& inputs,
                                         const std::vector<std::string>& outputs) {
    const auto answer = Answer(methods, config, inputs, outputs);
    EXPECT_TRUE(answer.ok()) << answer.status();
    std::vector<std::vector<float>> values;
    if (!answer.ok()) return values;
    for (const Tensor& output : answer->outputs) values.push_back(ValuesOf<float>(output));
    return values;
  }
};

TEST_F(ForwardBindingTest, InputsAreNamedAfterArgumentsInAnyOrder) {
  EXPECT_THAT(Values(kSubtract, Input("right") + Input("left") + Output("OUTPUT__0"),
                     {Floats("right", {1}), Floats("left", {5})}, {"OUTPUT__0"}),
              ElementsAre(ElementsAre(4)));
}

TEST_F(ForwardBindingTest, OrByTheirPositionInAnyOrder) {
  EXPECT_THAT(Values(kSubtract, Input("INPUT__1") + Input("IN__0") + Output("OUTPUT__0"),
                     {Floats("INPUT__1", {1}), Floats("IN__0", {5})}, {"OUTPUT__0"}),
              ElementsAre(ElementsAre(4)));
}

TEST_F(ForwardBindingTest, InputsThatForwardDoesNotTakeAreRefused) {
  const std::pair<std::string, std::string> cases[] = {
      {Input("left") + Input("INPUT__1"), "'left', 'INPUT__1'"},
      {Input("left") + Input("wrong"), "'wrong'"},
      {Input("INPUT__0") + Input("INPUT__2"), "'INPUT__2'"},
      {Input("INPUT__0") + Input("IN__0"), "'IN__0'"},
      {Input("INPUT__") + Input("INPUT__1"), "'INPUT__'"},
      {Input("INPUT__-1") + Input("INPUT__1"), "'INPUT__-1'"},
      {Input("INPUT__99999999999999999999") + Input("INPUT__1"), "99999999999999999999'"},
      {Input("left") + Input("right") + Input("INPUT__2"), "'INPUT__2'"},
  };
  for (const auto& [inputs, named] : cases) {
    EXPECT_THAT(Refusal(kSubtract, inputs + Output("OUTPUT__0")),
                AllOf(HasSubstr("model tested"), HasSubstr(named),
                      HasSubstr("forward(left: Tensor, right: Tensor)"),
                      HasSubstr("INPUT__0 to INPUT__1")));
  }
}

TEST_F(ForwardBindingTest, InputsThatForwardNeedsAreMissed) {
  EXPECT_THAT(Refusal(kSubtract, Input("INPUT__0") + Output("OUTPUT__0")),
              AllOf(HasSubstr("'INPUT__0'"), HasSubstr("needs 'right' too")));
  EXPECT_THAT(Refusal(kSubtract, Input("right") + Output("OUTPUT__0")),
              HasSubstr("needs 'left' too"));
}

TEST_F(ForwardBindingTest, WhatHasADefaultMayBeLeftOut) {
  const std::string methods =
      "def forward(self, x, scale: float = 2.0, bias: Optional[Tensor] = None):\n"
      "  if bias is not None:\n    return x * scale + bias\n"
      "  return x * scale\n";
  EXPECT_THAT(Values(methods, Input("x") + Output("OUTPUT__0"), {Floats("x", {3})}, {"OUTPUT__0"}),
              ElementsAre(ElementsAre(6)));
  const std::string both = Input("x") + Input("bias", "optional: true") + Output("OUTPUT__0");
  EXPECT_THAT(Values(methods, both, {Floats("x", {3})}, {"OUTPUT__0"}),
              ElementsAre(ElementsAre(6)));
  EXPECT_THAT(Values(methods, both, {Floats("x", {3}), Floats("bias", {1})}, {"OUTPUT__0"}),
              ElementsAre(ElementsAre(7)));
  EXPECT_THAT(Refusal(methods, Input("x", "optional: true") + Output("OUTPUT__0")),
              AllOf(HasSubstr("input 'x' is optional"), HasSubstr("no default")));
  EXPECT_THAT(Refusal(methods, Input("x") + Input("scale") + Output("OUTPUT__0")),
              AllOf(HasSubstr("input 'scale'"), HasSubstr("float")));
}

TEST_F(ForwardBindingTest, ATupleIsNumbered) {
  const std::string methods = "def forward(self, x):\n  return x + 1, x + 2, 7\n";
  EXPECT_THAT(Values(methods, Input("x") + Output("OUTPUT__1") + Output("SUM__0"),
                     {Floats("x", {0})}, {"SUM__0", "OUTPUT__1"}),
              ElementsAre(ElementsAre(1), ElementsAre(2)));
  EXPECT_THAT(Refusal(methods, Input("x") + Output("OUTPUT__3")),
              AllOf(HasSubstr("'OUTPUT__3'"), HasSubstr("Tuple[Tensor, Tensor, int]"),
                    HasSubstr("OUTPUT__0 to OUTPUT__2")));
  EXPECT_THAT(Refusal(methods, Input("x") + Output("scores")), HasSubstr("'scores'"));
  EXPECT_THAT(Refusal(methods, Input("x") + Output("OUTPUT__2")),
              AllOf(HasSubstr("OUTPUT__2"), HasSubstr("not a tensor")));
}

TEST_F(ForwardBindingTest, SoIsAListAsFarAsItGoes) {
  const std::string methods = "def forward(self, x):\n  return [x + 1, x + 2]\n";
  EXPECT_THAT(Values(methods, Input("x") + Output("OUTPUT__0") + Output("OUTPUT__1"),
                     {Floats("x", {0})}, {"OUTPUT__0", "OUTPUT__1"}),
              ElementsAre(ElementsAre(1), ElementsAre(2)));
  const auto beyond =
      Answer(methods, Input("x") + Output("OUTPUT__2"), {Floats("x", {0})}, {"OUTPUT__2"});
  EXPECT_EQ(beyond.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(beyond.status().message()),
              AllOf(HasSubstr("'OUTPUT__2'"), HasSubstr("a list of 2")));
}

TEST_F(ForwardBindingTest, ADictionaryGoesByItsKeys) {
  const std::string methods =
      "def forward(self, x) -> Dict[str, Tensor]:\n  return {'scores': x + 1, 'logits': x + 2}\n";
  EXPECT_THAT(Values(methods, Input("x") + Output("logits") + Output("scores"), {Floats("x", {0})},
                     {"scores", "logits"}),
              ElementsAre(ElementsAre(1), ElementsAre(2)));
  const auto other = Answer(methods, Input("x") + Output("labels"), {Floats("x", {0})}, {"labels"});
  EXPECT_EQ(other.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("'labels'"));
}

TEST_F(ForwardBindingTest, ATensorIsTheFirstOutputAndTheOnlyOne) {
  EXPECT_THAT(
      Refusal(kSubtract, Input("left") + Input("right") + Output("sum")),
      AllOf(HasSubstr("'sum'"), HasSubstr("returns Tensor"), HasSubstr("expected OUTPUT__0")));
  EXPECT_THAT(Refusal(kSubtract,
                      Input("left") + Input("right") + Output("OUTPUT__0") + Output("OUTPUT__1")),
              HasSubstr("'OUTPUT__1'"));
}

TEST_F(ForwardBindingTest, WhatIsNoTensorIsNoAnswer) {
  for (const char* returned : {"1.5", "'text'", "[1, 2]", "{1: x}", "None"}) {
    EXPECT_THAT(Refusal(std::string("def forward(self, x):\n  return ") + returned + "\n",
                        Input("x") + Output("OUTPUT__0")),
                HasSubstr("expected a tensor"))
        << returned;
  }
}

TEST_F(ForwardBindingTest, AModuleWithoutForwardIsRefused) {
  EXPECT_THAT(Refusal("def backward(self, x):\n  return x\n", Input("x") + Output("OUTPUT__0")),
              HasSubstr("no method forward()"));
}

}  // namespace
}  // namespace souvenir::compute
