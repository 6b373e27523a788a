// Compares the worker's pipeline with the engine's own front end.

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <random>

#include "tests/unit/compute-service/backends/apertium/fortunes.h"
#include "tests/unit/compute-service/backends/apertium/translation_fixture.h"

namespace souvenir::compute {
namespace {

// Returns the translation by a run of `apertium -u`, a process that translates only this text.
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

// Real lines, in shards that can run in parallel, because a run of `apertium` takes over 0.1 s.
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

// Shards for modes with stages that are programs, which keep running from text to text. Each shard
// takes a few seconds.
constexpr size_t kProgramShards = 12;
constexpr size_t kLinesPerProgramShard = 25;

class OneShotProgramsTest : public TranslationTest, public testing::WithParamInterface<size_t> {
 protected:
  // Returns the lines of this shard.
  static std::vector<std::string> Lines() {
    const std::vector<std::string> lines = FortuneLines();
    const auto begin =
        lines.end() - static_cast<ptrdiff_t>((GetParam() + 1) * kLinesPerProgramShard);
    return {begin, begin + kLinesPerProgramShard};
  }

  std::vector<std::string> TranslateAll(const std::string& mode,
                                        const std::vector<std::string>& texts) {
    Load(mode);
    std::vector<std::string> translations;
    for (const std::string& text : texts) translations.push_back(Translate(text));
    return translations;
  }

  static void ExpectOneShot(const std::string& mode, const std::vector<std::string>& texts,
                            const std::vector<std::string>& translations) {
    for (size_t i = 0; i < texts.size(); ++i) {
      ASSERT_EQ(translations[i], OneShot(mode, texts[i])) << mode << ": " << texts[i];
    }
  }
};

TEST_P(OneShotProgramsTest, RealLinesAreTranslatedAlikeInAnyOrder) {
  const std::vector<std::string> lines = Lines();
  const std::vector<std::string> catalan = TranslateAll("eng-cat", lines);
  ExpectOneShot("eng-cat", lines, catalan);
}

// The French lines are translations of the English ones, because no package has French lines.
TEST_P(OneShotProgramsTest, FrenchLinesAreTranslatedAlikeInAnyOrder) {
  const std::vector<std::string> french = TranslateAll("cat-fra", TranslateAll("eng-cat", Lines()));
  const std::vector<std::string> catalan = TranslateAll("fra-cat", french);
  ExpectOneShot("fra-cat", french, catalan);
}

using EveryModeTest = TranslationTest;

TEST_F(EveryModeTest, TranslatesAlike) {
  const std::vector<std::string> lines = FortuneLines();
  const auto backend = ApertiumBackend::Create(Options());
  ASSERT_TRUE(backend.ok());
  for (const ModelDescription& model : (*backend)->Discover()) {
    const std::string mode = model.config.parameters().at("mode").string_value();
    Load(mode);
    for (size_t i = 0; i < 6; ++i) {
      ASSERT_EQ(Translate(lines[i]), OneShot(mode, lines[i])) << mode << ": " << lines[i];
    }
  }
}

class HardTextTest : public TranslationTest, public testing::WithParamInterface<const char*> {};

TEST_P(HardTextTest, LayoutAndCharactersThatMeanSomethingAreTreatedAlike) {
  const std::vector<std::string> pieces = {
      "The", "cat", "don't", "New York", "that", "ñ",        "漢", "[", "]", "{", "}",  "^",  "$",
      "/",   "\\",  "@",     "<",        ">",    "~",        "*",  "#", "+", "&", "_",  ".",  ",",
      "'",   "\"",  "-",     "\n",       "\n\n", "\r\n\r\n", "\t", " ", " ", " ", "  ", ".[]"};
  std::mt19937 random(1);
  Load(GetParam());
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (auto length = random() % 30 + 1; length > 0; --length) {
      text += pieces[random() % pieces.size()];
    }
    EXPECT_EQ(Translate(text), OneShot(GetParam(), text)) << testing::PrintToString(text);
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, OneShotTest, testing::Range(size_t{0}, kShards));
INSTANTIATE_TEST_SUITE_P(Shards, OneShotProgramsTest, testing::Range(size_t{0}, kProgramShards));
INSTANTIATE_TEST_SUITE_P(Modes, HardTextTest, testing::Values("eng-spa", "eng-cat"));

}  // namespace
}  // namespace souvenir::compute
