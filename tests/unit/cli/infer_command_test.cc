#include "cli/infer_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/command_line.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/temporary_directory.h"
#include "tests/unit/cli/fake_gateway.h"

namespace souvenir::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A model "m" with the inputs that a test declares.
class InferTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.started());
    server_.inference.metadata.set_name("m");
  }

  void Declare(const std::string& name, const std::string& datatype, std::vector<int64_t> shape) {
    auto* input = server_.inference.metadata.add_inputs();
    input->set_name(name);
    input->set_datatype(datatype);
    for (const int64_t size : shape) input->add_shape(size);
  }

  void Answer(const std::string& name, const std::string& datatype, std::vector<int64_t> shape,
              const std::string& raw) {
    auto& answer = server_.inference.answer;
    answer.set_model_name("m");
    answer.set_model_version("3");
    auto* output = answer.add_outputs();
    output->set_name(name);
    output->set_datatype(datatype);
    for (const int64_t size : shape) output->add_shape(size);
    answer.add_raw_output_contents(raw);
  }

  int Run(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), {"infer", "--server", server_.address(), "m"});
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Console console{.in = in, .out = out, .err = err, .clock = &clock_};
    const int code = RunCommandLine(arguments, "9.8.7", console);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  const inference::ModelInferRequest& asked() const { return server_.inference.asked; }

  template <typename Element>
  std::vector<Element> AskedElements(int i) const {
    return ToElements<Element>(asked().raw_input_contents(i));
  }

  FakeCompute server_;
  ManualClock clock_;
  std::string out_;
  std::string err_;
};

TEST_F(InferTest, WordsAreRowsOfTheOnlyInput) {
  Declare("text", "BYTES", {-1, 1});
  Answer("translation", "BYTES", {2, 1}, FrameBytesElement("Hola") + FrameBytesElement("[sí]"));
  EXPECT_EQ(Run({"Hello", "[a, b]"}), 0) << err_;
  EXPECT_EQ(asked().model_name(), "m");
  EXPECT_THAT(asked().inputs(0).shape(), ElementsAre(2, 1));
  EXPECT_EQ(asked().raw_input_contents(0),
            FrameBytesElement("Hello") + FrameBytesElement("[a, b]"));
  EXPECT_EQ(out_,
            "translation BYTES[2,1]\n"
            "  Hola\n"
            "  [sí]\n"
            "m version 3 in 0 µs\n");
  EXPECT_EQ(Run({"-q", "x"}), 0);
  EXPECT_EQ(out_, "Hola\n[sí]\n");
}

TEST_F(InferTest, ATextComesFromStandardInputWhereNoneIsNamed) {
  Declare("text", "BYTES", {-1, 1});
  EXPECT_EQ(Run({}, "from a pipe\n"), 0) << err_;
  EXPECT_EQ(asked().raw_input_contents(0), FrameBytesElement("from a pipe"));
  EXPECT_EQ(Run({"-"}, "dash"), 0) << err_;
  EXPECT_EQ(asked().raw_input_contents(0), FrameBytesElement("dash"));
}

TEST_F(InferTest, NumbersAreOfTheTypeThatTheModelDeclares) {
  Declare("a", "INT32", {-1, 4});
  Declare("b", "FP32", {2});
  Declare("c", "BOOL", {-1});
  EXPECT_EQ(Run({"-i", "a=1,2,3,4", "-i", "a=-5,6,7,8", "--input", "b:=[1.5, \"NaN\"]", "-i",
                 "c=true, false"}),
            0)
      << err_;
  ASSERT_EQ(asked().inputs_size(), 3);
  EXPECT_EQ(asked().inputs(0).datatype(), "INT32");
  EXPECT_THAT(asked().inputs(0).shape(), ElementsAre(2, 4));
  EXPECT_THAT(AskedElements<int32_t>(0), ElementsAre(1, 2, 3, 4, -5, 6, 7, 8));
  EXPECT_THAT(AskedElements<float>(1), ElementsAre(1.5, ::testing::IsNan()));
  EXPECT_THAT(asked().inputs(2).shape(), ElementsAre(2));
  EXPECT_THAT(AskedElements<uint8_t>(2), ElementsAre(1, 0));
}

