#include "compute-service/workers/worker_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace souvenir::compute {
namespace {

TEST(WorkerProtocolTest, CommandsComeBackAsTheyWent) {
  const auto command = DecodeCommand(EncodeCommand({HostCommand::Kind::kEnd, 1ull << 40}));
  ASSERT_TRUE(command.ok());
  EXPECT_EQ(command->kind, HostCommand::Kind::kEnd);
  EXPECT_EQ(command->worker, 1ull << 40);
  EXPECT_FALSE(DecodeCommand("").ok());
  EXPECT_FALSE(DecodeCommand(std::string(16, '\7')).ok());
}

TEST(WorkerProtocolTest, RepliesComeBackAsTheyWent) {
  EXPECT_EQ(DecodeReply(EncodeReply({absl::OkStatus(), "exit status 1"}))->text, "exit status 1");
  EXPECT_EQ(DecodeReply(EncodeReply({absl::NotFoundError("no"), ""}))->status,
            absl::NotFoundError("no"));
  EXPECT_FALSE(DecodeReply("").ok());
  EXPECT_FALSE(DecodeReply("\x63 what").ok());
}

TEST(WorkerProtocolTest, RequestsComeBackAsTheyWent) {
  const std::vector<std::string> sent = {"one", "", std::string("a\0b", 3), "four"};
  const std::string message = EncodeRequests(sent);
  EXPECT_EQ(message.size(), 4 * kRequestLengthBytes + 10);
  const auto requests = DecodeRequests(message);
  ASSERT_TRUE(requests.ok()) << requests.status();
  EXPECT_EQ(std::vector<std::string>(requests->begin(), requests->end()), sent);
  EXPECT_EQ(EncodeRequests({""}), std::string(4, '\0'));
  EXPECT_EQ(DecodeRequests(std::string(4, '\0'))->size(), 1u);
}

TEST(WorkerProtocolTest, LengthsOfRequestsThatDoNotFitAreAnError) {
  const std::string message = EncodeRequests({"one", "two"});
  for (size_t size = 0; size < message.size(); ++size) {
    // A message that was cut between its requests is a valid one.
    const absl::Status status = DecodeRequests(message.substr(0, size)).status();
    EXPECT_EQ(status.code(), size == 7 ? absl::StatusCode::kOk : absl::StatusCode::kDataLoss)
        << size;
  }
  EXPECT_TRUE(absl::IsDataLoss(DecodeRequests(message + "x").status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeRequests("\xff\xff\xff\xff of bytes").status()));
}

TEST(WorkerProtocolTest, AnswersComeBackAsTheyWent) {
  WorkerAnswer sent;
  sent.payload = std::string("a\0b", 3);
  sent.compute_time = absl::Nanoseconds(1234);
  sent.retire = true;
  auto answer = DecodeAnswer(EncodeAnswer(sent));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->payload, sent.payload);
  EXPECT_EQ(answer->compute_time, sent.compute_time);
  EXPECT_TRUE(answer->retire);

  sent.status = absl::InvalidArgumentError("why");
  answer = DecodeAnswer(EncodeAnswer(sent));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, sent.status);
  EXPECT_EQ(answer->payload, "");

  EXPECT_FALSE(DecodeAnswer("short").ok());
  EXPECT_FALSE(DecodeAnswer(std::string(16, '\xff')).ok());
}

}  // namespace
}  // namespace souvenir::compute
