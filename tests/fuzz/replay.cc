// Replaces libFuzzer when a fuzz target runs as a test. It feeds the target with the files of its
// corpus, with their prefixes, and with pseudo-random changes of them that are the same in each
// run.
//
//   replay <corpus folder or file> [<output file>]
//
// A file instead of a folder is fed unchanged. An input that ends the process is written to the
// output file.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// Defined by a sanitizer if there is one (sanitizer/common_interface_defs.h).
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

constexpr size_t kMostPrefixes = 1024;  // prefixes fed per seed
constexpr int kChanged = 3000;          // changed inputs fed per seed

// The engine gives the same numbers everywhere; the library's distributions do not.
using Random = std::mt19937_64;

std::optional<std::string> Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The input that is being fed, and the file to which it is written if it ends the process.
const uint8_t* current = nullptr;
size_t current_size = 0;
const char* current_file = nullptr;

void SaveCurrent() {
  if (current == nullptr || current_file == nullptr) return;
  const int file = open(current_file, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (file < 0) return;
  [[maybe_unused]] const ssize_t written = write(file, current, current_size);
  close(file);
}

void OnSignal(int signal) {
  SaveCurrent();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void SaveCurrentAtTheEnd() {
  std::signal(SIGABRT, OnSignal);
  if (__sanitizer_set_death_callback != nullptr) {  // a sanitizer has its own signal handlers
    __sanitizer_set_death_callback(SaveCurrent);
    return;
  }
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE}) std::signal(signal, OnSignal);
}

size_t fed = 0;

void Feed(const std::string& input) {
  // The target gets a copy, as from libFuzzer. A sanitizer then detects a read past the end, and an
  // empty input is not null.
  const std::unique_ptr<uint8_t[]> bytes(new uint8_t[input.size()]);
  std::memcpy(bytes.get(), input.data(), input.size());
  current_size = input.size();
  current = bytes.get();
  LLVMFuzzerTestOneInput(bytes.get(), input.size());
  current = nullptr;
  ++fed;
}

size_t Below(size_t bound, Random& random) { return bound == 0 ? 0 : random() % bound; }

// Returns a little-endian number at the limit of some type.
std::string Limit(Random& random) {
  constexpr uint64_t kLimits[] = {0,      1,          0x7f,       0x80,      0xff,      0x7fff,
                                  0xffff, 0x7fffffff, 0xffffffff, INT64_MAX, UINT64_MAX};
  const uint64_t limit = kLimits[Below(std::size(kLimits), random)];
  return std::string(reinterpret_cast<const char*>(&limit), size_t{1} << Below(4, random));
}

void Change(const std::vector<std::string>& seeds, Random& random, std::string* input) {
  const size_t at = Below(input->size() + 1, random);
  const size_t length = Below(std::min<size_t>(input->size() - at, 32) + 1, random);
  switch (random() % 7) {
    case 0:
      if (at < input->size()) (*input)[at] = static_cast<char>((*input)[at] ^ (1 << random() % 8));
      break;
    case 1:
      if (at < input->size()) (*input)[at] = static_cast<char>(random());
      break;
    case 2:
      input->erase(at, length);
      break;
    case 3:
      input->insert(at, input->substr(at, length));
      break;
    case 4:
      input->insert(at, 1, static_cast<char>(random()));
      break;
    case 5: {
      const std::string limit = Limit(random);
      input->replace(at, random() % 2 == 0 ? limit.size() : 0, limit);
      break;
    }
    default: {
      const std::string& other = seeds[Below(seeds.size(), random)];
      *input = input->substr(0, at) + other.substr(Below(other.size() + 1, random));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: %s <corpus folder or file> [<output file>]\n", argv[0]);
    return 2;
  }
  const std::filesystem::path corpus = argv[1];
  std::vector<std::filesystem::path> paths;
  if (std::filesystem::is_directory(corpus)) {
    for (const auto& file : std::filesystem::directory_iterator(corpus)) {
      paths.push_back(file.path());
    }
  } else {
    paths.push_back(corpus);
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> seeds;
  for (const std::filesystem::path& path : paths) {
    std::optional<std::string> seed = Read(path);
    if (!seed) {
      std::fprintf(stderr, "cannot read %s\n", path.c_str());
      return 2;
    }
    seeds.push_back(*std::move(seed));
  }
  if (seeds.empty()) {
    std::fprintf(stderr, "no files in %s\n", corpus.c_str());
    return 2;
  }

  if (argc == 3) current_file = argv[2];
  SaveCurrentAtTheEnd();
  for (const std::string& seed : seeds) Feed(seed);
  if (std::filesystem::is_directory(corpus)) {
    Feed("");
    Random random(1);
    for (const std::string& seed : seeds) {
      for (size_t size = 0; size < std::min(seed.size(), kMostPrefixes); ++size) {
        Feed(seed.substr(0, size));
      }
      for (int i = 0; i < kChanged; ++i) {
        std::string input = seed;
        for (uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
          Change(seeds, random, &input);
        }
        Feed(input);
      }
    }
  }
  std::printf("%zu seeds, %zu inputs\n", seeds.size(), fed);
}
