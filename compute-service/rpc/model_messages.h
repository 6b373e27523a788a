#pragma once

#include <memory>

#include "absl/types/span.h"
#include "compute-service/backends/backend.h"
#include "compute-service/repository/served_model.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::compute {

// What the protocol's messages say of a model. None of these loads or waits for anything.

// Shapes have the batch dimension, -1, in front where the model has one.
// `versions` are all of the model.
void FillMetadata(const ServedModel& model, absl::Span<const std::shared_ptr<ServedModel>> versions,
                  inference::ModelMetadataResponse* response);

void FillStatistics(const ServedModel& model, inference::ModelStatistics* statistics);

// A model that loads on demand is READY, with that as the reason.
void FillIndex(const ServedModel& model, inference::RepositoryIndexResponse::ModelIndex* index);

// The answer to `request`, which `result` is moved into.
void FillInferResponse(const ServedModel& model, const inference::ModelInferRequest& request,
                       InferenceResult result, inference::ModelInferResponse* response);

}  // namespace souvenir::compute
