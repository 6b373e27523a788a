#include "compute-service/backends/espeak-ng/espeak_ng_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/compute-service/backends/espeak-ng/espeak_ng_fixture.h"

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EspeakNgBackendTest : public EspeakNgTest {
 protected:
  // Returns a copy of the engine's data.
  std::string CopyOfData() {
    const std::string copy = directory_.path() + "/espeak-ng-data";
    fs::copy(SOUVENIR_ESPEAK_NG_DATA, copy, fs::copy_options::recursive);
    return copy;
  }

  static void Write(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }

  std::string DigestWith(const std::string& data) {
    ModelDescription description = Describe(Parameter("data", data));
    EXPECT_TRUE(backend_.Complete(&description).ok());
    const absl::StatusOr<std::string> digest = backend_.Digest(description);
    EXPECT_TRUE(digest.ok()) << digest.status();
    return digest.value_or("");
  }

  absl::Status LoadWith(const std::string& data) { return Load(Parameter("data", data)).status(); }

  TemporaryDirectory directory_;
};

TEST_F(EspeakNgBackendTest, CompletesTheConfiguration) {
  ModelDescription description = Describe();
  ASSERT_TRUE(backend_.Complete(&description).ok());
  const inference::ModelConfig& config = description.config;
  ASSERT_EQ(config.input_size(), 4);
  EXPECT_EQ(config.input(1).name(), "VOICE");
  EXPECT_EQ(config.output(1).name(), "SAMPLE_RATE");
  EXPECT_EQ(config.output(1).data_type(), inference::TYPE_INT32);
  EXPECT_EQ(config.max_batch_size(), 16);
  EXPECT_TRUE(config.response_cache().enable());
  EXPECT_EQ(config.parameters().at("task").string_value(), "synthesis");
  EXPECT_EQ(config.parameters().at("row_exact").string_value(), "true");
  EXPECT_EQ(config.parameters().at("max_seconds").string_value(), "600");
  const auto voices = nlohmann::json::parse(config.parameters().at("voices").string_value());
  ASSERT_GT(voices.size(), 100u);
  const auto english = std::find_if(voices.begin(), voices.end(),
                                    [](const auto& v) { return v["name"] == "en-gb"; });
  ASSERT_NE(english, voices.end());
  EXPECT_EQ((*english)["language"], "en-GB");
  EXPECT_EQ((*english)["description"], "English (Great Britain)");
  EXPECT_TRUE(backend_.isolates_itself());
  EXPECT_TRUE(backend_.limits_each_row());
  // A complete configuration does not change.
  const std::string once = config.DebugString();
  ASSERT_TRUE(backend_.Complete(&description).ok());
  EXPECT_EQ(config.DebugString(), once);
}

TEST_F(EspeakNgBackendTest, RefusesByNameWhatItDoesNotSupport) {
  const std::pair<std::string, std::string> cases[] = {
      {Parameter("voice", "en"), "\"voice\""},
      {Parameter("data", "espeak-ng-data"), "data is \"espeak-ng-data\""},
      {Parameter("data", "/" + std::string(200, 'x')), "at most 140 bytes"},
      {Parameter("max_seconds", "0"), "'max_seconds' is '0'"},
      {Parameter("max_text_bytes", "many"), "'max_text_bytes' is 'many'"},
      {Parameter("voices", "[]"), "voices is not the list of the installed voices"},
      {Parameter("task", "translation"), "task is \"translation\""},
      {Parameter("row_exact", "false"), "row_exact is \"false\""},
      {Parameter("isolation", "thread"), "isolation is \"thread\""},
      {"input { name: 'TEXT' data_type: TYPE_STRING dims: 1 }", "it has 1 inputs"},
      {"max_batch_size: -1", "max_batch_size is -1"},
  };
  for (const auto& [config, expected] : cases) {
    ModelDescription description = Describe(config);
    const absl::Status status = backend_.Complete(&description);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << config;
    EXPECT_THAT(std::string(status.message()), HasSubstr(expected));
  }
}

TEST_F(EspeakNgBackendTest, DataThatIsNotThereIsNamedWithThePackage) {
  ModelDescription description = Describe(Parameter("data", "/nowhere/espeak-ng-data"));
  const absl::Status status = backend_.Complete(&description);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("/nowhere/espeak-ng-data/lang"), HasSubstr("No such file"),
                    HasSubstr("apt install espeak-ng-data")));
  fs::create_directories(directory_.path() + "/empty/lang");
  description = Describe(Parameter("data", directory_.path() + "/empty"));
  EXPECT_THAT(std::string(backend_.Complete(&description).message()), HasSubstr("has no voices"));
}

