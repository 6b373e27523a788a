#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/models_command.h"
#include "tests/unit/cli/command_line_fixture.h"

namespace souvenir::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ModelCommandsTest : public CommandLineTest {};

TEST_F(ModelCommandsTest, ModelsShowsSignatureDigestAndWhatCannotBeDescribed) {
  auto* ready = gateway_.inference.index.add_models();
  ready->set_name("apertium-eng-spa");
  ready->set_version("1");
  ready->set_state("READY");
  ready->set_reason("loads on demand");
  auto* away = gateway_.inference.index.add_models();
  away->set_name("broken");
  away->set_state("UNAVAILABLE");
  auto& metadata = gateway_.inference.metadata;
  metadata.set_name("apertium-eng-spa");
  auto* input = metadata.add_inputs();
  input->set_name("text");
  input->set_datatype("BYTES");
  input->add_shape(-1);
  input->add_shape(1);
  (*metadata.mutable_properties())["souvenir.digest"] = "0123456789abcdef";
  EXPECT_EQ(Run({"models"}), 0);
  EXPECT_EQ(
      out_,
      "model             version  state        digest        inputs            outputs  note\n"
      "apertium-eng-spa  1        READY        0123456789ab  text BYTES[-1,1]  -        loads "
      "on demand\n"
      "broken                     UNAVAILABLE  -             -                 -        "
      "UNAVAILABLE: broken is not loaded\n");
  EXPECT_EQ(Run({"models", "broken", "--json"}), 0);
  EXPECT_THAT(out_, StartsWith("{\"models\":[{\"index\":{\"name\":\"broken\""));
  EXPECT_EQ(Run({"models", "nothing"}), 1);
  EXPECT_THAT(err_, HasSubstr("no model 'nothing'"));
}

TEST_F(ModelCommandsTest, ModelsAreLoadedAndUnloaded) {
  EXPECT_EQ(Run({"models", "load", "m"}), 0);
  EXPECT_EQ(out_, "Loaded m (0 µs).\n");
  EXPECT_EQ(Run({"models", "unload", "m"}), 0);
  EXPECT_EQ(out_, "Unloaded m (0 µs).\n");
  EXPECT_THAT(gateway_.inference.changed, ElementsAre("load m", "unload m"));
  gateway_.inference.index.add_models()->set_name("primes");
  gateway_.inference.change_status = {grpc::StatusCode::NOT_FOUND, "no model 'prims'"};
  EXPECT_EQ(Run({"models", "load", "prims"}), 1);
  EXPECT_EQ(err_, "souvenir: NOT_FOUND: no model 'prims' (did you mean 'primes'?)\n");
  EXPECT_EQ(Run({"models", "load"}), 2);
  gateway_.inference.changed.clear();
  EXPECT_EQ(Run({"models", "load", "m", "primes"}), 2);
  EXPECT_THAT(err_, HasSubstr("primes"));
  EXPECT_EQ(Run({"models", "unload", "m", "primes"}), 2);
  EXPECT_THAT(gateway_.inference.changed, ElementsAre());
}

}  // namespace
}  // namespace souvenir::cli
