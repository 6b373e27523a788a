#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/gate.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// An Upstream over one gRPC channel, which reconnects by itself.
class GrpcUpstream final : public Upstream {
 public:
  struct Options {
    std::string admin_address;             // for Load() and Unload()
    std::string address;                   // "host:port" or any name that gRPC resolves
    size_t max_message_bytes = 64u << 20;  // of one request or answer
  };

  explicit GrpcUpstream(const Options& options);
  // Waits for the callbacks of all calls; cancel them first.
  ~GrpcUpstream() override;

  std::shared_ptr<Call> Infer(std::unique_ptr<inference::ModelInferRequest> request,
                              absl::Duration timeout,
                              Done<inference::ModelInferResponse> done) override;
  void Statistics(std::unique_ptr<inference::ModelStatisticsRequest> request,
                  absl::Duration timeout, Done<inference::ModelStatisticsResponse> done) override;
  void Load(std::unique_ptr<inference::RepositoryModelLoadRequest> request, absl::Duration timeout,
            Done<inference::RepositoryModelLoadResponse> done) override;
  void Unload(std::unique_ptr<inference::RepositoryModelUnloadRequest> request,
              absl::Duration timeout, Done<inference::RepositoryModelUnloadResponse> done) override;
  absl::StatusOr<souvenir::state::v1::KnownModels> Describe(const std::vector<std::string>& names,
                                                            absl::Duration timeout) override;
  const std::string& address() const override { return options_.address; }

 private:
  struct Stubs;

  // Starts `method` of the service's or the admin's stub.
  template <typename Stub, typename Request, typename Response, typename Method>
  std::shared_ptr<Call> Start(Stub& stub, Method method, std::unique_ptr<Request> request,
                              absl::Duration timeout, Done<Response> done);

  absl::Status DescribeModel(std::chrono::system_clock::time_point deadline,
                             souvenir::state::v1::KnownModel* model);

  const Options options_;
  const std::unique_ptr<Stubs> stubs_;
  Gate calls_;
};

}  // namespace souvenir::gateway
