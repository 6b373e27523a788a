#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/grpc/grpc_server.h"
#include "inference/grpc_service.grpc.pb.h"
#include "souvenir/v1/cache.grpc.pb.h"
#include "souvenir/v1/speech.grpc.pb.h"
#include "souvenir/v1/stats.grpc.pb.h"
#include "souvenir/v1/translation.grpc.pb.h"

namespace souvenir::cli {

using Metadata = std::map<std::string, std::string>;

inline Metadata MetadataOf(const grpc::ServerContext& context) {
  Metadata metadata;
  for (const auto& [name, value] : context.client_metadata()) {
    metadata[std::string(name.data(), name.size())] = std::string(value.data(), value.size());
  }
  return metadata;
}

// The Open Inference Protocol: answers `answer` for the model that `metadata` describes.
struct FakeInference final : inference::GRPCInferenceService::Service {
  grpc::Status ServerMetadata(grpc::ServerContext*, const inference::ServerMetadataRequest*,
                              inference::ServerMetadataResponse* response) override {
    *response = server;
    return grpc::Status::OK;
  }
  grpc::Status RepositoryIndex(grpc::ServerContext*, const inference::RepositoryIndexRequest*,
                               inference::RepositoryIndexResponse* response) override {
    *response = index;
    return grpc::Status::OK;
  }
  grpc::Status ModelMetadata(grpc::ServerContext*, const inference::ModelMetadataRequest* request,
                             inference::ModelMetadataResponse* response) override {
    if (request->name() != metadata.name()) {
      return {grpc::StatusCode::UNAVAILABLE, request->name() + " is not loaded"};
    }
    *response = metadata;
    return grpc::Status::OK;
  }
  grpc::Status ModelInfer(grpc::ServerContext* context, const inference::ModelInferRequest* request,
                          inference::ModelInferResponse* response) override {
    asked = *request;
    asked_metadata = MetadataOf(*context);
    for (const auto& [name, value] : headers) context->AddInitialMetadata(name, value);
    *response = answer;
    return grpc::Status::OK;
  }
  grpc::Status RepositoryModelLoad(grpc::ServerContext*,
                                   const inference::RepositoryModelLoadRequest* request,
                                   inference::RepositoryModelLoadResponse*) override {
    changed.push_back("load " + request->model_name());
    return change_status;
  }
  grpc::Status RepositoryModelUnload(grpc::ServerContext*,
                                     const inference::RepositoryModelUnloadRequest* request,
                                     inference::RepositoryModelUnloadResponse*) override {
    changed.push_back("unload " + request->model_name());
    return change_status;
  }

  inference::ServerMetadataResponse server;
  inference::RepositoryIndexResponse index;
  inference::ModelMetadataResponse metadata;
  inference::ModelInferRequest asked;
  Metadata asked_metadata;
  inference::ModelInferResponse answer;
  Metadata headers;  // of the answer
  std::vector<std::string> changed;
  grpc::Status change_status;
};

// A server of only the Open Inference Protocol, as the compute service is. See FakeGateway.
class FakeCompute final {
 public:
  FakeCompute() {
    auto server = GrpcServer::Start({.address = "127.0.0.1:0", .services = {&inference}});
    if (server.ok()) server_ = *std::move(server);
  }

  bool started() const { return server_ != nullptr; }
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

  FakeInference inference;

 private:
  std::unique_ptr<GrpcServer> server_;  // last, to stop before the members above go
};

// A gRPC server on a port of its own with every service the client calls. It returns the answers
// that a test has put into its members, and records the requests. A test touches the members only
// while no call is under way.
class FakeGateway final {
 public:
  FakeGateway() {
    auto server =
        GrpcServer::Start({.address = "127.0.0.1:0",
                           .services = {&translation, &speech, &stats, &cache, &inference}});
    if (server.ok()) server_ = *std::move(server);
  }

  bool started() const { return server_ != nullptr; }
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

