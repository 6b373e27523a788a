#include "gateway/language/translator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/language/composed_text.h"
#include "common/language/language_tag.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/tensor_codec.h"

namespace souvenir::gateway {
namespace {

// The tensors of every translation model (docs/translation-engine.md): each row is one text.
constexpr std::string_view kInput = "text";
constexpr std::string_view kOutput = "translation";
constexpr std::array<int64_t, 2> kRowShape = {1, 1};

}  // namespace

Question TranslationPlan::QuestionFor(const Item& item) const {
  return {item.target, {TensorView{kInput, DataType::kBytes, kRowShape, framed_text}}};
}

absl::StatusOr<std::string_view> TranslatedText(const cache::Entry& entry) {
  SOUVENIR_ASSIGN_OR_RETURN(const DecodedTensors outputs, DecodedTensors::Decode(entry.value()));
  const std::optional<TensorView> output = outputs.Find(kOutput);
  if (!output || output->datatype != DataType::kBytes) {
    return absl::InternalError(fmt::format("the answer of model '{}' has no BYTES output '{}'",
                                           entry.origin().model(), kOutput));
  }
  BytesElementReader reader(output->data);
  const std::optional<std::string_view> text = reader.Next();
  if (!text || !reader.complete()) {
    return absl::InternalError(
        fmt::format("the answer of model '{}' is not one text", entry.origin().model()));
  }
  return *text;
}

Translator::Translator(const Options& options, const Catalog* catalog)
    : options_(options),
      catalog_(catalog),
      directory_(std::make_shared<const TranslationDirectory>(*catalog->snapshot())) {}

void Translator::OnCatalog(const CatalogSnapshot& snapshot) {
  directory_.Set(std::make_shared<const TranslationDirectory>(snapshot));
}

absl::Status Translator::Check(const TranslationRequest& request) const {
  if (request.text.size() > options_.max_text_bytes) {
    return absl::InvalidArgumentError(fmt::format("the text has {} bytes, and the limit is {}",
                                                  request.text.size(), options_.max_text_bytes));
  }
  if (request.target_languages.empty()) {
    return absl::InvalidArgumentError("no target language; at least one is expected");
  }
  if (request.target_languages.size() > options_.max_targets) {
    return absl::InvalidArgumentError(fmt::format("{} target languages came, and the limit is {}",
                                                  request.target_languages.size(),
                                                  options_.max_targets));
  }
  return absl::OkStatus();
}

absl::Status Translator::Plan(const TranslationRequest& request, TranslationPlan* plan) const {
  SOUVENIR_RETURN_IF_ERROR(Check(request));
  const std::shared_ptr<const TranslationDirectory> directory = directory_.Get();
  const auto known = [&](std::string_view target) {
    return directory->Knows(request.source_language, target);
  };
  const bool all_known =
      std::all_of(request.target_languages.begin(), request.target_languages.end(), known);
  if (all_known) {
    plan->source_language = request.source_language;
  } else {
    SOUVENIR_ASSIGN_OR_RETURN(plan->source_language,
                              CheckedLanguageTag(request.source_language, "source_language"));
  }
  for (const std::string_view asked : request.target_languages) {
    TranslationPlan::Item item;
    if (all_known || known(asked)) {
      item.target_language = asked;
    } else {
      SOUVENIR_ASSIGN_OR_RETURN(item.target_language, CheckedLanguageTag(asked, "target_language"));
    }
    const bool again = std::any_of(
        plan->translations.begin(), plan->translations.end(),
        [&](const auto& before) { return before.target_language == item.target_language; });
    if (!again) plan->translations.push_back(std::move(item));
  }
  SOUVENIR_RETURN_IF_ERROR(catalog_->CheckKnown());
  for (TranslationPlan::Item& item : plan->translations) {
    auto target = directory->Find(plan->source_language, item.target_language, request.engine);
    item.status = target.status();
    // An empty text needs no translation.
    if (target.ok() && !request.text.empty()) item.target = *std::move(target);
  }
  return Frame(request.text, plan);
}

absl::Status Translator::Frame(std::string_view text, TranslationPlan* plan) const {
  const std::optional<std::string> composed = ComposedText(text);
  if (composed && composed->size() > options_.max_text_bytes) {
    return absl::InvalidArgumentError(fmt::format(
        "the text has {} bytes when its letters are composed (NFC), and the limit is {}",
        composed->size(), options_.max_text_bytes));
  }
  plan->framed_text = FrameBytesElement(composed ? *composed : text);
  return absl::OkStatus();
}

}  // namespace souvenir::gateway
