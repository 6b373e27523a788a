// bench-bare-pocketsphinx recognises recordings one after another in a loop around the library,
// with nothing around it. Prints the seconds without loading, and the texts, as JSON.

#include <fmt/format.h>
#include <pocketsphinx.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

constexpr char kModels[] = "/usr/share/pocketsphinx/model/en-us";

std::vector<int16_t> ReadSamples(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<int16_t> samples(bytes.size() / sizeof(int16_t));
  std::copy(bytes.begin(), bytes.begin() + static_cast<long>(samples.size() * sizeof(int16_t)),
            reinterpret_cast<char*>(samples.data()));
  return samples;
}

}  // namespace

// Arguments: files with 16-bit samples of one channel at 16 kHz, without a header.
int main(int argc, char** argv) {
  const std::string hmm = fmt::format("{}/en-us", kModels);
  const std::string lm = fmt::format("{}/en-us.lm.bin", kModels);
  const std::string dict = fmt::format("{}/cmudict-en-us.dict", kModels);
  cmd_ln_t* const config =
      cmd_ln_init(nullptr, ps_args(), TRUE, "-hmm", hmm.c_str(), "-lm", lm.c_str(), "-dict",
                  dict.c_str(), "-remove_silence", "no", "-logfn", "/dev/null", nullptr);
  ps_decoder_t* const decoder = config == nullptr ? nullptr : ps_init(config);
  if (decoder == nullptr) {
    fmt::print(stderr, "bench-bare-pocketsphinx: cannot load the models of {}\n", kModels);
    return 1;
  }
  nlohmann::json texts = nlohmann::json::array();
  std::chrono::duration<double> took{0};
  for (int i = 1; i < argc; ++i) {
    const std::vector<int16_t> samples = ReadSamples(argv[i]);
    // An answer depends on what was recognised before unless the decoder is made anew.
    if (i > 1) ps_reinit(decoder, nullptr);
    const auto begun = std::chrono::steady_clock::now();
    ps_start_stream(decoder);
    ps_start_utt(decoder);
    ps_process_raw(decoder, samples.data(), samples.size(), FALSE, TRUE);
    ps_end_utt(decoder);
    int32 score = 0;
    const char* const text = ps_get_hyp(decoder, &score);
    took += std::chrono::steady_clock::now() - begun;
    texts.push_back(text == nullptr ? "" : text);
  }
  fmt::print("{}\n", nlohmann::json{{"seconds", took.count()}, {"texts", texts}}.dump());
  ps_free(decoder);
  cmd_ln_free_r(config);
  return 0;
}