  struct Translation final : souvenir::v1::TranslationService::Service {
    grpc::Status Translate(grpc::ServerContext* context,
                           const souvenir::v1::TranslateRequest* request,
                           souvenir::v1::TranslateResponse* response) override {
      asked = *request;
      metadata = MetadataOf(*context);
      for (const auto& [name, value] : headers) context->AddInitialMetadata(name, value);
      for (const auto& each : answers) *response->add_translations() = each;
      response->set_source_language(request->source_language());
      return status;
    }
    grpc::Status StreamTranslate(grpc::ServerContext* context,
                                 const souvenir::v1::TranslateRequest* request,
                                 grpc::ServerWriter<souvenir::v1::Translation>* writer) override {
      asked = *request;
      metadata = MetadataOf(*context);
      for (const auto& [name, value] : headers) context->AddInitialMetadata(name, value);
      for (const auto& each : answers) writer->Write(each);
      const std::lock_guard<std::mutex> wait(holds_streams);
      return status;
    }
    grpc::Status ListLanguages(grpc::ServerContext*, const souvenir::v1::ListLanguagesRequest*,
                               souvenir::v1::ListLanguagesResponse* response) override {
      *response = languages;
      return status;
    }

    souvenir::v1::TranslateRequest asked;
    Metadata metadata;  // of the request
    Metadata headers;   // of the answer
    std::vector<souvenir::v1::Translation> answers;
    souvenir::v1::ListLanguagesResponse languages;
    grpc::Status status;
    std::mutex holds_streams;  // a StreamTranslate ends when this is unlocked
  } translation;

  // Answers a recording by its bytes. Several are answered at once.
  struct Speech final : souvenir::v1::SpeechService::Service {
    grpc::Status Transcribe(grpc::ServerContext* context,
                            const souvenir::v1::TranscribeRequest* request,
                            souvenir::v1::TranscribeResponse* response) override {
      const std::lock_guard<std::mutex> wait(holds_transcribe);
      const std::lock_guard<std::mutex> lock(mutex);
      asked[request->audio()] = *request;
      Greet(context);
      const auto refusal = refusals.find(request->audio());
      if (refusal != refusals.end()) return refusal->second;
      *response = transcripts[request->audio()];
      return grpc::Status::OK;
    }
    grpc::Status StreamTranscribe(
        grpc::ServerContext* context,
        grpc::ServerReaderWriter<souvenir::v1::StreamTranscribeResponse,
                                 souvenir::v1::StreamTranscribeRequest>* stream) override {
      {
        const std::lock_guard<std::mutex> lock(mutex);
        Greet(context);
      }
      Streamed streamed;
      souvenir::v1::StreamTranscribeRequest request;
      if (stream->Read(&request)) streamed.config = request.config();
      if (stream_refusal.ok()) {
        while (stream->Read(&request)) streamed.audio += request.audio();
      }
      for (const auto& each : stream_events) stream->Write(each);
      const std::lock_guard<std::mutex> lock(mutex);
      asked_to_stream.push_back(std::move(streamed));
      return stream_refusal;
    }
    grpc::Status Synthesize(grpc::ServerContext* context,
                            const souvenir::v1::SynthesizeRequest* request,
                            souvenir::v1::SynthesizeResponse* response) override {
      asked_to_say = *request;
      Greet(context);
      *response = spoken;
      return status;
    }
    grpc::Status StreamSynthesize(
        grpc::ServerContext* context, const souvenir::v1::SynthesizeRequest* request,
        grpc::ServerWriter<souvenir::v1::SynthesizedSentence>* writer) override {
      asked_to_say = *request;
      Greet(context);
      for (const auto& each : sentences) writer->Write(each);
      return status;
    }
    grpc::Status TranslateSpeech(
        grpc::ServerContext* context,
        grpc::ServerReaderWriter<souvenir::v1::TranslateSpeechEvent,
                                 souvenir::v1::TranslateSpeechRequest>* stream) override {
      Greet(context);
      asked_to_translate.clear();
      souvenir::v1::TranslateSpeechRequest request;
      while (stream->Read(&request)) asked_to_translate.push_back(request);
      for (const auto& each : events) stream->Write(each);
      return status;
    }
    grpc::Status ListVoices(grpc::ServerContext*, const souvenir::v1::ListVoicesRequest* request,
                            souvenir::v1::ListVoicesResponse* response) override {
      for (const auto& each : voices) {
        if (request->language().empty() || request->language() == each.language()) {
          *response->add_voices() = each;
        }
      }
      return grpc::Status::OK;
    }
    grpc::Status ListRecognizers(grpc::ServerContext*, const souvenir::v1::ListRecognizersRequest*,
                                 souvenir::v1::ListRecognizersResponse* response) override {
      *response = recognizers;
      return grpc::Status::OK;
    }