TEST_F(EspeakNgBackendTest, TheDigestCoversTheBytesAndTheNamesOfAllData) {
  const std::string data = CopyOfData();
  const std::string whole = DigestWith(data);
  EXPECT_EQ(DigestWith(SOUVENIR_ESPEAK_NG_DATA), whole) << "the place does not matter";
  Write(data + "/xx_dict", "");
  const std::string with_dictionary = DigestWith(data);
  EXPECT_NE(with_dictionary, whole);
  fs::rename(data + "/xx_dict", data + "/xy_dict");
  EXPECT_NE(DigestWith(data), with_dictionary);
  fs::remove(data + "/xy_dict");
  EXPECT_EQ(DigestWith(data), whole);
  Write(data + "/lang/art/qdb", "name Changed\nlanguage qdb\n");
  EXPECT_NE(DigestWith(data), whole);
  ModelDescription description = Describe(Parameter("data", data));
  ASSERT_TRUE(backend_.Complete(&description).ok());
  EXPECT_THAT(*backend_.DigestedFiles(description), ElementsAre(data));
}

TEST_F(EspeakNgBackendTest, DamagedDataFailsTheLoadAndNothingElse) {
  const std::string data = CopyOfData();
  ASSERT_TRUE(LoadWith(data).ok());
  for (const char* file : {"phondata", "phontab", "phonindex"}) {
    const std::string path = data + "/" + file;
    const auto size = fs::file_size(path);
    fs::resize_file(path, size / 3);
    const absl::Status cut = LoadWith(data);
    fs::remove(path);
    const absl::Status gone = LoadWith(data);
    fs::copy_file(std::string(SOUVENIR_ESPEAK_NG_DATA) + "/" + file, path);
    EXPECT_FALSE(gone.ok()) << file;
    EXPECT_THAT(std::string(gone.message()), HasSubstr(data)) << file;
    // Some damage is not noticed, because the engine checks little.
    if (!cut.ok()) {
      EXPECT_THAT(std::string(cut.message()), HasSubstr(data)) << cut;
    }
  }
  EXPECT_TRUE(LoadWith(data).ok());
}

TEST_F(EspeakNgBackendTest, ADamagedDictionaryHarmsItsVoiceAtMost) {
  const std::string data = CopyOfData();
  fs::resize_file(data + "/es_dict", 10'000);
  const auto model = Load(Parameter("data", data));
  ASSERT_TRUE(model.ok()) << model.status();
  const auto instance = (*model)->CreateInstance();
  ASSERT_TRUE(instance.ok()) << instance.status();
  const absl::Status spanish = Run(**instance, {{"¿Qué hago?", "es"}}, absl::Seconds(5)).status();
  EXPECT_NE(spanish.code(), absl::StatusCode::kInvalidArgument) << spanish;
  EXPECT_TRUE(Run(**instance, {{"What should I do?", "en-us"}}).ok());
}

TEST_F(EspeakNgBackendTest, DataThatChangeAreNotSpokenUnderTheOldDigest) {
  const std::string data = CopyOfData();
  bool changed = false;
  ModelDescription description = Describe(Parameter("data", data));
  ASSERT_TRUE(backend_.Complete(&description).ok());
  description.check_files = [&]() -> absl::Status {
    return changed ? absl::UnavailableError("load it again") : absl::OkStatus();
  };
  const auto model = backend_.Load(description, nullptr);
  ASSERT_TRUE(model.ok()) << model.status();
  const auto instance = (*model)->CreateInstance();
  ASSERT_TRUE(instance.ok()) << instance.status();
  const auto ask = [&](const char* voice) { return Run(**instance, {{"1", voice}}).status(); };
  EXPECT_TRUE(ask("es").ok());
  // The file of one voice matters to that voice.
  fs::copy_file(data + "/lang/roa/fr", data + "/lang/roa/es", fs::copy_options::overwrite_existing);
  EXPECT_EQ(ask("es").code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(ask("es").message()), HasSubstr("lang/roa/es has changed"));
  EXPECT_TRUE(ask("en-us").ok());
  // A dictionary may matter to all.
  Write(data + "/fr_dict.new", "");
  fs::rename(data + "/fr_dict.new", data + "/fr_dict");
  EXPECT_THAT(std::string(ask("en-us").message()), HasSubstr("has changed"));
  changed = true;
  EXPECT_EQ(ask("en-us"), absl::UnavailableError("load it again"));
  EXPECT_EQ((*model)->lost_workers(), 0u);
}

TEST_F(EspeakNgBackendTest, AWorkerProgramThatIsNotThereIsNamed) {
  EspeakNgBackend backend({.worker_program = "/nowhere/souvenir-worker-espeak-ng"});
  ModelDescription description = Describe();
  ASSERT_TRUE(backend.Complete(&description).ok());
  const absl::Status status = backend.Load(description, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nowhere/souvenir-worker-espeak-ng"));
}

}  // namespace
}  // namespace souvenir::compute
