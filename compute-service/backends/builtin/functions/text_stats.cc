#include <fmt/format.h>
#include <unicode/brkiter.h>
#include <unicode/uiter.h>
#include <unicode/unistr.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <set>
#include <string>

#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "compute-service/backends/builtin/functions/functions.h"

namespace souvenir::compute {
namespace {

struct TextStats {
  int64_t words = 0;
  int64_t lines = 0;
  int64_t distinct_words = 0;
};

absl::StatusOr<icu::UnicodeString> FromUtf8(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  int32_t length = 0;
  if (text.size() > std::numeric_limits<int32_t>::max()) {
    return absl::InvalidArgumentError(
        fmt::format("input 'TEXT' has {} bytes; it must have less than 2 GiB", text.size()));
  }
  icu::UnicodeString wide;
  const auto most = static_cast<int32_t>(text.size());  // UTF-16 never has more units than bytes
  char16_t* const buffer = wide.getBuffer(std::max(most, 1));
  if (buffer == nullptr) return absl::ResourceExhaustedError("no memory for the text");
  u_strFromUTF8(buffer, most, &length, text.data(), most, &error);
  wide.releaseBuffer(U_SUCCESS(error) ? length : 0);
  if (error == U_STRING_NOT_TERMINATED_WARNING) error = U_ZERO_ERROR;
  if (U_FAILURE(error)) {
    return absl::InvalidArgumentError(
        fmt::format("input 'TEXT': its {} bytes are not UTF-8", text.size()));
  }
  return wide;
}

absl::StatusOr<TextStats> Count(std::string_view text, icu::BreakIterator* words) {
  SOUVENIR_ASSIGN_OR_RETURN(const icu::UnicodeString wide, FromUtf8(text));
  TextStats stats;
  stats.lines =
      std::count(text.begin(), text.end(), '\n') + (text.empty() || text.back() == '\n' ? 0 : 1);
  std::set<icu::UnicodeString> distinct;
  words->setText(wide);
  int32_t begin = words->first();
  for (int32_t end = words->next(); end != icu::BreakIterator::DONE; end = words->next()) {
    // Statuses below this limit mean spaces and punctuation.
    if (words->getRuleStatus() >= UBRK_WORD_NONE_LIMIT) {
      ++stats.words;
      distinct.insert(wide.tempSubStringBetween(begin, end).foldCase());
    }
    begin = end;
  }
  stats.distinct_words = static_cast<int64_t>(distinct.size());
  return stats;
}

absl::StatusOr<std::vector<Tensor>> CountRows(const TensorView& input, icu::BreakIterator* words) {
  std::vector<int64_t> columns[3];
  BytesElementReader rows(input.data);
  while (const std::optional<std::string_view> row = rows.Next()) {
    SOUVENIR_ASSIGN_OR_RETURN(const TextStats stats, Count(*row, words));
    columns[0].push_back(stats.words);
    columns[1].push_back(stats.lines);
    columns[2].push_back(stats.distinct_words);
  }
  std::vector<Tensor> outputs;
  const std::vector<int64_t> shape(input.shape.begin(), input.shape.end());
  for (const auto& [name, column] : {std::pair("WORDS", 0), {"LINES", 1}, {"DISTINCT_WORDS", 2}}) {
    outputs.push_back({name, DataType::kInt64, shape, FromElements<int64_t>(columns[column])});
  }
  return outputs;
}

absl::StatusOr<Compute> Create(const inference::ModelConfig&) {
  UErrorCode error = U_ZERO_ERROR;
  std::shared_ptr<icu::BreakIterator> words(
      icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), error));
  if (U_FAILURE(error)) {
    return absl::FailedPreconditionError(fmt::format(
        "ICU has no rules for word boundaries ({}); install libicu72", u_errorName(error)));
  }
  return Compute(
      [words](absl::Span<const TensorView> inputs) { return CountRows(inputs[0], words.get()); });
}

}  // namespace

Function TextStatsFunction() {
  return {.name = "text_stats",
          .max_batch_size = 64,
          .inputs = {{"TEXT", inference::TYPE_STRING, {1}}},
          .outputs = {{"WORDS", inference::TYPE_INT64, {1}},
                      {"LINES", inference::TYPE_INT64, {1}},
                      {"DISTINCT_WORDS", inference::TYPE_INT64, {1}}},
          .create = Create};
}

}  // namespace souvenir::compute
