#pragma once

#include <memory>

#include "absl/types/span.h"
#include "compute-service/backends/backend.h"
#include "compute-service/repository/served_model.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::compute {

// Functions that describe a model in the protocol's messages. They load no model and wait for none.

// Fills in the metadata of a model. Shapes begin with the batch dimension, -1, if the model has
// one. `versions` are all versions of the model.
void FillMetadata(const ServedModel& model, absl::Span<const std::shared_ptr<ServedModel>> versions,
                  inference::ModelMetadataResponse* response);

void FillStatistics(const ServedModel& model, inference::ModelStatistics* statistics);

// Fills in the state and its reason. A model that loads on demand is READY; its reason says so.
void FillIndex(const ServedModel& model, inference::RepositoryIndexResponse::ModelIndex* index);

// Fills in the response to `request` from `result`.
void FillInferResponse(const ServedModel& model, const inference::ModelInferRequest& request,
                       InferenceResult result, inference::ModelInferResponse* response);

}  // namespace souvenir::compute
