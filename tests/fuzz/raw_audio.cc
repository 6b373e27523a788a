#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/audio/pcm_cutter.h"
#include "common/audio/pcm_decoder.h"
#include "common/audio/pcm_format.h"
#include "common/audio/segment_cutter.h"
#include "common/audio/speech_sampler.h"
#include "common/status_macros.h"
#include "tests/fuzz/require.h"

// An input is a byte, the text of a format, a line feed, and raw audio. The byte is the size of the
// pieces in which the audio comes the second time.

namespace souvenir {
namespace {

struct Cut {
  std::vector<int16_t> samples;
  std::vector<SpeechSegment> segments;
};

// Thresholds with which a short input has segments.
constexpr SegmentCutter::Options kOptions = {.voice = {.margin_db = 3, .release_db = 1},
                                             .min_speech_ms = 10,
                                             .hangover_ms = 10,
                                             .min_gap_ms = 30,
                                             .padding_before_ms = 10,
                                             .padding_after_ms = 20,
                                             .max_segment_ms = 1'000,
                                             .cut_search_ms = 200};

absl::StatusOr<Cut> CutInPieces(const PcmFormat& format, std::string_view audio, size_t piece) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::unique_ptr<SegmentCutter> cutter,
                            SegmentCutter::Create(kOptions));
  SOUVENIR_ASSIGN_OR_RETURN(const std::unique_ptr<SpeechSampler> sampler,
                            SpeechSampler::Create(format.rate, format.channels));
  PcmDecoder decoder(format);
  Cut cut;
  std::vector<float> frames;
  std::vector<int16_t> samples;
  const auto take = [&] {
    cutter->Add(samples, &cut.segments);
    cut.samples.insert(cut.samples.end(), samples.begin(), samples.end());
    samples.clear();
  };
  for (size_t at = 0; at < audio.size(); at += piece) {
    decoder.Add(audio.substr(at, piece), &frames);
    SOUVENIR_RETURN_IF_ERROR(sampler->Add(frames, &samples));
    frames.clear();
    take();
  }
  SOUVENIR_RETURN_IF_ERROR(decoder.Finish());
  SOUVENIR_RETURN_IF_ERROR(sampler->Finish(&samples));
  take();
  cutter->Finish(&cut.segments);
  Require(cutter->samples() == static_cast<int64_t>(cut.samples.size()), "no sample is lost");
  return cut;
}

// Cuts as a stream does, and looks at the segment that is open after each piece.
absl::StatusOr<std::vector<SpeechSegment>> CutAsAStream(const PcmFormat& format,
                                                        std::string_view audio, size_t piece) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::unique_ptr<PcmCutter> cutter,
                            PcmCutter::Create(format, kOptions));
  std::vector<SpeechSegment> segments;
  for (size_t at = 0; at < audio.size(); at += piece) {
    SOUVENIR_RETURN_IF_ERROR(cutter->Add(audio.substr(at, piece), &segments));
    const auto open = cutter->cutter().open();
    if (!open) continue;
    Require(open->start >= (segments.empty() ? 0 : segments.back().end), "it is after the others");
    Require(open->start + static_cast<int64_t>(open->samples.size()) <= cutter->cutter().samples(),
            "it has come");
  }
  SOUVENIR_RETURN_IF_ERROR(cutter->Finish(&segments));
  return segments;
}

bool AreSame(const std::vector<SpeechSegment>& some, const std::vector<SpeechSegment>& others) {
  return std::equal(some.begin(), some.end(), others.begin(), others.end(),
                    [](const SpeechSegment& a, const SpeechSegment& b) {
                      return a.start == b.start && a.end == b.end && a.samples == b.samples;
                    });
}

void Check(const Cut& cut) {
  int64_t last = 0;
  for (const SpeechSegment& one : cut.segments) {
    Require(last <= one.start && one.start < one.end, "segments are in order");
    Require(one.end <= static_cast<int64_t>(cut.samples.size()), "they end in the recording");
    Require(one.end - one.start <= 16'000, "they are not too long");
    const auto from = cut.samples.begin() + one.start;
    Require(std::equal(one.samples.begin(), one.samples.end(), from, from + (one.end - one.start)),
            "they have its samples");
    last = one.end;
  }
}

void Try(std::string_view data) {
  if (data.empty()) return;
  const size_t piece = static_cast<uint8_t>(data[0]) + size_t{1};
  data.remove_prefix(1);
  const std::string_view text = data.substr(0, data.find('\n'));
  const absl::StatusOr<PcmFormat> format = ParsePcmFormat(text);
  if (!format.ok()) {
    Require(format.status().message().size() < 500, "a message is short");
    return;
  }
  const std::string written = PcmFormatText(*format);
  Require(PcmFormatText(*ParsePcmFormat(written)) == written, "a format can be read again");
  const std::string_view audio = data.substr(std::min(data.size(), text.size() + 1));
  const absl::StatusOr<Cut> whole = CutInPieces(*format, audio, audio.size() + 1);
  const absl::StatusOr<Cut> pieces = CutInPieces(*format, audio, piece);
  Require(whole.status() == pieces.status(), "errors do not depend on the pieces");
  const absl::StatusOr<std::vector<SpeechSegment>> stream = CutAsAStream(*format, audio, piece);
  Require(stream.status() == whole.status(), "a stream has the same errors");
  if (!whole.ok()) return;
  Check(*whole);
  Require(whole->samples == pieces->samples, "samples do not depend on the pieces");
  Require(AreSame(whole->segments, pieces->segments), "segments do not depend on the pieces");
  Require(AreSame(whole->segments, *stream), "a stream has the same segments");
}

}  // namespace
}  // namespace souvenir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
