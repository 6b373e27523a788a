#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/byte_source.h"
#include "common/audio/audio_source.h"
#include "common/audio/pcm_format.h"

namespace souvenir::cli {

// A recording as raw samples that are read little by little, however long it is. Owned by its
// reader; not thread-safe, except Stop().
class SampleSource {
 public:
  virtual ~SampleSource() = default;

  const PcmFormat& format() const { return format_; }
  // Returns how long the recording says that it is; zero if it does not.
  absl::Duration length() const { return length_; }

  // Returns the next bytes of samples, or "" at the end. Waits for them. INVALID_ARGUMENT if the
  // recording is damaged from here on; other errors if it cannot be read.
  virtual absl::StatusOr<std::string> Next() = 0;

  // Ends the recording here, for a Next() that waits and for later ones.
  virtual void Stop() {}

 protected:
  SampleSource(const PcmFormat& format, absl::Duration length) : format_(format), length_(length) {}

 private:
  const PcmFormat format_;
  const absl::Duration length_;
};

// Decodes a file, and converts it to the form that speech has in the services, as compute does: the
// segments are those of the file. `name` is for messages. INVALID_ARGUMENT if it is no recording.
absl::StatusOr<std::unique_ptr<SampleSource>> DecodeRecording(const std::string& name,
                                                              std::unique_ptr<AudioSource> bytes);

// Open the bytes of a file for DecodeRecording(): a regular file (errors as in common/read_file.h),
// or what is in memory.
absl::StatusOr<std::unique_ptr<AudioSource>> OpenAudioFile(const std::string& path);
std::unique_ptr<AudioSource> MakeAudioBytes(std::string bytes);

// Returns raw samples as they are. `size` is the number of bytes; 0 if it is not known.
std::unique_ptr<SampleSource> MakeRawSamples(const PcmFormat& format, uint64_t size,
                                             std::unique_ptr<ByteSource> bytes);

// Returns the samples of a WAV file while it comes. `first` are the bytes that were read before.
// Waits for its header. INVALID_ARGUMENT if that is wrong.
absl::StatusOr<std::unique_ptr<SampleSource>> OpenWavSamples(std::string first,
                                                             std::unique_ptr<ByteSource> bytes);

}  // namespace souvenir::cli
