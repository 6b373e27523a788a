// Tests compute-service/backends/apertium/worker/case_mapping.cc, which is linked in.

#include <gtest/gtest.h>
#include <lttoolbox/string_utils.h>

namespace {

TEST(CaseMappingTest, OfNothingIsNothing) {
  EXPECT_EQ(StringUtils::tolower(u""), u"");
  EXPECT_EQ(StringUtils::toupper(u""), u"");
  EXPECT_EQ(StringUtils::totitle(u""), u"");
}

TEST(CaseMappingTest, OfWords) {
  EXPECT_EQ(StringUtils::tolower(u"El GATO y la Ñu"), u"el gato y la ñu");
  EXPECT_EQ(StringUtils::toupper(u"El gato y la ñu"), u"EL GATO Y LA ÑU");
  EXPECT_EQ(StringUtils::totitle(u"el GATO y la ñu"), u"El Gato Y La Ñu");
}

TEST(CaseMappingTest, ATextMayBecomeTwoAndThreeTimesAsLong) {
  EXPECT_EQ(StringUtils::tolower(u"İ"), u"i\u0307");
  EXPECT_EQ(StringUtils::toupper(u"ß"), u"SS");
  EXPECT_EQ(StringUtils::totitle(u"ﬁ"), u"Fi");
  EXPECT_EQ(StringUtils::toupper(u"\u0390"), u"\u0399\u0308\u0301");
}

TEST(CaseMappingTest, TheLibraryCallsTheseToo) {
  EXPECT_EQ(StringUtils::copycase(u"CASA", u"\u0390"), u"\u0399\u0308\u0301");
  EXPECT_EQ(StringUtils::copycase(u"Casa", u"ßen"), u"Ssen");
}

}  // namespace