TEST_F(InferTest, WhatIsNoElementIsRefusedBeforeItIsSent) {
  Declare("a", "INT8", {-1, 2});
  for (const auto& [input, complaint] : std::vector<std::pair<std::string, std::string>>{
           {"a=1,x", "'x' is no INT8"},
           {"a=1,200", "'200' is no INT8"},
           {"a=1", "1 element came, a multiple of 2 is expected"},
           {"a:=[1.5,2]", "'1.5' is no INT8"},
           {"a:=[[1,2],[3]]", "uneven"},
           {"a:=[1,",
            "--input a: what came is no JSON at line 1, column 4: unexpected end of input"},
           {"a:=[1, 2, 1.5, 2]", "element 2: '1.5' is no INT8"},
           {"a=1,2,3", "3 elements came, a multiple of 2 is expected"},
           {"a", "NAME=VALUE"},
           {"a2=1,2", "no input 'a2' (did you mean a?)"},
           {"a=@/no/such/file", "cannot read /no/such/file"}}) {
    EXPECT_EQ(Run({"-i", input}), 2) << input;
    EXPECT_THAT(err_, HasSubstr(complaint));
  }
  EXPECT_EQ(asked().inputs_size(), 0);
}

TEST_F(InferTest, WithoutInputsItSaysWhichThereAre) {
  Declare("a", "INT32", {-1, 4});
  Declare("b", "BYTES", {-1, 1});
  EXPECT_EQ(Run({}), 2);
  EXPECT_THAT(err_, HasSubstr("no input came; it takes 'a' INT32[-1,4], 'b' BYTES[-1,1]"));
  EXPECT_EQ(Run({"5"}), 2);
  EXPECT_THAT(err_, HasSubstr("has 2 inputs; name each with --input"));
}

TEST_F(InferTest, DataIsJsonOfNamesOrTheRestForm) {
  Declare("a", "INT64", {-1, 2});
  Declare("b", "BYTES", {-1, 1});
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/data.json";
  std::ofstream(file) << R"({"a": [[9007199254740993, 2], [3, 4]], "b": ["x", {"b64": "/w=="}]})";
  EXPECT_EQ(Run({"--data", file}), 0) << err_;
  EXPECT_THAT(AskedElements<int64_t>(0), ElementsAre(9007199254740993, 2, 3, 4));
  EXPECT_THAT(asked().inputs(1).shape(), ElementsAre(2, 1));
  EXPECT_EQ(asked().raw_input_contents(1), FrameBytesElement("x") + FrameBytesElement("\xff"));

  EXPECT_EQ(Run({"-d", "-"}, R"({"id": "7", "inputs": [
      {"name": "a", "shape": [1, 2], "datatype": "INT64", "data": [5, 6]},
      {"name": "b", "data": ["y"]}],
      "outputs": [{"name": "o"}], "parameters": {"n": 5, "on": true}})"),
            0)
      << err_;
  EXPECT_EQ(asked().id(), "7");
  EXPECT_THAT(asked().inputs(0).shape(), ElementsAre(1, 2));
  EXPECT_EQ(asked().outputs(0).name(), "o");
  EXPECT_EQ(asked().parameters().at("n").int64_param(), 5);
  EXPECT_TRUE(asked().parameters().at("on").bool_param());
  EXPECT_EQ(Run({"-d", "-"}, "[1]"), 2);
  EXPECT_THAT(err_, HasSubstr("an object is expected"));
}

TEST_F(InferTest, AFieldThatTheRestFormDoesNotHaveIsRefusedByName) {
  Declare("a", "INT64", {-1, 2});
  for (const auto& [data, complaint] : std::vector<std::pair<std::string, std::string>>{
           {R"({"inputs": [], "output": []})",
            "--data (standard input) has an unknown field 'output' (did you mean 'outputs'?); its "
            "fields are id, inputs, outputs, parameters"},
           {R"({"inputs": [{"name": "a", "shap": [1, 2], "data": [1, 2]}]})",
            "inputs[0] has an unknown field 'shap' (did you mean 'shape'?)"},
           {R"({"inputs": [], "outputs": [{"name": "o", "x": 1}]})",
            "outputs[0] has an unknown field 'x'; its fields are name, parameters"},
           {R"({"inputs": [], "outputs": [{"nam": "o"}]})", "outputs[0] must have a \"name\""},
           {R"({"inputs": {}})", "inputs: an array is expected, and no object"},
           {R"({"inputs": [], "outputs": {}})", "outputs: an array is expected, and no object"},
           {R"({"inputs": [], "parameters": 5})",
            "parameters: an object is expected, and no number"},
           {R"({"inputs": [], "id": 5})", "id: a string is expected, and no number"}}) {
    EXPECT_EQ(Run({"-d", "-"}, data), 2) << data;
    EXPECT_THAT(err_, HasSubstr(complaint));
  }
  EXPECT_EQ(asked().inputs_size(), 0);
  EXPECT_EQ(Run({"-d", "-"}, R"({"inputs": [
      {"name": "a", "data": [1, 2], "parameters": {"p": 1}}],
      "outputs": [{"name": "o", "parameters": {"binary_data": false}}]})"),
            0)
      << err_;
  EXPECT_EQ(asked().inputs(0).parameters().at("p").int64_param(), 1);
  EXPECT_FALSE(asked().outputs(0).parameters().at("binary_data").bool_param());
}

