#include "tests/unit/compute-service/backends/audio/hostile_files.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>

#include "tests/fakes/sounds.h"
#include "tests/unit/compute-service/backends/audio/test_files.h"

namespace souvenir::compute {
namespace {

template <typename T>
std::string Little(T number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

// Returns `file` with `bytes` in place of what is at `at`.
std::string With(std::string file, size_t at, const std::string& bytes) {
  file.replace(at, bytes.size(), bytes);
  return file;
}

// A WAV file of 16-bit samples by its fields.
struct Wav {
  uint16_t tag = 1;
  uint16_t channels = 1;
  uint32_t rate = 16'000;
  uint16_t bits = 16;
  std::string before;  // chunks before that of the data
  std::string data = std::string(3'200, '\0');
  uint32_t data_size = 3'200;
  uint32_t riff_size = 3'236;

  std::string bytes() const {
    const auto align = static_cast<uint16_t>(channels * bits / 8);
    return "RIFF" + Little(riff_size) + "WAVEfmt " + Little<uint32_t>(16) + Little(tag) +
           Little(channels) + Little(rate) + Little<uint32_t>(rate * align) + Little(align) +
           Little(bits) + before + "data" + Little(data_size) + data;
  }
};

std::string Damaged(std::string file, size_t from, size_t to, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (size_t at = from; at < to; ++at) file[at] = static_cast<char>(random());
  return file;
}

std::string Flipped(std::string file, size_t most, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < 8; ++i) {
    const size_t at = random() % std::min(most, file.size());
    file[at] = static_cast<char>(file[at] ^ (1 << random() % 8));
  }
  return file;
}

std::string Floats(const std::vector<float>& samples) {
  return MakeFile(FileKind::kWavFloat, 16'000, 1, samples);
}

// Returns a FLAC file of `seconds` of silence at 8 kHz, some kilobytes an hour.
std::string LongSilence(int seconds) {
  return MakeFile(FileKind::kFlac, 8'000, 1,
                  std::vector<float>(static_cast<size_t>(seconds) * 8'000));
}

void AddNoAudio(std::vector<HostileFile>* files) {
  const std::string not_audio = "is not an audio file that is understood here";
  const std::pair<const char*, std::string> cases[] = {
      {"empty", ""},
      {"one byte", "R"},
      {"text", "To be, or not to be, that is the question."},
      {"zeros", std::string(4'096, '\0')},
      {"random bytes", Damaged(std::string(65'536, 'x'), 0, 65'536, 5)},
      {"MP4", std::string("\0\0\0\x20", 4) + "ftypM4A " + std::string(1'000, '\0')},
      {"WebM", "\x1a\x45\xdf\xa3" + std::string(1'000, 'w')},
      {"AVI", "RIFF" + Little<uint32_t>(1'000) + "AVI " + std::string(1'000, '\0')},
      {"magic of WAV", "RIFF" + Little<uint32_t>(4) + "WAVE"},
      {"magic of FLAC", "fLaC"},
      {"magic of AIFF", "FORM" + std::string("\0\0\0\4", 4) + "AIFF"},
      {"NIST, which libsndfile would read", "NIST_1A\n   1024\n" + std::string(2'000, ' ')},
      {"AU, which libsndfile would read",
       std::string(".snd\0\0\0\x18\0\0\0\x10\0\0\0\3\0\0\x3e\x80\0\0\0\1", 24) +
           std::string(16, '\0')},
  };
  for (const auto& [name, bytes] : cases) files->push_back({name, bytes, "", not_audio});
  files->push_back({"magic of Ogg", "OggS", "", "no whole page begins at byte 0"});
  files->push_back({"a frame's first bits and zeros", "\xff\xfb" + std::string(4'000, '\0'), "", "",
                    /*any=*/true});
  files->push_back({"a tag of 256 MB",
                    std::string("ID3\4\0\0\x7f\x7f\x7f\x7f", 10) + std::string(4'000, '\0'), "", "",
                    /*any=*/true});
}

void AddLyingHeaders(const std::string& flac, const std::string& aiff,
                     std::vector<HostileFile>* files) {
  const std::string everything = std::string("\xff\xff\xff\xff", 4);
  const std::string no_file = "is not an audio file";
  files->push_back({"rate 1", Wav{.rate = 1}.bytes(), "", "has 1 samples a second"});
  files->push_back({"rate 2,000,000,000", Wav{.rate = 2'000'000'000}.bytes(), "",
                    "has 2000000000 samples a second"});
  files->push_back({"rate 0", Wav{.rate = 0}.bytes(), "", no_file});
  files->push_back({"rate 4,294,967,295", Wav{.rate = 4'294'967'295}.bytes(), "", no_file});
  files->push_back(
      {"1,024 channels",
       Wav{.channels = 1'024, .data = std::string(204'800, '\1'), .data_size = 204'800}.bytes(), "",
       "has 1024 channels; 1 to 8 are supported"});
  files->push_back({"9 channels", Wav{.channels = 9}.bytes(), "", "has 9 channels"});
  files->push_back({"0 channels", Wav{.channels = 0}.bytes(), "", no_file});
  files->push_back({"data size 0xffffffff", Wav{.data_size = 0xffffffff}.bytes(), "", ""});
  files->push_back({"data size 0x7fffffff", Wav{.data_size = 0x7fffffff}.bytes(), "", ""});
  files->push_back({"RIFF size 0", Wav{.riff_size = 0}.bytes(), "", ""});
  files->push_back({"0 bits", Wav{.bits = 0}.bytes(), "", no_file});
  files->push_back({"64 bits", Wav{.bits = 64}.bytes(), "", "", /*any=*/true});
  files->push_back({"unknown tag", Wav{.tag = 0xdead}.bytes(), "", no_file});
  files->push_back({"a chunk of 4 GB before the data", Wav{.before = "LIST" + everything}.bytes(),
                    "", "", /*any=*/true});
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "junk" + Little<uint32_t>(0);
  files->push_back({"10,000 empty chunks", Wav{.before = many}.bytes(), "", no_file});
  files->push_back(
      {"no format chunk",
       "RIFF" + Little<uint32_t>(100) + "WAVEdata" + Little<uint32_t>(88) + std::string(88, '\1'),
       "", no_file});
  files->push_back({"two data chunks", Wav{}.bytes() + "data" + Little<uint32_t>(4) + "abcd", "",
                    "",
                    /*any=*/true});
  files->push_back({"an odd number of bytes",
                    Wav{.data = std::string(3'201, '\0'), .data_size = 3'201}.bytes(), "", ""});
  // FLAC's number of frames: 36 bits from the last four of byte 21.
  std::string claims = With(flac, 22, everything);
  claims[21] = static_cast<char>(claims[21] | 0x0f);
  files->push_back({"FLAC of 68,719,476,735 frames", claims, "",
                    "the FLAC file cannot be read: it ends after 32000 of 68719476735 frames"});
  std::string none = With(flac, 22, std::string(4, '\0'));
  none[21] = static_cast<char>(none[21] & 0xf0);
  files->push_back({"FLAC of 0 frames", none, "", "", /*any=*/true});
  files->push_back({"FLAC without frames", flac.substr(0, 42), "", "", /*any=*/true});
  // AIFF's number of frames and its rate, an 80-bit number, are in the chunk COMM.
  const size_t comm = aiff.find("COMM");
  files->push_back(
      {"AIFF of 4,294,967,295 frames", With(aiff, comm + 10, everything), "", "", /*any=*/true});
  files->push_back({"AIFF of an infinite rate",
                    With(aiff, comm + 16, std::string("\x7f\xff\x80\0\0\0\0\0\0\0", 10)), "", "",
                    /*any=*/true});
}

void AddSamples(std::vector<HostileFile>* files) {
  const std::string no_number = "a sample that is not a finite number";
  std::vector<float> samples(16'000, 0.1F);
  samples[7'000] = std::numeric_limits<float>::quiet_NaN();
  files->push_back({"NaN", Floats(samples), "", no_number});
  samples[7'000] = std::numeric_limits<float>::infinity();
  files->push_back({"infinity", Floats(samples), "", no_number});
  files->push_back({"1e38", Floats(std::vector<float>(16'000, 1e38F)), "", ""});
  files->push_back({"1e-42", Floats(std::vector<float>(16'000, 1e-42F)), "", ""});
  files->push_back({"WAV without samples", MakeFile(FileKind::kWav16, Silence(0)), "", ""});
  files->push_back({"WAV of one sample", MakeFile(FileKind::kWav16, {1'000}), "", ""});
  files->push_back({"FLAC of one sample", MakeFile(FileKind::kFlac, {1'000}), "", ""});
  files->push_back({"silence", MakeFile(FileKind::kFlac, Silence(20)), "", ""});
  files->push_back({"noise", MakeFile(FileKind::kWav16, Noise(20, 8'000)), "", ""});
  files->push_back({"clipping", MakeFile(FileKind::kWav16, Syllables(20, 90'000)), "", ""});
  files->push_back({"an offset", MakeFile(FileKind::kWav16, Silence(20, 32'767)), "", ""});
  files->push_back({"8 channels at 192 kHz",
                    MakeFile(FileKind::kFlac, 192'000, 8, std::vector<float>(8 * 192'000 * 2)), "",
                    ""});
  files->push_back({"more than two hours", LongSilence(7'201), "", "longer than 7200 seconds"});
}

void AddDamage(const std::vector<int16_t>& speech, std::vector<HostileFile>* files) {
  const std::pair<const char*, FileKind> kinds[] = {
      {"WAV", FileKind::kWav16},  {"AIFF", FileKind::kAiff}, {"FLAC", FileKind::kFlac},
      {"Ogg", FileKind::kVorbis}, {"Opus", FileKind::kOpus}, {"MP3", FileKind::kMp3}};
  for (const auto& [name, kind] : kinds) {
    const std::string file = MakeFile(kind, speech);
    for (const size_t size : {size_t{13}, size_t{30}, size_t{60}, file.size() / 3,
                              file.size() / 2 + 1, file.size() - 1}) {
      files->push_back({std::string(name) + " cut at " + std::to_string(size), file.substr(0, size),
                        "", "", /*any=*/true});
    }
    // FLAC and Ogg have checksums.
    const bool is_ogg = kind == FileKind::kVorbis || kind == FileKind::kOpus;
    const std::string expected =
        is_ogg || kind == FileKind::kFlac ? "file cannot be read: " : std::string();
    files->push_back({std::string(name) + " with a damaged middle",
                      Damaged(file, file.size() / 2, file.size() / 2 + 200, 1), "", expected});
    files->push_back(
        {std::string(name) + " that ends early", file.substr(0, file.size() / 2), "", expected});
    files->push_back({std::string(name) + " twice", file + MakeFile(kind, speech), "",
                      is_ogg ? "a second stream begins at byte" : "", /*any=*/!is_ogg});
    for (uint64_t seed = 0; seed < 20; ++seed) {
      files->push_back({std::string(name) + " with flipped bits, " + std::to_string(seed),
                        Flipped(file, seed % 2 == 0 ? 100 : file.size(), seed), "", "",
                        /*any=*/true});
    }
  }
}

void AddRaw(std::vector<HostileFile>* files) {
  files->push_back({"raw without samples", "", "s16le;rate=16000", ""});
  files->push_back({"raw of one sample", "ab", "s16le;rate=16000", ""});
  files->push_back({"raw with half a sample", "abc", "s16le;rate=16000",
                    "the raw audio ends inside a frame: 1 bytes are left"});
  files->push_back({"raw NaN", std::string(4'000, '\xff'), "f32le;rate=16000",
                    "a sample that is not a finite number, in frame 0"});
  files->push_back({"raw of an unknown encoding", "ab", "opus;rate=48000", "'opus' is unknown"});
  files->push_back({"raw at 1 Hz", "ab", "s16le;rate=1", "rate is '1'"});
  files->push_back(
      {"raw of 1,024 channels", "ab", "s16le;rate=16000;channels=1024", "channels is '1024'"});
  files->push_back({"a format of a megabyte", "ab", std::string(1 << 20, ';'), "is unknown"});
  files->push_back({"two hours of the lowest rate", std::string(8'000 * 7'200 / 8, '\x80'),
                    "u8;rate=8000;channels=8", ""});
}

}  // namespace

std::vector<HostileFile> HostileFiles() {
  std::vector<int16_t> speech = Noise(0.5, 8);
  Append(Syllables(1, 2'000), &speech);
  Append(Noise(0.5, 8, 2), &speech);
  std::vector<HostileFile> files;
  AddNoAudio(&files);
  AddLyingHeaders(MakeFile(FileKind::kFlac, speech), MakeFile(FileKind::kAiff, speech), &files);
  AddSamples(&files);
  AddDamage(speech, &files);
  AddRaw(&files);
  return files;
}

}  // namespace souvenir::compute
