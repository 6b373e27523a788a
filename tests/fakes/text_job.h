#pragma once

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/tensor/bytes_elements.h"
#include "common/tensor/tensor.h"
#include "compute-service/pool/job.h"

namespace souvenir::compute {

using Result = absl::StatusOr<InferenceResult>;

// Returns a job for a model of EchoConfig(), with a row for each of `texts`, and the future of its
// answer. The job owns the texts.
inline std::pair<Job, std::future<Result>> MakeTextJob(const std::vector<std::string>& texts) {
  auto owned = std::make_shared<Tensor>();
  owned->shape = {static_cast<int64_t>(texts.size()), 1};
  for (const std::string& text : texts) AppendBytesElement(text, &owned->data);
  auto answer = std::make_shared<std::promise<Result>>();
  Job job;
  job.inputs = {{"text", DataType::kBytes, owned->shape, owned->data}};
  job.outputs = {"echo"};
  job.rows = owned->shape[0];
  job.done = [owned, answer](Result result) { answer->set_value(std::move(result)); };
  return {std::move(job), answer->get_future()};
}

// Submits a job with one text to a pool or a model. The future gets the answer or the refusal.
template <typename Taker>
std::future<Result> AskText(Taker& taker, const std::string& text) {
  auto [job, answer] = MakeTextJob({text});
  const auto submitted = taker.Submit(std::move(job));
  if (submitted.ok()) return std::move(answer);
  std::promise<Result> refused;
  refused.set_value(submitted.status());
  return refused.get_future();
}

}  // namespace souvenir::compute
