// The in-process pipeline against the engine's own front end.

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <random>

#include "tests/unit/compute-service/backends/apertium/fortunes.h"
#include "tests/unit/compute-service/backends/apertium/translation_fixture.h"

namespace souvenir::compute {
namespace {

// Of one run of `apertium -u`, a process that translates this text and nothing before it.
std::string OneShot(const std::string& mode, const std::string& text) {
  const std::string path = testing::TempDir() + "one-shot-" + std::to_string(getpid());
  std::ofstream(path, std::ios::binary) << text;
  const std::string command = "LC_ALL=C.UTF-8 apertium -u " + mode + " " + path;
  const std::unique_ptr<FILE, int (*)(FILE*)> output(popen(command.c_str(), "r"), pclose);
  std::string translation;
  char buffer[4096];
  while (const size_t size = fread(buffer, 1, sizeof(buffer), output.get())) {
    translation.append(buffer, size);
  }
  remove(path.c_str());
  return translation;
}

// Real lines, in shards that can run side by side: a run of `apertium` costs over 0.1 s.
constexpr size_t kShards = 11;
constexpr size_t kLinesPerShard = 100;

class OneShotTest : public TranslationTest, public testing::WithParamInterface<size_t> {};

TEST_P(OneShotTest, RealLinesAreTranslatedAlikeInAnyOrder) {
  const std::vector<std::string> lines = FortuneLines();
  ASSERT_GE(lines.size(), kShards * kLinesPerShard);
  Load("eng-spa");
  const size_t begin = GetParam() * kLinesPerShard;
  for (size_t i = begin; i < begin + kLinesPerShard; ++i) {
    ASSERT_EQ(Translate(lines[i]), OneShot("eng-spa", lines[i])) << lines[i];
  }
}

using EveryModeTest = TranslationTest;

TEST_F(EveryModeTest, TranslatesAlike) {
  const std::vector<std::string> lines = FortuneLines();
  const auto backend = ApertiumBackend::Create(Options());
  ASSERT_TRUE(backend.ok());
  for (const ModelDescription& model : (*backend)->Discover()) {
    const std::string mode = model.config.parameters().at("mode").string_value();
    Load(mode);
    for (size_t i = 0; i < 15; ++i) {
      ASSERT_EQ(Translate(lines[i]), OneShot(mode, lines[i])) << mode << ": " << lines[i];
    }
  }
}

using HardTextTest = TranslationTest;

TEST_F(HardTextTest, LayoutAndCharactersThatMeanSomethingAreTreatedAlike) {
  const std::vector<std::string> pieces = {
      "The", "cat", "don't", "New York", "that", "ñ",        "漢", "[", "]", "{", "}",  "^",  "$",
      "/",   "\\",  "@",     "<",        ">",    "~",        "*",  "#", "+", "&", "_",  ".",  ",",
      "'",   "\"",  "-",     "\n",       "\n\n", "\r\n\r\n", "\t", " ", " ", " ", "  ", ".[]"};
  std::mt19937 random(1);
  Load("eng-spa");
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (auto length = random() % 30 + 1; length > 0; --length) {
      text += pieces[random() % pieces.size()];
    }
    EXPECT_EQ(Translate(text), OneShot("eng-spa", text)) << testing::PrintToString(text);
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, OneShotTest, testing::Range(size_t{0}, kShards));

}  // namespace
}  // namespace souvenir::compute