TEST_F(InferTest, ElementsAreCountedAndNoBytes) {
  Declare("a", "INT64", {-1, 2});
  for (const auto& [shape, complaint] : std::vector<std::pair<std::string, std::string>>{
           {"[2, 2]", "input 'a' INT64[-1,2]: 3 elements came, and the shape [2, 2] has 4"},
           {"[-1, 2]", "the shape [-1, 2] has a negative size"}}) {
    EXPECT_EQ(Run({"-d", "-"},
                  R"({"inputs": [{"name": "a", "data": [1, 2, 3], "shape": )" + shape + "}]}"),
              2);
    EXPECT_THAT(err_, HasSubstr(complaint));
  }
}

TEST_F(InferTest, TextThatIsNoJsonIsSaidWithItsPlace) {
  Declare("a", "INT64", {-1, 2});
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/data.json";
  std::ofstream(file) << "{\n  \"a\": [1,, 2]}";
  EXPECT_EQ(Run({"--data", file}), 2);
  EXPECT_THAT(err_, HasSubstr("--data " + file +
                              ": what came is no JSON at line 2, column 11: unexpected ','"));
  EXPECT_EQ(Run({"-i", "a:=[1, 1e999]"}), 2);
  EXPECT_THAT(err_, HasSubstr("--input a: what came is JSON with a number out of range"));
  EXPECT_EQ(Run({"-i", "a=1,2", "-p", "p:={"}), 2);
  EXPECT_THAT(err_, HasSubstr("--parameter p: what came is no JSON at line 1, column 2"));
}

TEST_F(InferTest, AKeyThatComesTwiceInOneObjectIsRefusedByName) {
  Declare("a", "BYTES", {-1});
  for (const auto& [data, key] : std::vector<std::pair<std::string, std::string>>{
           {R"({"a": "x", "a": "y"})", "a"},
           {R"({"a": "x", "\u0061": "y"})", "a"},
           {R"({"a": [{"b64": "/w==", "b64": "AA=="}]})", "b64"},
           {R"({"inputs": [], "inputs": [{"name": "a", "data": ["x"]}]})", "inputs"},
           {R"({"inputs": [{"name": "a", "data": ["x"], "data": ["y"]}]})", "data"},
           {R"({"inputs": [], "parameters": {"n": 1, "o": {}, "n": 2}})", "n"}}) {
    EXPECT_EQ(Run({"-d", "-"}, data), 2) << data;
    EXPECT_THAT(
        err_, HasSubstr("--data (standard input): the key '" + key + "' comes twice in one object"))
        << data;
  }
  EXPECT_EQ(Run({"-i", R"(a:=[{"b64": "", "b64": ""}])"}), 2);
  EXPECT_THAT(err_, HasSubstr("--input a: the key 'b64' comes twice in one object"));
  EXPECT_EQ(Run({"-i", "a=x", "-p", R"(p:={"k": 1, "k": 2})"}), 2);
  EXPECT_THAT(err_, HasSubstr("--parameter p: the key 'k' comes twice in one object"));
  EXPECT_EQ(asked().inputs_size(), 0);
}

TEST_F(InferTest, AKeyMayComeInSeveralObjects) {
  Declare("a", "BYTES", {-1});
  EXPECT_EQ(Run({"-d", "-"}, R"({"a": [{"b64": "eA=="}, {"b64": "eQ=="}]})"), 0) << err_;
  EXPECT_EQ(asked().raw_input_contents(0), FrameBytesElement("x") + FrameBytesElement("y"));
}

TEST_F(InferTest, AFileIsOneElementOfBytesOrTheRawNumbers) {
  Declare("sound", "BYTES", {-1, 1});
  Declare("samples", "INT16", {-1});
  const TemporaryDirectory directory;
  std::ofstream(directory.path() + "/wav") << "RIFF\n";
  std::ofstream(directory.path() + "/raw") << std::string("\1\0\2\0", 4);
  EXPECT_EQ(Run({"-i", "sound=@" + directory.path() + "/wav", "-i",
                 "samples=@" + directory.path() + "/raw"}),
            0)
      << err_;
  EXPECT_EQ(asked().raw_input_contents(0), FrameBytesElement("RIFF\n"));
  EXPECT_THAT(AskedElements<int16_t>(1), ElementsAre(1, 2));
}

TEST_F(InferTest, AnElementOfBytesNeedNotBeUtf8) {
  Declare("sound", "BYTES", {-1, 1});
  EXPECT_EQ(Run({"a\xff"}), 0) << err_;
  EXPECT_EQ(asked().raw_input_contents(0), FrameBytesElement("a\xff"));
  EXPECT_EQ(Run({"-i", "sound=\xfe"}), 0) << err_;
  EXPECT_EQ(asked().raw_input_contents(0), FrameBytesElement("\xfe"));
}

