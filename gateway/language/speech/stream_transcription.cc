#include "gateway/language/speech/stream_transcription.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "common/audio/cutter_parameters.h"
#include "common/audio/pcm_format.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "gateway/resolve/resolve_scope.h"

namespace souvenir::gateway {
namespace {

// Bytes that are cut at once. Many recordings share the executor, and none should hold up others.
constexpr size_t kPieceBytes = 64u << 10;

// Returns the settings with which the model for segmentation cuts, if it tells them: other
// segments would be other questions.
absl::StatusOr<SegmentCutter::Options> CutterOptions(const SpeechDirectory& directory) {
  const absl::StatusOr<TargetPtr> segmenter = directory.Segmenter();
  if (!segmenter.ok()) return SegmentCutter::Options();
  const CatalogModel& model = (*segmenter)->model();
  absl::StatusOr<SegmentCutter::Options> options =
      ReadCutterOptions([&](std::string_view name) -> std::optional<std::string_view> {
        const std::string& text = model.parameter(std::string(name));
        if (text.empty()) return std::nullopt;
        return text;
      });
  if (options.ok()) return options;
  return absl::InternalError(
      fmt::format("model '{}': {}", model.name(), std::string(options.status().message())));
}

}  // namespace

// A segment, or the beginning of one, on its way to its text. The call is alive until it is
// answered, and keeps the owner of the transcription alive.
struct StreamTranscription::Hearing final : ResolveCall::Listener,
                                            std::enable_shared_from_this<Hearing> {
  Hearing(StreamTranscription* transcription, int64_t start, absl::Span<const int16_t> samples)
      : transcription(transcription),
        owner(transcription->owner_.lock()),
        start(start),
        end(start + static_cast<int64_t>(samples.size())),
        framed(FrameBytesElement(
            {reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(int16_t)})) {
    call.options = transcription->caller_->options();
    call.questions.push_back(transcription->recognizer_.Ask(framed));
  }

  void OnAllAnswered() override { transcription->OnHeard(this); }

  // The scope of an interim result, which ends before the caller goes.
  void MakeInterim() {
    scope.emplace(transcription->caller_->resolver());
    // An answer to half a segment is of no use later.
    call.options.cache = {.no_store = true};
    call.options.tags.clear();
  }

  void Begin() {
    ResolveScope* const used = scope ? &*scope : transcription->caller_->scope();
    used->Resolve({shared_from_this(), &call});
  }

  void Forget() { (scope ? &*scope : transcription->caller_->scope())->Forget(call); }

  StreamTranscription* const transcription;
  const std::shared_ptr<void> owner;
  const int64_t start;
  const int64_t end;
  const std::string framed;
  std::optional<ResolveScope> scope;  // of its own, if it is an interim result
  ResolveCall call{this};
  bool heard = false;  // guarded by the transcription's mutex
};

// What Pump() does next.
struct StreamTranscription::Step {
  enum class Kind { kNothing, kSegment, kInterim, kAskForMore, kCut, kEnd };
  Kind kind = Kind::kNothing;
  std::shared_ptr<Hearing> hearing;  // of kSegment and kInterim; of kEnd: to be given up, or null
  absl::Status status;               // of kEnd
  // Of kEnd: what is not told any more. It keeps the owner alive, so it must be let go of.
  std::deque<std::shared_ptr<Hearing>> left;
};

StreamTranscription::StreamTranscription(const Options& options, const Parts& parts,
                                         Listener* listener, SpeechCaller* caller)
    : options_(options), parts_(parts), listener_(listener), caller_(caller) {}

StreamTranscription::~StreamTranscription() = default;

void StreamTranscription::Start(const std::shared_ptr<void>& owner) {
  owner_ = owner;
  Pump();
}

void StreamTranscription::Configure(const StreamTranscriptionRequest& request) {
  const absl::Status planned = Plan(request);
  {
    MutexLock lock(&mutex_);
    if (!TakeTurn()) return;
    is_configured_ = planned.ok();
    if (!planned.ok()) Fail(planned);
  }
  Pump();
}

absl::Status StreamTranscription::Plan(const StreamTranscriptionRequest& request) {
  SOUVENIR_ASSIGN_OR_RETURN(const PcmFormat format, ParsePcmFormat(request.format));
  SOUVENIR_ASSIGN_OR_RETURN(recognizer_, SegmentRecognizer::For(request.language, request.engine,
                                                                *parts_.models, *caller_));
  SOUVENIR_ASSIGN_OR_RETURN(const SegmentCutter::Options options,
                            CutterOptions(*parts_.models->directory()));
  SOUVENIR_ASSIGN_OR_RETURN(cutter_, PcmCutter::Create(format, options));
  // Interim results are computed, which such a caller does not want.
  if (!caller_->options().cache.only_if_cached) interim_interval_ = request.interim_interval;
  return absl::OkStatus();
}

void StreamTranscription::Add(std::string bytes) {
  {
    MutexLock lock(&mutex_);
    if (!TakeTurn()) return;
    audio_ = std::move(bytes);
    audio_cut_ = 0;
    if (const absl::Status held = CountBytes(); !held.ok()) Fail(held);
  }
  Pump();
}

bool StreamTranscription::TakeTurn() {
  if (!std::exchange(asked_, false)) return false;
  parts_.timers->Cancel(idle_timer_);
  return true;
}

void StreamTranscription::Finish(const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    FinishLocked(status);
  }
  Pump();
}

