#include "compute-service/backends/audio/audio_writer.h"

#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iterator>

#include "common/audio/ogg_pages.h"
#include "common/audio/pcm_format.h"
#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

// Samples that the library gets at once. Its Vorbis encoder puts a call's samples on the stack.
constexpr size_t kBlockSamples = 4'096;

// Vorbis's quality from 0 to 1: about 50 kbit/s for a voice.
constexpr double kVorbisQuality = 0.4;
// Between the fastest, 0, and the smallest, 1.
constexpr double kFlacLevel = 0.625;

// The number of the one stream in an Ogg file. The library takes it from the clock.
constexpr uint32_t kOggSerial = 1;

struct Container {
  std::string_view name;
  int format;
};

constexpr Container kContainers[] = {{"wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16},
                                     {"flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
                                     {"ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS}};

// A file in memory that the library writes.
struct Output {
  std::string bytes;
  sf_count_t position = 0;
};

Output* OutputOf(void* data) { return static_cast<Output*>(data); }

sf_count_t Length(void* data) { return static_cast<sf_count_t>(OutputOf(data)->bytes.size()); }

sf_count_t Seek(sf_count_t offset, int whence, void* data) {
  Output* const output = OutputOf(data);
  const sf_count_t from = whence == SEEK_SET   ? 0
                          : whence == SEEK_CUR ? output->position
                                               : Length(data);
  if (from + offset < 0) return -1;
  output->position = from + offset;
  return output->position;
}

sf_count_t Read(void* out, sf_count_t count, void* data) {
  Output* const output = OutputOf(data);
  count = std::min(count, Length(data) - output->position);
  if (count <= 0) return 0;
  std::memcpy(out, output->bytes.data() + output->position, static_cast<size_t>(count));
  output->position += count;
  return count;
}

sf_count_t Write(const void* in, sf_count_t count, void* data) {
  Output* const output = OutputOf(data);
  const auto end = static_cast<size_t>(output->position + count);
  try {
    if (output->bytes.size() < end) output->bytes.resize(end);
  } catch (const std::exception&) {
    return 0;  // no exception may pass through the library
  }
  std::memcpy(output->bytes.data() + output->position, in, static_cast<size_t>(count));
  output->position += count;
  return count;
}

sf_count_t Tell(void* data) { return OutputOf(data)->position; }

// Passes the samples on. Returns false if the library does not take them.
bool WriteSamples(std::string_view pcm, SNDFILE* file) {
  std::array<int16_t, kBlockSamples> block;  // aligned, as the bytes of a message are not
  while (!pcm.empty()) {
    const size_t bytes = std::min(pcm.size(), sizeof(block));
    std::memcpy(block.data(), pcm.data(), bytes);
    pcm.remove_prefix(bytes);
    const auto samples = static_cast<sf_count_t>(bytes / sizeof(int16_t));
    if (sf_write_short(file, block.data(), samples) != samples) return false;
  }
  return true;
}

absl::Status CannotWrite(std::string_view container, int rate, std::string_view why) {
  return absl::InvalidArgumentError(
      fmt::format("{} at {} Hz cannot be written: {}", container, rate, why));
}

}  // namespace

absl::StatusOr<std::string> WriteAudioFile(std::string_view pcm, int rate,
                                           std::string_view container) {
  const auto* const known =
      std::find_if(std::begin(kContainers), std::end(kContainers),
                   [&](const Container& one) { return one.name == container; });
  if (known == std::end(kContainers)) {
    return absl::InvalidArgumentError(fmt::format(
        "CONTAINER, {} bytes, is unknown; it must be wav, flac or ogg", container.size()));
  }
  if (rate < kLeastSampleRate || rate > kMostSampleRate) {
    return absl::InvalidArgumentError(fmt::format("SAMPLE_RATE is {}; it must be from {} to {}",
                                                  rate, kLeastSampleRate, kMostSampleRate));
  }
  if (pcm.size() % sizeof(int16_t) != 0) {
    return absl::InvalidArgumentError(fmt::format("PCM has {} bytes; a sample has 2", pcm.size()));
  }
  // The library writes no FLAC and no Ogg file without samples that could be read again.
  if (pcm.empty() && known->name != "wav") pcm = std::string_view("\0\0", sizeof(int16_t));
  Output output;
  SF_VIRTUAL_IO callbacks{Length, Seek, Read, Write, Tell};
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = 1;
  info.format = known->format;
  SNDFILE* const file = sf_open_virtual(&callbacks, SFM_WRITE, &info, &output);
  if (file == nullptr) return CannotWrite(container, rate, sf_strerror(nullptr));
  double quality = kVorbisQuality;
  double level = kFlacLevel;
  (void)sf_command(file, SFC_SET_VBR_ENCODING_QUALITY, &quality, sizeof(quality));
  (void)sf_command(file, SFC_SET_COMPRESSION_LEVEL, &level, sizeof(level));
  const bool is_written = WriteSamples(pcm, file);
  const int error = sf_error(file);
  const int close_error = sf_close(file);
  if (!is_written || error != 0 || close_error != 0) {
    return CannotWrite(container, rate, sf_error_number(error != 0 ? error : close_error));
  }
  if (known->name == "ogg" && !SetOggSerial(kOggSerial, &output.bytes)) {
    return absl::InternalError("libsndfile wrote an Ogg file whose pages cannot be read");
  }
  return std::move(output.bytes);
}

}  // namespace souvenir::compute