TEST_F(InferTest, ParametersOutputsVersionAndMetadataAreSent) {
  Declare("text", "BYTES", {-1, 1});
  EXPECT_EQ(Run({"x", "-p", "priority=2", "-p", "mode=fast", "-p", "half=0.5", "-p", "id:=\"5\"",
                 "-o", "one,two", "--model-version", "4", "--tag", "t", "--tenant", "acme",
                 "--cache-control", "no-store"}),
            0)
      << err_;
  EXPECT_EQ(asked().model_version(), "4");
  EXPECT_EQ(asked().parameters().at("priority").int64_param(), 2);
  EXPECT_EQ(asked().parameters().at("mode").string_param(), "fast");
  EXPECT_EQ(asked().parameters().at("half").double_param(), 0.5);
  EXPECT_EQ(asked().parameters().at("id").string_param(), "5");
  EXPECT_EQ(asked().outputs_size(), 2);
  EXPECT_EQ(server_.inference.asked_metadata["souvenir-tags"], "t");
  EXPECT_EQ(server_.inference.asked_metadata["souvenir-tenant"], "acme");
  EXPECT_EQ(server_.inference.asked_metadata["cache-control"], "no-store");
}

TEST_F(InferTest, WhatTheServerIgnoresIsTold) {
  Declare("text", "BYTES", {-1, 1});
  EXPECT_EQ(Run({"x", "--tag", "t"}), 0);
  EXPECT_THAT(err_, HasSubstr("this server is no gateway"));
  server_.inference.headers = {{"souvenir-cache", "miss=1"}};
  EXPECT_EQ(Run({"x", "--tag", "t", "--tenant", "acme"}), 0);
  EXPECT_THAT(err_, IsEmpty());
  server_.inference.headers["souvenir-tenant"] = "ignored";
  EXPECT_EQ(Run({"x", "--tenant", "acme"}), 0);
  EXPECT_THAT(err_, HasSubstr("the gateway ignored --tenant"));
  EXPECT_EQ(Run({"x"}), 0);
  EXPECT_THAT(err_, IsEmpty());
}

TEST_F(InferTest, ShowsNumbersInRowsAndWhereTheAnswerCameFrom) {
  Declare("text", "BYTES", {-1, 1});
  Answer("sums", "FP16", {2, 2}, std::string("\x00\x3c\x00\xc0\x00\x7c\x01\x00", 8));
  server_.inference.headers = {{"souvenir-cache", "memory=1"}, {"souvenir-key", "00ff"}};
  EXPECT_EQ(Run({"x", "-v"}), 0) << err_;
  EXPECT_EQ(out_,
            "sums FP16[2,2]\n"
            "  1 -2\n"
            "  Infinity 5.9604645e-08\n"
            "m version 3 in 0 µs: memory=1\n"
            "souvenir-key 00ff\n");
}

TEST_F(InferTest, JsonIsTheRestForm) {
  Declare("text", "BYTES", {-1, 1});
  Answer("o", "FP32", {1, 2}, FromElements<float>({0.1F, INFINITY}));
  server_.inference.headers = {{"souvenir-cache", "miss=1"}};
  (*server_.inference.answer.mutable_parameters())["took"].set_int64_param(5);
  EXPECT_EQ(Run({"x", "--json"}), 0) << err_;
  EXPECT_EQ(out_,
            R"({"model_name":"m","model_version":"3","id":"","parameters":{"took":5},)"
            R"("outputs":[{"name":"o","datatype":"FP32","shape":[1,2],"data":[0.1,"Infinity"]}],)"
            R"("headers":{"souvenir-cache":"miss=1"}})"
            "\n");
}

TEST_F(InferTest, AMalformedAnswerIsNotShown) {
  Declare("text", "BYTES", {-1, 1});
  Answer("o", "FP32", {1, 2}, "abc");
  EXPECT_EQ(Run({"x"}), 1);
  EXPECT_THAT(out_, IsEmpty());
  EXPECT_THAT(err_, HasSubstr("malformed"));
}

TEST_F(InferTest, AnUnknownModelIsNamedWithTheNearest) {
  server_.inference.index.add_models()->set_name("primes");
  server_.inference.metadata.set_name("primes");
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  Console console{.in = in, .out = out, .err = err, .clock = &clock_};
  EXPECT_EQ(RunCommandLine({"--server", server_.address(), "infer", "prims", "1"}, "", console), 1);
  EXPECT_THAT(err.str(), HasSubstr("did you mean 'primes'?"));
}

}  // namespace
}  // namespace souvenir::cli