void StreamTranscription::FinishLocked(const absl::Status& status) {
  if (input_ != Input::kOpen) return;
  (void)TakeTurn();
  input_ = is_configured_ ? Input::kLast : Input::kCut;
  end_ = status;
}

void StreamTranscription::Fail(const absl::Status& status) {
  (void)TakeTurn();
  audio_.clear();
  audio_cut_ = 0;
  input_ = Input::kCut;
  if (end_.ok()) end_ = status;
}

void StreamTranscription::Cancel(const absl::Status& reason) {
  {
    MutexLock lock(&mutex_);
    if (!gone_.ok()) return;
    gone_ = reason;
    (void)TakeTurn();
  }
  caller_->Cancel(reason);
  Pump();
}

void StreamTranscription::OnTaken() {
  {
    MutexLock lock(&mutex_);
    if (ended_) return;
    --untaken_;
  }
  Pump();
}

absl::Duration StreamTranscription::duration() const {
  MutexLock lock(&mutex_);
  return DurationOfSamples(samples_, kSegmentRate);
}

uint64_t StreamTranscription::segments() const {
  MutexLock lock(&mutex_);
  return told_;
}

absl::Status StreamTranscription::CountBytes() {
  uint64_t bytes = audio_.size() + kept_bytes_ + pending_bytes_;
  if (interim_ != nullptr) bytes += interim_->framed.size();
  if (bytes > held_) {
    SOUVENIR_RETURN_IF_ERROR(caller_->Hold(bytes - held_));
  } else {
    caller_->Drop(held_ - bytes);
  }
  held_ = bytes;
  return absl::OkStatus();
}

void StreamTranscription::Pump() {
  const std::shared_ptr<void> owner = owner_.lock();  // the end may let go of it
  {
    MutexLock lock(&mutex_);
    if (std::exchange(pumping_, true)) return;
  }
  while (true) {
    Step step;
    {
      MutexLock lock(&mutex_);
      step = NextStep();
      if (step.kind == Step::Kind::kNothing) {
        pumping_ = false;
        return;
      }
    }
    Do(&step);
  }
}

StreamTranscription::Step StreamTranscription::NextStep() {
  Step step;
  if (ended_) return step;
  if (!gone_.ok() || (input_ == Input::kCut && pending_.empty() && !cutting_)) {
    ended_ = true;
    step.kind = Step::Kind::kEnd;
    step.status = gone_.ok() ? end_ : gone_;
    step.hearing = std::move(interim_);
    step.left.swap(pending_);
    return step;
  }
  if (!pending_.empty() && pending_.front()->heard) {
    step.kind = Step::Kind::kSegment;
    step.hearing = std::move(pending_.front());
    pending_.pop_front();
    pending_bytes_ -= step.hearing->framed.size();
    (void)CountBytes();  // fewer bytes are never refused
    ++untaken_;
    ++told_;
    return step;
  }
  if (interim_ != nullptr && interim_->heard) {
    step.kind = Step::Kind::kInterim;
    step.hearing = std::move(interim_);
    (void)CountBytes();
    ++untaken_;
    return step;
  }
  // More would be held than is soon recognised, or than the caller reads.
  if (cutting_ || pending_.size() + untaken_ >= options_.max_segments) return step;
  if (!audio_.empty() || input_ == Input::kLast) {
    cutting_ = true;
    step.kind = Step::Kind::kCut;
  } else if (input_ == Input::kOpen && !asked_) {
    asked_ = true;
    ++turn_;
    step.kind = Step::Kind::kAskForMore;
  }
  return step;
}

void StreamTranscription::Do(Step* step) {
  switch (step->kind) {
    case Step::Kind::kNothing:
      return;
    case Step::Kind::kSegment:
    case Step::Kind::kInterim: {
      const Hearing& hearing = *step->hearing;
      const TranscriptSegment segment =
          recognizer_.Read(hearing.call, 0, hearing.start, hearing.end, parts_.clock->Now());
      if (step->kind == Step::Kind::kSegment) return listener_->OnSegment(segment);
      // What failed, or was not understood, may be better with the whole segment.
      if (segment.status.ok() && !segment.recognition.text.empty()) {
        return listener_->OnInterim(segment);
      }
      MutexLock lock(&mutex_);
      --untaken_;
      return;
    }
    case Step::Kind::kAskForMore:
      return AskForMore();
    case Step::Kind::kCut:
      return SubmitCut();
    case Step::Kind::kEnd:
      if (step->hearing != nullptr) step->hearing->scope->Cancel(absl::CancelledError("it ended"));
      return listener_->OnEnd(step->status);
  }
}

