#include "common/audio/pcm_cutter.h"

#include <utility>

#include "common/status_macros.h"

namespace souvenir {

absl::StatusOr<std::unique_ptr<PcmCutter>> PcmCutter::Create(
    const PcmFormat& format, const SegmentCutter::Options& options) {
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<SpeechSampler> sampler,
                            SpeechSampler::Create(format.rate, format.channels));
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<SegmentCutter> cutter, SegmentCutter::Create(options));
  return std::unique_ptr<PcmCutter>(new PcmCutter(format, std::move(sampler), std::move(cutter)));
}

PcmCutter::PcmCutter(const PcmFormat& format, std::unique_ptr<SpeechSampler> sampler,
                     std::unique_ptr<SegmentCutter> cutter)
    : decoder_(format), sampler_(std::move(sampler)), cutter_(std::move(cutter)) {}

absl::Status PcmCutter::Add(std::string_view bytes, std::vector<SpeechSegment>* segments) {
  frames_.clear();
  samples_.clear();
  decoder_.Add(bytes, &frames_);
  SOUVENIR_RETURN_IF_ERROR(sampler_->Add(frames_, &samples_));
  cutter_->Add(samples_, segments);
  return absl::OkStatus();
}

absl::Status PcmCutter::Finish(std::vector<SpeechSegment>* segments) {
  samples_.clear();
  SOUVENIR_RETURN_IF_ERROR(sampler_->Finish(&samples_));
  cutter_->Add(samples_, segments);
  cutter_->Finish(segments);
  return decoder_.Finish();
}

}  // namespace souvenir
