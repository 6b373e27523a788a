#include "common/grpc/grpc_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/time/time.h"
#include "common/grpc/http2_limits.h"
#include "standard/health.grpc.pb.h"
#include "standard/reflection.grpc.pb.h"

namespace souvenir {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using grpc::reflection::v1alpha::ServerReflection;
using grpc::reflection::v1alpha::ServerReflectionRequest;
using grpc::reflection::v1alpha::ServerReflectionResponse;

class GrpcServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = GrpcServer::Start({.address = "127.0.0.1:0"});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->port()),
                                   grpc::InsecureChannelCredentials());
    health_ = Health::NewStub(channel_);
  }

  // Returns "SERVING", "NOT_SERVING", or the number of the status code.
  std::string Check(const std::string& service) {
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    grpc::ClientContext context;
    const grpc::Status status = health_->Check(&context, request, &response);
    if (!status.ok()) return std::to_string(status.error_code());
    return HealthCheckResponse::ServingStatus_Name(response.status());
  }

  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Health::Stub> health_;
};

TEST_F(GrpcServerTest, TellsTheHealthOfItsParts) {
  EXPECT_EQ(Check(""), "SERVING");
  EXPECT_EQ(Check("a model"), std::to_string(grpc::StatusCode::NOT_FOUND));
  server_->SetServing("a model", true);
  EXPECT_EQ(Check("a model"), "SERVING");
  server_->SetServing("", false);
  EXPECT_EQ(Check(""), "NOT_SERVING");
  server_->RemoveHealth("a model");
  EXPECT_EQ(Check("a model"), std::to_string(grpc::StatusCode::NOT_FOUND));
  server_->RemoveHealth("a model");  // does not change anything
}

TEST_F(GrpcServerTest, AnUnknownPartIsNamedWithThoseThereAre) {
  const auto ask = [this](const std::string& part) {
    HealthCheckRequest request;
    request.set_service(part);
    HealthCheckResponse response;
    grpc::ClientContext context;
    return health_->Check(&context, request, &response).error_message();
  };
  EXPECT_EQ(ask("primes"), "this server has no part 'primes'; its parts are: none");
  server_->SetServing("souvenir.disk", true);
  server_->SetServing("primes", false);
  EXPECT_EQ(ask("prims"),
            "this server has no part 'prims' (did you mean 'primes'?); its parts are: primes, "
            "souvenir.disk");
  for (int i = 0; i < 1000; ++i) server_->SetServing("model " + std::to_string(i), true);
  const std::string message = ask(std::string(5000, 'x'));
  EXPECT_LT(message.size(), 2100u);
  EXPECT_THAT(ask("x"), ::testing::EndsWith(" and 982 more"));
}