void StreamTranscription::AskForMore() {
  const absl::Duration timeout = options_.idle_timeout;
  {
    MutexLock lock(&mutex_);
    if (!asked_) return;  // the recording has ended meanwhile
    idle_timer_ = parts_.timers->Schedule(
        parts_.clock->Monotonic() + timeout, [this, weak = owner_, turn = turn_, timeout] {
          const std::shared_ptr<void> owner = weak.lock();
          if (owner == nullptr) return;
          {
            MutexLock lock(&mutex_);
            if (!asked_ || turn_ != turn) return;
            FinishLocked(absl::DeadlineExceededError(
                fmt::format("nothing has come for {}; a recording ends when the caller closes its "
                            "side of the stream",
                            absl::FormatDuration(timeout))));
          }
          Pump();
        });
  }
  listener_->OnReady();
}

void StreamTranscription::SubmitCut() {
  Task task = [this, owner = owner_.lock()] { Cut(); };
  if (parts_.executor->TrySubmit(task)) return;
  MutexLock lock(&mutex_);
  cutting_ = false;
  Fail(absl::ResourceExhaustedError("too many recordings wait to be cut; try again later"));
}

void StreamTranscription::Cut() {
  std::string piece;
  bool is_last = false;
  {
    MutexLock lock(&mutex_);
    if (ended_) return;
    piece = audio_.substr(audio_cut_, kPieceBytes);
    audio_cut_ += piece.size();
    if (audio_cut_ == audio_.size()) {
      std::string().swap(audio_);  // assigning would keep the memory
      audio_cut_ = 0;
    }
    is_last = audio_.empty() && input_ == Input::kLast;
  }
  std::vector<SpeechSegment> cut;
  absl::Status status = cutter_->Add(piece, &cut);
  if (status.ok() && is_last) status = cutter_->Finish(&cut);

  std::vector<std::shared_ptr<Hearing>> begun;
  begun.reserve(cut.size());
  for (SpeechSegment& segment : cut) {
    begun.push_back(NewHearing(segment.start, segment.samples));
    segment.samples = {};
  }
  std::shared_ptr<Hearing> outdated;
  {
    MutexLock lock(&mutex_);
    if (ended_) return;  // the caller went meanwhile
    samples_ = cutter_->cutter().samples();
    kept_bytes_ = cutter_->cutter().kept_samples() * sizeof(int16_t);
    for (const std::shared_ptr<Hearing>& hearing : begun) {
      pending_.push_back(hearing);
      pending_bytes_ += hearing->framed.size();
    }
    if (!begun.empty()) outdated = std::move(interim_);
    if (is_last) input_ = Input::kCut;
    if (status.ok()) status = CountBytes();
    if (!status.ok()) Fail(status);
  }
  if (outdated != nullptr) outdated->scope->Cancel(absl::CancelledError("the segment is whole"));
  for (const std::shared_ptr<Hearing>& hearing : begun) hearing->Begin();
  BeginInterim();
  {
    MutexLock lock(&mutex_);
    cutting_ = false;
  }
  Pump();
}

bool StreamTranscription::WantsInterim() const {
  return input_ == Input::kOpen && gone_.ok() && audio_.empty() && pending_.empty() &&
         interim_ == nullptr && untaken_ == 0;
}

void StreamTranscription::BeginInterim() {
  if (!interim_interval_) return;
  const absl::Duration now = parts_.clock->Monotonic();
  if (now - last_interim_ < *interim_interval_) return;
  const std::optional<SegmentCutter::OpenSegment> open = cutter_->cutter().open();
  if (!open) return;
  const int64_t end = open->start + static_cast<int64_t>(open->samples.size());
  if (end == last_interim_end_) return;  // nothing was said since
  if (caller_->rows_in_lane() >= options_.max_interim_rows) return;
  {
    MutexLock lock(&mutex_);
    if (!WantsInterim()) return;
  }
  const std::shared_ptr<Hearing> hearing = NewHearing(open->start, open->samples);
  hearing->MakeInterim();
  {
    MutexLock lock(&mutex_);
    if (!WantsInterim()) return;
    interim_ = hearing;
    if (!CountBytes().ok()) {  // a full lane is busy
      interim_ = nullptr;
      return;
    }
  }
  last_interim_ = now;
  last_interim_end_ = end;
  hearing->Begin();
}

std::shared_ptr<StreamTranscription::Hearing> StreamTranscription::NewHearing(
    int64_t start, absl::Span<const int16_t> samples) {
  return std::make_shared<Hearing>(this, start, samples);
}

void StreamTranscription::OnHeard(Hearing* hearing) {
  const std::shared_ptr<Hearing> self = hearing->shared_from_this();
  self->Forget();
  {
    MutexLock lock(&mutex_);
    self->heard = true;
  }
  Pump();
}

}  // namespace souvenir::gateway
