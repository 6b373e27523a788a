#include "compute-service/repository/model_digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/fakes/fake_backend.h"

namespace souvenir::compute {
namespace {

ModelDescription Echo() {
  ModelDescription description;
  description.config = EchoConfig("echo");
  (*description.config.mutable_parameters())["task"].set_string_value("echo");
  return description;
}

TEST(ModelDigestTest, IsTheSameForTheSameModel) {
  const std::string digest = ModelDigest(Echo(), "engine 1");
  EXPECT_EQ(digest.size(), 64u);
  EXPECT_EQ(digest, ModelDigest(Echo(), "engine 1"));
}

TEST(ModelDigestTest, DoesNotDependOnTheOrderOfParameters) {
  ModelDescription forward = Echo();
  ModelDescription backward = Echo();
  for (int i = 0; i < 50; ++i) {
    (*forward.config.mutable_parameters())[std::to_string(i)].set_string_value("x");
    (*backward.config.mutable_parameters())[std::to_string(49 - i)].set_string_value("x");
  }
  EXPECT_EQ(ModelDigest(forward, ""), ModelDigest(backward, ""));
}

TEST(ModelDigestTest, ChangesWithWhatCanChangeAnAnswer) {
  const std::string digest = ModelDigest(Echo(), "engine 1");
  EXPECT_NE(digest, ModelDigest(Echo(), "engine 2"));
  ModelDescription changed = Echo();
  changed.version = 2;
  EXPECT_NE(digest, ModelDigest(changed, "engine 1"));
  changed = Echo();
  (*changed.config.mutable_parameters())["task"].set_string_value("other");
  EXPECT_NE(digest, ModelDigest(changed, "engine 1"));
  changed = Echo();
  changed.config.mutable_output(0)->set_data_type(inference::TYPE_INT8);
  EXPECT_NE(digest, ModelDigest(changed, "engine 1"));
  changed = Echo();
  changed.config.set_max_batch_size(0);
  EXPECT_NE(digest, ModelDigest(changed, "engine 1"));
}

TEST(ModelDigestTest, StaysWithWhatCannot) {
  const std::string digest = ModelDigest(Echo(), "engine 1");
  ModelDescription changed = Echo();
  changed.config.add_instance_group()->set_count(4);
  changed.config.set_max_batch_size(64);
  changed.config.mutable_response_cache()->set_enable(true);
  for (const char* name : {"instances", "isolation", "max_queue_size", "nice", "run_limit_ms"}) {
    (*changed.config.mutable_parameters())[name].set_string_value("3");
  }
  changed.directory = "/elsewhere";
  EXPECT_EQ(digest, ModelDigest(changed, "engine 1"));
}

}  // namespace
}  // namespace souvenir::compute
