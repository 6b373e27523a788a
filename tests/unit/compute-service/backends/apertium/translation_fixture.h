#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "compute-service/backends/apertium/apertium_backend.h"

namespace souvenir::compute {

// A test that translates with the real engine, through the backend and its worker program.
class TranslationTest : public testing::Test {
 protected:
  static ApertiumBackend::Options Options() {
    ApertiumBackend::Options options;
    options.worker_program = SOUVENIR_WORKER_APERTIUM;
    options.start_timeout = absl::Seconds(120);  // sanitizers load slowly
    return options;
  }

  void Load(const std::string& mode, ApertiumBackend::Options options = Options()) {
    auto backend = ApertiumBackend::Create(std::move(options));
    ASSERT_TRUE(backend.ok()) << backend.status();
    ModelDescription description;
    description.config.set_name("apertium-" + mode);
    description.config.set_backend("apertium");
    const absl::Status completed = (*backend)->Complete(&description);
    ASSERT_TRUE(completed.ok()) << completed;
    auto model = (*backend)->Load(description, nullptr);
    ASSERT_TRUE(model.ok()) << model.status();
    auto instance = (*model)->CreateInstance();
    ASSERT_TRUE(instance.ok()) << instance.status();
    instance_ = nullptr;
    model_ = *std::move(model);
    instance_ = *std::move(instance);
  }

  absl::StatusOr<InferenceResult> Run(const std::vector<std::string>& texts,
                                      std::vector<int64_t> shape,
                                      absl::Duration limit = absl::Seconds(60)) {
    if (instance_ == nullptr) return absl::FailedPreconditionError("no mode is loaded");
    std::string data;
    for (const std::string& text : texts) AppendBytesElement(text, &data);
    const TensorView input{"text", DataType::kBytes, shape, data};
    const std::string output = "translation";
    return instance_->Run({.inputs = absl::MakeSpan(&input, 1),
                           .outputs = absl::MakeSpan(&output, 1),
                           .row_limit = limit});
  }

  // Returns the translation, or the status as text.
  std::string Translate(const std::string& text, absl::Duration limit = absl::Seconds(60)) {
    const auto result = Run({text}, {1}, limit);
    if (!result.ok()) return result.status().ToString();
    return std::string(*BytesElementReader(result->outputs[0].data).Next());
  }

  std::unique_ptr<Model> model_;
  std::unique_ptr<Instance> instance_;
};

}  // namespace souvenir::compute
