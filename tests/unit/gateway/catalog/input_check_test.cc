#include "gateway/catalog/input_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

using testing::HasSubstr;

class InputCheckTest : public testing::Test {
 protected:
  InputCheckTest() {
    souvenir::state::v1::KnownModels models;
    auto configured = TextModel("configured", "in", "out");
    auto* const input = configured.mutable_config()->add_input();
    input->set_name("in");
    input->set_data_type(inference::TYPE_INT64);
    input->add_dims(2);
    auto* const optional = configured.mutable_config()->add_input();
    *optional = *input;
    optional->set_name("more");
    optional->set_optional(true);
    *models.add_models() = configured;
    *models.add_models() = TextModel("described", "in", "out");
    catalog_.Update(models);
  }

  std::string Check(const std::string& model, const std::vector<InputForm>& inputs) {
    return std::string(CheckInputForms(**catalog_.snapshot()->Find(model, ""), inputs).message());
  }

  Catalog catalog_{Catalog::Options{}};
};

TEST_F(InputCheckTest, WhatIsDeclaredIsCompared) {
  const std::vector<int64_t> fits = {5, 2};
  const std::vector<int64_t> other = {5, 3};
  EXPECT_EQ(Check("configured", {{.name = "in"}}), "");
  EXPECT_EQ(Check("configured", {{.name = "in", .datatype = DataType::kInt64, .shape = fits}}), "");
  EXPECT_THAT(Check("configured", {{.name = "in", .shape = other}}),
              HasSubstr("has the shape [5, 3]; it must be [-1, 2]"));
  EXPECT_THAT(Check("configured", {{.name = "in", .datatype = DataType::kBytes}}),
              HasSubstr("has the datatype BYTES; it must be INT64"));
  EXPECT_THAT(Check("configured", {{.name = "more"}}), HasSubstr("input 'in' is missing"));
  EXPECT_THAT(Check("configured", {{.name = "in"}, {.name = "in"}}), HasSubstr("comes twice"));
  EXPECT_THAT(Check("configured", {{.name = "inn"}}), HasSubstr("there is no input 'inn'"));
}

TEST_F(InputCheckTest, MetadataAreEnoughForNamesAndDatatypes) {
  EXPECT_EQ(Check("described", {{.name = "in", .datatype = DataType::kBytes}}), "");
  EXPECT_THAT(Check("described", {{.name = "in", .datatype = DataType::kInt64}}),
              HasSubstr("it must be BYTES"));
}

TEST_F(InputCheckTest, OutputsAreFoundByNameOrAlone) {
  const CatalogModelPtr model = *catalog_.snapshot()->Find("described", "");
  EXPECT_EQ((*FindOutput(*model, ""))->name, "out");
  EXPECT_EQ((*FindOutput(*model, "out"))->name, "out");
  EXPECT_THAT(std::string(FindOutput(*model, "x").status().message()),
              HasSubstr("has no output 'x'; there are: out"));
  EXPECT_TRUE(CheckInputDatatype(*model, "in", DataType::kBytes).ok());
  EXPECT_FALSE(CheckInputDatatype(*model, "in", DataType::kBool).ok());
}

}  // namespace
}  // namespace souvenir::gateway
