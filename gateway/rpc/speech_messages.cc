#include "gateway/rpc/speech_messages.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "common/grpc/proto_time.h"
#include "common/status_macros.h"
#include "gateway/rpc/provenance_messages.h"

namespace souvenir::gateway {
namespace {

constexpr absl::Duration kInterimInterval = absl::Seconds(1);  // unless the caller sets one

// Returns the name of an encoding as models for segmentation take it; "" for none.
absl::StatusOr<std::string_view> NameOf(v1::AudioEncoding encoding) {
  switch (encoding) {
    case v1::AUDIO_ENCODING_UNSPECIFIED:
      return "";
    case v1::AUDIO_ENCODING_S16LE:
      return "s16le";
    case v1::AUDIO_ENCODING_S16BE:
      return "s16be";
    case v1::AUDIO_ENCODING_S24LE:
      return "s24le";
    case v1::AUDIO_ENCODING_S32LE:
      return "s32le";
    case v1::AUDIO_ENCODING_F32LE:
      return "f32le";
    case v1::AUDIO_ENCODING_U8:
      return "u8";
    case v1::AUDIO_ENCODING_MULAW:
      return "mulaw";
    case v1::AUDIO_ENCODING_ALAW:
      return "alaw";
    case v1::AudioEncoding_INT_MIN_SENTINEL_DO_NOT_USE_:
    case v1::AudioEncoding_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return absl::InvalidArgumentError(fmt::format(
      "encoding: {} came; expected is a value of AudioEncoding", static_cast<int>(encoding)));
}

// Writes a field with the bytes of a file.
void WriteAudio(int field, const AudioFile& file, MessageWriter& out) {
  absl::InlinedVector<std::string_view, 4> parts;
  if (!file.header.empty()) parts.push_back(file.header);
  parts.insert(parts.end(), file.parts.begin(), file.parts.end());
  out.Joined(field, parts);
}

}  // namespace

absl::StatusOr<AudioContainer> ReadContainer(v1::AudioContainer container) {
  switch (container) {
    case v1::AUDIO_CONTAINER_UNSPECIFIED:
    case v1::AUDIO_CONTAINER_WAV:
      return AudioContainer::kWav;
    case v1::AUDIO_CONTAINER_FLAC:
      return AudioContainer::kFlac;
    case v1::AUDIO_CONTAINER_OGG:
      return AudioContainer::kOgg;
    case v1::AUDIO_CONTAINER_RAW:
      return AudioContainer::kRaw;
    case v1::AudioContainer_INT_MIN_SENTINEL_DO_NOT_USE_:
    case v1::AudioContainer_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return absl::InvalidArgumentError(fmt::format(
      "container: {} came; expected is a value of AudioContainer", static_cast<int>(container)));
}

absl::StatusOr<std::string> ReadAudioFormat(v1::AudioEncoding encoding, int sample_rate_hertz,
                                            int channels) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::string_view name, NameOf(encoding));
  if (name.empty()) {
    if (sample_rate_hertz == 0 && channels == 0) return "";
    return absl::InvalidArgumentError(
        fmt::format("sample_rate_hertz {} and channels {} came without an encoding; they are for "
                    "raw samples, and a file has its own",
                    sample_rate_hertz, channels));
  }
  if (sample_rate_hertz < 8'000 || sample_rate_hertz > 192'000) {
    return absl::InvalidArgumentError(
        fmt::format("sample_rate_hertz: {} came; expected is 8000 to 192000 for raw samples",
                    sample_rate_hertz));
  }
  if (channels < 0 || channels > 8) {
    return absl::InvalidArgumentError(
        fmt::format("channels: {} came; expected is 1 to 8, or 0 for 1", channels));
  }
  return fmt::format("{};rate={};channels={}", name, sample_rate_hertz,
                     channels == 0 ? 1 : channels);
}

absl::StatusOr<TranscriptionRequest> ReadTranscribeRequest(v1::TranscribeRequest* request) {
  TranscriptionRequest asked;
  SOUVENIR_ASSIGN_OR_RETURN(
      asked.format,
      ReadAudioFormat(request->encoding(), request->sample_rate_hertz(), request->channels()));
  asked.audio = std::move(*request->mutable_audio());
  asked.language = request->language();
  asked.engine = request->engine();
  return asked;
}

absl::StatusOr<StreamTranscriptionRequest> ReadStreamTranscribeConfig(
    const v1::StreamTranscribeConfig& config) {
  StreamTranscriptionRequest asked;
  SOUVENIR_ASSIGN_OR_RETURN(
      asked.format,
      ReadAudioFormat(config.encoding(), config.sample_rate_hertz(), config.channels()));
  if (asked.format.empty()) {
    return absl::InvalidArgumentError(
        "encoding: none came; a stream has raw samples, and expected is a value of AudioEncoding");
  }
  asked.language = config.language();
  asked.engine = config.engine();
  if (!config.interim_results()) {
    if (!config.has_interim_interval()) return asked;
    return absl::InvalidArgumentError("interim_interval came without interim_results");
  }
  asked.interim_interval = kInterimInterval;
  if (!config.has_interim_interval()) return asked;
  const absl::Duration interval = absl::Seconds(config.interim_interval().seconds()) +
                                  absl::Nanoseconds(config.interim_interval().nanos());
  if (interval < absl::Milliseconds(100) || interval > absl::Minutes(1)) {
    return absl::InvalidArgumentError(fmt::format(
        "interim_interval: {} came; expected is 100 ms to 60 s", absl::FormatDuration(interval)));
  }
  asked.interim_interval = interval;
  return asked;
}

absl::StatusOr<SynthesisRequest> ReadSynthesizeRequest(const v1::SynthesizeRequest& request) {
  SynthesisRequest asked;
  SOUVENIR_ASSIGN_OR_RETURN(asked.container, ReadContainer(request.container()));
  asked.text = request.text();
  asked.language = request.language();
  asked.voice = request.voice();
  asked.engine = request.engine();
  asked.rate = request.rate() == 0 ? 1 : request.rate();
  asked.pitch = request.pitch();
  return asked;
}

void DescribeSegment(const TranscriptSegment& segment, v1::TranscriptSegment* message) {
  ToProto(segment.start, message->mutable_start());
  ToProto(segment.end, message->mutable_end());
  message->set_language(std::string(segment.language));
  DescribeProvenance(segment.provenance, message->mutable_provenance());
  if (!segment.status.ok()) return DescribeStatus(segment.status, message->mutable_status());
  message->set_text(std::string(segment.recognition.text));
  if (segment.recognition.confidence) message->set_confidence(*segment.recognition.confidence);
  for (const Recognition::Word& word : segment.recognition.words) {
    v1::TranscribedWord* const told = message->add_words();
    told->set_word(word.word);
    ToProto(word.start, told->mutable_start());
    ToProto(word.end, told->mutable_end());
    if (word.confidence) told->set_confidence(*word.confidence);
  }
}

void WriteSynthesizeResponse(const Synthesis& synthesis, absl::Time now, grpc::ByteBuffer* bytes) {
  using Message = v1::SynthesizeResponse;
  const AudioFile file = synthesis.file();
  google::protobuf::Duration duration;
  ToProto(file.duration(), &duration);
  std::vector<ProvenanceWriter> sentences;
  sentences.reserve(synthesis.size());
  for (size_t i = 0; i < synthesis.size(); ++i) {
    sentences.emplace_back(synthesis.sentence(i, now).provenance);
  }
  MessageWriter::WriteTo(bytes, [&](MessageWriter& out) {
    WriteAudio(Message::kAudioFieldNumber, file, out);
    out.Field(Message::kSampleRateHertzFieldNumber, static_cast<uint64_t>(file.sample_rate));
    WriteDuration(Message::kDurationFieldNumber, duration, out);
    out.Field(Message::kVoiceFieldNumber, synthesis.voice().name);
    out.Field(Message::kLanguageFieldNumber, synthesis.voice().language);
    for (const ProvenanceWriter& sentence : sentences) {
      out.Message(Message::kSentencesFieldNumber, [&](MessageWriter& out) { sentence.Write(out); });
    }
  });
}

void WriteSynthesizedSentence(const Synthesis& synthesis, const Synthesis::Sentence& sentence,
                              grpc::ByteBuffer* bytes) {
  using Message = v1::SynthesizedSentence;
  google::protobuf::Duration duration;
  ToProto(sentence.file.duration(), &duration);
  const ProvenanceWriter provenance(sentence.provenance);
  MessageWriter::WriteTo(bytes, [&](MessageWriter& out) {
    out.Field(Message::kTextFieldNumber, sentence.text);
    WriteAudio(Message::kAudioFieldNumber, sentence.file, out);
    out.Field(Message::kSampleRateHertzFieldNumber,
              static_cast<uint64_t>(sentence.file.sample_rate));
    WriteDuration(Message::kDurationFieldNumber, duration, out);
    out.Field(Message::kVoiceFieldNumber, synthesis.voice().name);
    out.Field(Message::kLanguageFieldNumber, synthesis.voice().language);
    out.Message(Message::kProvenanceFieldNumber,
                [&](MessageWriter& out) { provenance.Write(out); });
  });
}

}  // namespace souvenir::gateway
