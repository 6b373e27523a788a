#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/published.h"
#include "gateway/catalog/catalog.h"
#include "gateway/language/speech/speech_directory.h"

namespace souvenir::gateway {

// The models for speech that the catalog has now, and the limits of requests for speech.
//
// Owned by the gateway. Thread-safe.
class SpeechModels {
 public:
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    size_t max_text_bytes = 65'536;        // of a text to speak
    size_t max_message_bytes = 16u << 20;  // of an answer in one message
  };

  // The catalog must outlive this, and report its changes with OnCatalog().
  SpeechModels(const Options& options, const Catalog* catalog)
      : options_(options),
        catalog_(catalog),
        directory_(std::make_shared<const SpeechDirectory>(*catalog->snapshot())) {}

  void OnCatalog(const CatalogSnapshot& snapshot) {
    directory_.Set(std::make_shared<const SpeechDirectory>(snapshot));
  }

  const Options& options() const { return options_; }

  std::shared_ptr<const SpeechDirectory> directory() const { return directory_.Get(); }

  // Same as Catalog::CheckKnown().
  absl::Status CheckKnown() const { return catalog_->CheckKnown(); }

 private:
  const Options options_;
  const Catalog* const catalog_;
  Published<SpeechDirectory> directory_;
};

}  // namespace souvenir::gateway
