#include "common/grpc/request_stream.h"

#include <gmock/gmock.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace souvenir {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

grpc::ByteBuffer Buffer(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

std::string Text(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  EXPECT_TRUE(buffer.DumpToSingleSlice(&slice).ok());
  return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

// A stream whose requests a test answers. Requests are numbered from 0 as they come.
class TestStream final : public RequestStream<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  TestStream(OpenStreams* streams, size_t limit)
      : RequestStream(streams, limit, absl::UnavailableError("stopping")) {}

  using RequestStream::WhenAbandoned;

  void Answer(uint64_t number, grpc::ByteBuffer response) {
    RequestStream::Answer(number, std::move(response), unread_.Add(1, [] {}));
  }
  uint64_t unread_bytes() const { return unread_.bytes(); }

  // Waits until `count` requests have come, and returns all that have.
  std::vector<std::string> WaitForRequests(size_t count) {
    MutexLock lock(&mutex_);
    while (requests_.size() < count) changed_.Wait(&mutex_);
    return requests_;
  }

  // Notes `name` among the abandoned requests if the caller goes first.
  void Watch(uint64_t number, const std::string& name) {
    WhenAbandoned(number, [this, name] {
      MutexLock lock(&mutex_);
      abandoned_.push_back(name);
      changed_.NotifyAll();
    });
  }

  std::vector<std::string> WaitForAbandoned(size_t count) {
    MutexLock lock(&mutex_);
    while (abandoned_.size() < count) changed_.Wait(&mutex_);
    return abandoned_;
  }

 private:
  void Handle(uint64_t, grpc::ByteBuffer* request) override {
    MutexLock lock(&mutex_);
    requests_.push_back(Text(*request));
    changed_.NotifyAll();
  }

  UnreadAnswers unread_{UINT64_MAX};
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> abandoned_ ABSL_GUARDED_BY(mutex_);
};

// One stream between a gRPC client and a gRPC server.
class RequestStreamTest : public ::testing::Test, private grpc::CallbackGenericService {
 protected:
  RequestStreamTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
    stub_ = std::make_unique<grpc::GenericStub>(grpc::CreateChannel(
        "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  }

  ~RequestStreamTest() override {
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
    server_->Shutdown();
  }

  // Opens the stream, which ends with `refused` if that is an error.
  void Open(size_t limit, const absl::Status& refused = absl::OkStatus()) {
    stream_ = std::make_shared<TestStream>(&streams_, limit);
    refused_ = refused;
    call_ = stub_->PrepareCall(&context_, "/test/Stream", &queue_);
    call_->StartCall(nullptr);
    EXPECT_TRUE(Succeeds());
  }

  void Send(const std::string& text) {
    call_->Write(Buffer(text), nullptr);
    EXPECT_TRUE(Succeeds());
  }

  void SendNoMore() {
    call_->WritesDone(nullptr);
    EXPECT_TRUE(Succeeds());
  }

  // Returns the next answer; "" if there are no more.
  std::string Receive() {
    grpc::ByteBuffer answer;
    call_->Read(&answer, nullptr);
    return Succeeds() ? Text(answer) : "";
  }

  // Waits for the end of the stream.
  grpc::StatusCode Finish() {
    grpc::Status status;
    call_->Finish(&status, nullptr);
    EXPECT_TRUE(Succeeds());
    return status.error_code();
  }

  OpenStreams streams_;
  std::shared_ptr<TestStream> stream_;
  grpc::ClientContext context_;

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    stream_->Begin(refused_);
    return stream_.get();
  }

  // Waits for the one operation that is under way.
  bool Succeeds() {
    void* tag;
    bool ok = false;
    EXPECT_TRUE(queue_.Next(&tag, &ok));
    return ok;
  }

  absl::Status refused_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::GenericStub> stub_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

TEST_F(RequestStreamTest, AnswersGoOutInTheOrderInWhichTheyAreReady) {
  Open(8);
  Send("a");
  Send("b");
  EXPECT_THAT(stream_->WaitForRequests(2), ElementsAre("a", "b"));
  stream_->Answer(1, Buffer("B"));
  EXPECT_EQ(Receive(), "B");
  stream_->Answer(0, Buffer("A"));
  EXPECT_EQ(Receive(), "A");
  SendNoMore();
  EXPECT_EQ(Receive(), "");
  EXPECT_EQ(Finish(), grpc::StatusCode::OK);
  EXPECT_EQ(stream_->unread_bytes(), 0u) << "all answers have been sent";
}

TEST_F(RequestStreamTest, EndsWhenTheLastRequestIsAnswered) {
  Open(8);
  Send("a");
  SendNoMore();
  stream_->WaitForRequests(1);
  stream_->Answer(0, Buffer("A"));
  EXPECT_EQ(Receive(), "A");
  EXPECT_EQ(Finish(), grpc::StatusCode::OK);
}

TEST_F(RequestStreamTest, ReadsNoMoreRequestsThanTheLimitAllows) {
  Open(1);
  Send("a");
  Send("b");
  EXPECT_THAT(stream_->WaitForRequests(1), ElementsAre("a"));
  stream_->Answer(0, Buffer("A"));
  EXPECT_EQ(Receive(), "A");
  EXPECT_THAT(stream_->WaitForRequests(2), ElementsAre("a", "b"));
  stream_->Answer(1, Buffer("B"));
  EXPECT_EQ(Receive(), "B");
  SendNoMore();
  EXPECT_EQ(Finish(), grpc::StatusCode::OK);
}

TEST_F(RequestStreamTest, AStopEndsAnIdleStreamAtOnce) {
  Open(8);
  Send("a");
  stream_->WaitForRequests(1);
  stream_->Answer(0, Buffer("A"));
  EXPECT_EQ(Receive(), "A");
  streams_.Stop();
  EXPECT_EQ(Receive(), "");
  EXPECT_EQ(Finish(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(RequestStreamTest, AStopWaitsForRequestsThatAreUnderWay) {
  Open(8);
  Send("a");
  stream_->WaitForRequests(1);
  streams_.Stop();
  stream_->Answer(0, Buffer("A"));
  EXPECT_EQ(Receive(), "A");
  EXPECT_EQ(Finish(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(RequestStreamTest, AStreamThatComesAfterTheStopEndsAtOnce) {
  streams_.Stop();
  Open(8);
  EXPECT_EQ(Finish(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(RequestStreamTest, ARefusedStreamEndsWithTheReason) {
  Open(8, absl::InvalidArgumentError("wrong metadata"));
  EXPECT_EQ(Finish(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RequestStreamTest, RequestsAreAbandonedWhenTheCallerGoes) {
  Open(8);
  for (const char* text : {"a", "b", "c"}) Send(text);
  stream_->WaitForRequests(3);
  for (uint64_t number = 0; number < 3; ++number) stream_->Watch(number, std::to_string(number));
  stream_->Answer(1, Buffer("B"));
  stream_->Watch(1, "answered");  // has no effect
  EXPECT_EQ(Receive(), "B");
  context_.TryCancel();
  EXPECT_THAT(stream_->WaitForAbandoned(2), UnorderedElementsAre("0", "2"));
  stream_->Watch(0, "late");  // at once
  EXPECT_THAT(stream_->WaitForAbandoned(3), UnorderedElementsAre("0", "2", "late"));
  stream_->Answer(0, Buffer("A"));
  stream_->Answer(2, Buffer("C"));
  EXPECT_EQ(Finish(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace souvenir
