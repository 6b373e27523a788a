#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compute-service/compute_service.h"
#include "tests/fakes/fake_backend.h"

namespace souvenir {

// A real compute service. Its model "echo" is cached by rows, and tests can hold it up. It can be
// started again on the same ports.
struct TestCompute {
  // Starts the service. `models` are further models that differ only in their names; `others` are
  // models that return their first input under the names of their outputs.
  void Start(const std::string& digest = "engine 1", const std::vector<std::string>& models = {},
             const std::vector<inference::ModelConfig>& others = {}) {
    config::v1::ComputeConfig config;
    config.set_listen_address(address());
    config.set_admin_address(admin_address());
    config.set_metrics_address("");
    config.set_model_repository("");
    config.mutable_pool()->set_instances(2);
    config.set_drain_timeout_seconds(0);
    auto made = std::make_unique<compute::FakeBackend>();
    backend = made.get();
    backend->SetDigest(digest);
    backend->Offer({.config = Cached("echo")});
    for (const std::string& model : models) backend->Offer({.config = Cached(model)});
    for (const inference::ModelConfig& model : others) backend->Offer({.config = model});
    std::vector<std::unique_ptr<compute::Backend>> backends;
    backends.push_back(std::move(made));
    auto started = compute::ComputeService::Create(config, std::move(backends));
    ASSERT_TRUE(started.ok()) << started.status();
    service = *std::move(started);
    port = service->port();
    admin_port = service->admin_port();
  }

  void Stop() {
    service.reset();
    backend = nullptr;
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port); }
  std::string admin_address() const { return "127.0.0.1:" + std::to_string(admin_port); }

  int port = 0;
  int admin_port = 0;
  compute::FakeBackend* backend = nullptr;  // owned by the service
  std::unique_ptr<compute::ComputeService> service;

 private:
  static inference::ModelConfig Cached(const std::string& name) {
    inference::ModelConfig config = compute::EchoConfig(name);
    config.mutable_response_cache()->set_enable(true);
    (*config.mutable_parameters())["row_exact"].set_string_value("true");
    return config;
  }
};

}  // namespace souvenir