    void Greet(grpc::ServerContext* context) {
      metadata = MetadataOf(*context);
      for (const auto& [name, value] : headers) context->AddInitialMetadata(name, value);
    }

    // A recording that came piece by piece.
    struct Streamed {
      souvenir::v1::StreamTranscribeConfig config;
      std::string audio;
    };
    std::vector<Streamed> asked_to_stream;
    std::vector<souvenir::v1::StreamTranscribeResponse> stream_events;  // for each of them
    grpc::Status stream_refusal;  // after the events, and without reading audio

    std::mutex mutex;  // for the members of Transcribe and asked_to_stream
    std::map<std::string, souvenir::v1::TranscribeRequest> asked;  // by their bytes
    std::map<std::string, souvenir::v1::TranscribeResponse> transcripts;
    std::map<std::string, grpc::Status> refusals;
    std::mutex holds_transcribe;  // a Transcribe answers when this is unlocked
    Metadata metadata;            // of the last request
    Metadata headers;             // of answers
    souvenir::v1::SynthesizeRequest asked_to_say;
    souvenir::v1::SynthesizeResponse spoken;
    std::vector<souvenir::v1::SynthesizedSentence> sentences;
    grpc::Status status;  // of what is said
    std::vector<souvenir::v1::TranslateSpeechRequest> asked_to_translate;
    std::vector<souvenir::v1::TranslateSpeechEvent> events;
    std::vector<souvenir::v1::Voice> voices;
    souvenir::v1::ListRecognizersResponse recognizers;
  } speech;

  struct Stats final : souvenir::v1::StatsService::Service {
    grpc::Status GetStats(grpc::ServerContext*, const souvenir::v1::GetStatsRequest*,
                          souvenir::v1::GetStatsResponse* response) override {
      *response = answer;
      return grpc::Status::OK;
    }

    souvenir::v1::GetStatsResponse answer;
  } stats;

  struct Cache final : souvenir::v1::CacheService::Service {
    grpc::Status Invalidate(grpc::ServerContext*, const souvenir::v1::InvalidateRequest* request,
                            souvenir::v1::InvalidateResponse* response) override {
      invalidated.push_back(*request);
      response->set_match(match);
      return grpc::Status::OK;
    }
    grpc::Status GetEntry(grpc::ServerContext*, const souvenir::v1::GetEntryRequest* request,
                          souvenir::v1::GetEntryResponse* response) override {
      if (request->key() != entry.key()) {
        return {grpc::StatusCode::NOT_FOUND, "no entry " + request->key()};
      }
      *response = entry;
      return grpc::Status::OK;
    }

    grpc::Status Export(grpc::ServerContext*, const souvenir::v1::ExportRequest*,
                        grpc::ServerWriter<souvenir::v1::ExportResponse>* writer) override {
      souvenir::v1::ExportResponse response;
      for (const char byte : snapshot) {
        response.set_data(std::string(1, byte));
        writer->Write(response);
      }
      return snapshot_status;
    }
    grpc::Status Import(grpc::ServerContext*,
                        grpc::ServerReader<souvenir::v1::ImportRequest>* reader,
                        souvenir::v1::ImportResponse* response) override {
      snapshot.clear();
      souvenir::v1::ImportRequest request;
      while (reader->Read(&request)) snapshot += request.data();
      response->set_entries(5);
      response->set_taken(4);
      return snapshot_status;
    }

    std::vector<souvenir::v1::InvalidateRequest> invalidated;
    souvenir::v1::InvalidateMatch match = souvenir::v1::INVALIDATE_MATCH_FOUND;
    std::string snapshot;  // snapshot to export, or the imported one
    grpc::Status snapshot_status;
    souvenir::v1::GetEntryResponse entry;
  } cache;

  FakeInference inference;

 private:
  std::unique_ptr<GrpcServer> server_;  // last, to stop before the members above go
};

}  // namespace souvenir::cli
