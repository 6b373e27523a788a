// bench-bare-espeak speaks sentences one after another in a loop around the library, with nothing
// around it. Prints the seconds without loading as JSON.

#include <espeak-ng/speak_lib.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace {

size_t samples = 0;

int Take(short*, int count, espeak_EVENT*) {  // NOLINT(google-runtime-int): the library's type
  samples += static_cast<size_t>(count > 0 ? count : 0);
  return 0;
}

}  // namespace

// Arguments: a file with one sentence a line, and the name of a voice.
int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: bench-bare-espeak FILE VOICE\n");
    return 2;
  }
  if (espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, nullptr, espeakINITIALIZE_DONT_EXIT) <= 0 ||
      espeak_SetVoiceByName(argv[2]) != EE_OK) {
    fmt::print(stderr, "bench-bare-espeak: cannot load the voice '{}'\n", argv[2]);
    return 1;
  }
  espeak_SetSynthCallback(Take);
  std::vector<std::string> sentences;
  std::ifstream file(argv[1]);
  for (std::string line; std::getline(file, line);) sentences.push_back(line);
  const auto begun = std::chrono::steady_clock::now();
  for (const std::string& sentence : sentences) {
    espeak_Synth(sentence.c_str(), sentence.size() + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8,
                 nullptr, nullptr);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  fmt::print("{{\"seconds\": {:.6f}, \"sentences\": {}, \"samples\": {}}}\n", took.count(),
             sentences.size(), samples);
  return 0;
}