TEST_F(GrpcServerTest, AWatchIsToldOfEachChangeAndEndsWithTheServer) {
  HealthCheckRequest request;
  request.set_service("a model");
  grpc::ClientContext context;
  const auto watch = health_->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  server_->SetServing("another", true);
  for (const bool serving : {true, false}) {
    server_->SetServing("a model", serving);
    server_->SetServing("a model", serving);  // does not change anything
    ASSERT_TRUE(watch->Read(&response));
    EXPECT_EQ(response.status(),
              serving ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING);
  }
  server_->RemoveHealth("a model");
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  server_->SetServing("a model", true);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
  server_->Shutdown(absl::Hours(1));
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcServerTest, ReflectionNamesServicesAndHasTheirFiles) {
  const auto stub = ServerReflection::NewStub(channel_);
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  const auto ask = [&](const ServerReflectionRequest& request) {
    ServerReflectionResponse response;
    EXPECT_TRUE(stream->Write(request));
    EXPECT_TRUE(stream->Read(&response));
    return response;
  };
  ServerReflectionRequest request;
  request.set_list_services("*");
  std::vector<std::string> names;
  const ServerReflectionResponse list = ask(request);
  for (const auto& service : list.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("grpc.health.v1.Health",
                                                     "grpc.reflection.v1alpha.ServerReflection"));

  request.set_file_containing_symbol("grpc.health.v1.Health");
  EXPECT_EQ(ask(request).file_descriptor_response().file_descriptor_proto_size(), 1);
  request.set_file_by_filename("standard/reflection.proto");
  EXPECT_EQ(ask(request).file_descriptor_response().file_descriptor_proto_size(), 1);
  request.set_all_extension_numbers_of_type("google.protobuf.FieldOptions");
  EXPECT_EQ(ask(request).all_extension_numbers_response().base_type_name(),
            "google.protobuf.FieldOptions");

  request.set_file_containing_symbol("no.such.Symbol");
  EXPECT_EQ(ask(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  request.mutable_file_containing_extension()->set_containing_type("no.such.Type");
  EXPECT_EQ(ask(request).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  request.Clear();
  EXPECT_EQ(ask(request).error_response().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

// A client that sends HTTP/2's greeting and the given bytes, and then nothing, like an unused
// channel of Python: it never confirms the end of the connection.
class SilentClient {
 public:
  SilentClient(int port, std::string_view sends) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    constexpr std::string_view kHello("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
    const std::string all = std::string(kHello) + std::string(sends);
    EXPECT_EQ(send(fd_, all.data(), all.size(), 0), static_cast<ssize_t>(all.size()));
    char byte = 0;
    EXPECT_EQ(recv(fd_, &byte, 1, 0), 1);
  }
  SilentClient(const SilentClient&) = delete;
  SilentClient& operator=(const SilentClient&) = delete;
  ~SilentClient() { close(fd_); }

  // Returns once the server has closed the connection.
  void ReadToTheEnd() const {
    char byte = 0;
    while (recv(fd_, &byte, 1, 0) > 0) continue;
  }

 private:
  const int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

TEST_F(GrpcServerTest, AStopDoesNotWaitForConnectionsWithoutACall) {
  const SilentClient client(server_->port(), "");
  EXPECT_EQ(Check(""), "SERVING");  // opens another connection, which is idle too
  EXPECT_EQ(server_->connections().open, 2);
  server_->Shutdown(absl::Hours(1));
  client.ReadToTheEnd();
}

// Returns a frame of HTTP/2 on stream 1.
std::string Frame(char kind, char flags, const std::string& payload) {
  const std::string head{0, 0, static_cast<char>(payload.size()), kind, flags, 0, 0, 0, 1};
  return head + payload;
}

// Returns a header field as a literal of HPACK.
std::string Field(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name +
         static_cast<char>(value.size()) + value;
}

TEST_F(GrpcServerTest, AStopDoesNotWaitForCallsThatHaveComeByHalf) {
  const std::string fields = Field(":method", "POST") + Field(":scheme", "http") +
                             Field(":path", "/grpc.health.v1.Health/Check");
  const std::string more = Field("content-type", "application/grpc") + Field("te", "trailers");
  constexpr char kData = 0;
  constexpr char kHeaders = 1;
  constexpr char kEndHeaders = 4;
  const std::string headers = Frame(kHeaders, kEndHeaders, fields + more);
  const std::string data = Frame(kData, 0, std::string("\0\0\0\0\x02\x0a\0", 7));
  const SilentClient clients[] = {
      {server_->port(), headers},
      {server_->port(), headers + data.substr(0, 10)},                  // half a frame
      {server_->port(), headers + Frame(kData, 0, data.substr(9, 6))},  // half a message
      {server_->port(), Frame(kHeaders, 0, fields)},                    // half a header block
      {server_->port(), headers.substr(0, 20)}};                        // half a frame of headers
  while (server_->open_calls() < std::size(clients)) std::this_thread::yield();
  server_->Shutdown(absl::Hours(1));
  for (const SilentClient& client : clients) client.ReadToTheEnd();
}

TEST_F(GrpcServerTest, OpenCallsAreThoseOfThisServer) {
  auto other = GrpcServer::Start({.address = "127.0.0.1:0"});
  ASSERT_TRUE(other.ok()) << other.status();
  grpc::ClientContext context;
  const auto watch = health_->Watch(&context, {});
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(server_->open_calls(), 1);
  EXPECT_EQ((*other)->open_calls(), 0);
}

}  // namespace
}  // namespace souvenir
