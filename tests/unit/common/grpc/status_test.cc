#include "common/grpc/status.h"

#include <gtest/gtest.h>

#include <string>

namespace souvenir {
namespace {

TEST(StatusTest, CodesAreTheSameNumbers) {
  for (int code = 0; code <= static_cast<int>(grpc::StatusCode::UNAUTHENTICATED); ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), code == 0 ? "" : "why");
    const grpc::Status converted = ToGrpcStatus(status);
    EXPECT_EQ(static_cast<int>(converted.error_code()), code);
    EXPECT_EQ(converted.error_message(), code == 0 ? "" : "why");
    EXPECT_EQ(FromGrpcStatus(converted), status);
  }
}

TEST(StatusTest, ALongMessageIsCutBetweenCharacters) {
  std::string text;
  while (text.size() < 10'000) text += "\xe2\x82\xac";  // three bytes each; 2048 is within one
  const std::string message = ToGrpcStatus(absl::InternalError(text)).error_message();
  EXPECT_EQ(message, text.substr(0, 2046) + "...");
  const std::string fits(2048, 'x');
  EXPECT_EQ(ToGrpcStatus(absl::InternalError(fits)).error_message(), fits);
}

TEST(StatusTest, ControlCharactersThatAMessageQuotesAreEscaped) {
  constexpr char kQuoted[] = "no model 'a\nb\x1b[31m\0'; se\xc3\xb1or \xe2\x82\xac\x7f";
  const std::string quoted(kQuoted, sizeof(kQuoted) - 1);
  const std::string told = "no model 'a\\nb\\x1b[31m\\x00'; se\xc3\xb1or \xe2\x82\xac\\x7f";
  EXPECT_EQ(ToGrpcStatus(absl::NotFoundError(quoted)).error_message(), told);
  EXPECT_EQ(ToGrpcStatus(absl::NotFoundError(told)).error_message(), told) << "as a proxy's";
}

TEST(StatusTest, AMessageThatEscapesMakeTooLongIsCut) {
  const std::string message =
      ToGrpcStatus(absl::InternalError(std::string(2048, '\x01'))).error_message();
  EXPECT_EQ(message.size(), 2048u + 3);
  EXPECT_EQ(message.substr(0, 8), "\\x01\\x01");
  EXPECT_EQ(message.substr(2040), "\\x01\\x01...");
}

}  // namespace
}  // namespace souvenir
