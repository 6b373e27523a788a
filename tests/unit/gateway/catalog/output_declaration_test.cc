#include "gateway/catalog/output_declaration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

using testing::ElementsAre;

TEST(OutputDeclarationTest, TheConfigurationSaysAndElseTheMetadata) {
  souvenir::state::v1::KnownModel known = TextModel("m", "in", "z");
  auto* const output = known.mutable_config()->add_output();
  output->set_name("b");
  output->set_data_type(inference::TYPE_FP32);
  output->add_dims(-1);
  output->add_dims(3);
  *known.mutable_metadata()->add_outputs() = known.metadata().outputs(0);
  known.mutable_metadata()->mutable_outputs(1)->set_name("b");
  const std::vector<OutputDeclaration> declared = DeclaredOutputs(known);
  ASSERT_EQ(declared.size(), 2u);
  EXPECT_EQ(declared[0].name, "b");
  EXPECT_EQ(declared[0].datatype, DataType::kFp32);
  EXPECT_THAT(*declared[0].dims, ElementsAre(-1, 3));
  EXPECT_EQ(declared[1].name, "z");
  EXPECT_EQ(declared[1].datatype, DataType::kBytes);
  EXPECT_THAT(*declared[1].dims, ElementsAre(1)) << "without the dimension of rows";

  known.mutable_config()->set_max_batch_size(0);
  EXPECT_THAT(*DeclaredOutputs(known)[1].dims, ElementsAre(-1, 1)) << "there is none";
}

TEST(OutputDeclarationTest, WhatIsNotToldIsNotDeclared) {
  souvenir::state::v1::KnownModel known = TextModel("m", "in", "out");
  known.mutable_config()->add_output()->set_name("out");
  auto* const output = known.mutable_metadata()->mutable_outputs(0);
  output->set_datatype("");
  output->clear_shape();
  const std::vector<OutputDeclaration> declared = DeclaredOutputs(known);
  ASSERT_EQ(declared.size(), 1u);
  EXPECT_EQ(declared[0].datatype, DataType::kInvalid);
  EXPECT_EQ(declared[0].dims, std::nullopt);
  EXPECT_TRUE(DeclaredOutputs({}).empty());
}

}  // namespace
}  // namespace souvenir::gateway
