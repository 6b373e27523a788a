#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/language/speech/stream_transcription.h"
#include "gateway/language/speech/synthesis.h"
#include "gateway/language/speech/transcription.h"
#include "gateway/rpc/message_writer.h"
#include "souvenir/v1/speech.pb.h"

// Converts messages of souvenir.v1.SpeechService to types of the use cases, and back.

namespace souvenir::gateway {

// Reads a request. Takes the audio out of the message; the rest of the result has views of it.
// INVALID_ARGUMENT names a field, what came and what is expected.
absl::StatusOr<TranscriptionRequest> ReadTranscribeRequest(v1::TranscribeRequest* request);

// Reads a configuration. The result has views of it. INVALID_ARGUMENT as above.
absl::StatusOr<StreamTranscriptionRequest> ReadStreamTranscribeConfig(
    const v1::StreamTranscribeConfig& config);

// Returns the form of raw samples as models for segmentation take it; "" for a file.
// INVALID_ARGUMENT as above.
absl::StatusOr<std::string> ReadAudioFormat(v1::AudioEncoding encoding, int sample_rate_hertz,
                                            int channels);

// INVALID_ARGUMENT as above.
absl::StatusOr<AudioContainer> ReadContainer(v1::AudioContainer container);

// Reads a request. The result has views of the message. INVALID_ARGUMENT as above.
absl::StatusOr<SynthesisRequest> ReadSynthesizeRequest(const v1::SynthesizeRequest& request);

// Fills in a segment, or its status.
void DescribeSegment(const TranscriptSegment& segment, v1::TranscriptSegment* message);

// Write the bytes of a souvenir.v1.SynthesizeResponse and a souvenir.v1.SynthesizedSentence without
// copying the audio twice.
void WriteSynthesizeResponse(const Synthesis& synthesis, absl::Time now, grpc::ByteBuffer* bytes);
void WriteSynthesizedSentence(const Synthesis& synthesis, const Synthesis::Sentence& sentence,
                              grpc::ByteBuffer* bytes);

}  // namespace souvenir::gateway
