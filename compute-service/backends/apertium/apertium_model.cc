#include "compute-service/backends/apertium/apertium_model.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/language/composed_text.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/tensor_codec.h"
#include "compute-service/backends/apertium/model_config.h"

namespace souvenir::compute {
namespace {

// Translates row by row in one worker. Owned by its pool; not thread-safe.
class ApertiumInstance final : public Instance {
 public:
  ApertiumInstance(std::unique_ptr<Worker> worker, const FilesCheck* check)
      : worker_(std::move(worker)), check_(*check) {}

  absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) override {
    absl::StatusOr<InferenceResult> result = Translate(request);
    // A worker does not start the programs of its stages from files that have changed. That is an
    // error which a load ends, and this one says so.
    if (absl::IsUnavailable(result.status()) && check_) SOUVENIR_RETURN_IF_ERROR(check_());
    return result;
  }

 private:
  static constexpr int64_t kRowShape[] = {1};

  absl::StatusOr<InferenceResult> Translate(const InferenceRequest& request) {
    if (request.inputs.size() != 1 || request.inputs[0].name != kTextInput ||
        request.inputs[0].datatype != DataType::kBytes) {
      return absl::InvalidArgumentError(fmt::format(
          "expected one input, '{}' of BYTES, got {} inputs", kTextInput, request.inputs.size()));
    }
    const TensorView& text = request.inputs[0];
    Tensor translation{std::string(kTranslationOutput),
                       DataType::kBytes,
                       {text.shape.begin(), text.shape.end()},
                       ""};
    InferenceResult result;
    SOUVENIR_ASSIGN_OR_RETURN(const std::vector<Worker::Answer> answers,
                              TranslateRows(text.data, request.row_limit));
    auto answer = answers.begin();
    BytesElementReader rows(text.data);
    while (const std::optional<std::string_view> row = rows.Next()) {
      if (row->empty()) {
        AppendBytesElement("", &translation.data);
        continue;
      }
      SOUVENIR_RETURN_IF_ERROR(AppendRow(answer->payload, &translation.data));
      result.compute_time += answer->compute_time;
      ++answer;
    }
    for (const std::string& output : request.outputs) {
      if (output != kTranslationOutput) {
        return absl::InvalidArgumentError(fmt::format(
            "output '{}' does not exist; '{}' is the only output", output, kTranslationOutput));
      }
      result.outputs.push_back(translation);
    }
    return result;
  }

  // Returns the worker's answers to the rows that are not empty, in their order. They go to the
  // worker together, so that it never waits for this process between two rows.
  absl::StatusOr<std::vector<Worker::Answer>> TranslateRows(std::string_view data,
                                                            absl::Duration row_limit) {
    std::vector<std::string> requests;
    BytesElementReader rows(data);
    while (const std::optional<std::string_view> row = rows.Next()) {
      if (row->empty()) continue;
      // Dictionaries know "ñ", and not "n" with a tilde behind it.
      const std::optional<std::string> composed = ComposedText(*row);
      requests.push_back(EncodeRow(composed ? *composed : *row));
    }
    std::vector<Worker::Answer> answers;
    answers.reserve(requests.size());
    SOUVENIR_RETURN_IF_ERROR(worker_->CallAll(
        requests, row_limit, [&](Worker::Answer answer) { answers.push_back(std::move(answer)); }));
    return answers;
  }

  static std::string EncodeRow(std::string_view row) {
    const std::string element = FrameBytesElement(row);
    return EncodeTensors({TensorView{kTextInput, DataType::kBytes, kRowShape, element}});
  }

  static absl::Status AppendRow(std::string_view payload, std::string* data) {
    // An invalid answer is not the caller's fault.
    const absl::StatusOr<DecodedTensors> tensors = DecodedTensors::Decode(payload);
    const std::optional<TensorView> row =
        tensors.ok() ? tensors->Find(kTranslationOutput) : std::nullopt;
    if (!row || !ValidateTensor(*row).ok() || row->datatype != DataType::kBytes ||
        row->shape != absl::MakeSpan(kRowShape)) {
      return absl::InternalError("the worker's answer has no tensor 'translation' of shape [1]");
    }
    data->append(row->data);
    return absl::OkStatus();
  }

  const std::unique_ptr<Worker> worker_;
  const FilesCheck& check_;  // may be empty
};

}  // namespace

absl::StatusOr<std::unique_ptr<Model>> ApertiumModel::Load(WorkerHost::Options options) {
  FilesCheck check = options.check_files;
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<WorkerHost> host,
                            WorkerHost::Start(std::move(options)));
  return std::unique_ptr<Model>(new ApertiumModel(std::move(host), std::move(check)));
}

absl::StatusOr<std::unique_ptr<Instance>> ApertiumModel::CreateInstance() {
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<Worker> worker, host_->Fork());
  return std::make_unique<ApertiumInstance>(std::move(worker), &check_);
}

}  // namespace souvenir::compute
