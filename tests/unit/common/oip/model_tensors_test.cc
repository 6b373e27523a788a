#include "common/oip/model_tensors.h"

#include <gtest/gtest.h>

#include <string>

namespace souvenir {
namespace {

TEST(ModelTensorsTest, EveryDatatypeOfAConfigurationIsTheWiresOfThatName) {
  for (int type = 0; type < inference::DataType_ARRAYSIZE; ++type) {
    if (!inference::DataType_IsValid(type)) continue;
    inference::ModelInput input;
    input.set_data_type(static_cast<inference::DataType>(type));
    std::string expected = inference::DataType_Name(input.data_type()).substr(sizeof("TYPE_") - 1);
    if (expected == "STRING") expected = "BYTES";
    EXPECT_EQ(DataTypeName(DataTypeOf(input)), expected);
  }
}

TEST(ModelTensorsTest, NamesStandInQuotes) {
  inference::ModelConfig config;
  EXPECT_EQ(NamesOf(config.input()), "");
  config.add_input()->set_name("a");
  EXPECT_EQ(NamesOf(config.input()), "'a'");
  config.add_input()->set_name("b c");
  EXPECT_EQ(NamesOf(config.input()), "'a', 'b c'");
}

}  // namespace
}  // namespace souvenir
