#include "compute-service/backends/pocketsphinx/pocketsphinx_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/compute-service/backends/pocketsphinx/pocketsphinx_fixture.h"

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PocketsphinxBackendTest : public PocketsphinxTest {
 protected:
  // Returns a configuration with copies of the English acoustic model and dictionary below the
  // version's folder, and no large language model.
  std::string OwnFiles() {
    fs::copy(std::string(kEnglish) + "/en-us", own("hmm"), fs::copy_options::recursive);
    Write("dict", "one W AH N\ntwo T UW\n");
    fs::copy_file(std::string(kRecordings) + "turtle.lm.bin", own("lm"));
    return Parameter("hmm", "hmm") + Parameter("lm", "lm") + Parameter("dict", "dict");
  }

  std::string own(const std::string& name) const { return directory_.path() + "/" + name; }

  void Write(const std::string& name, std::string_view bytes) {
    std::ofstream(own(name), std::ios::binary) << bytes;
  }

  std::string Digest(const std::string& config) {
    ModelDescription description = Describe(config);
    EXPECT_TRUE(backend_.Complete(&description).ok());
    const absl::StatusOr<std::string> digest = backend_.Digest(description);
    EXPECT_TRUE(digest.ok()) << digest.status();
    return digest.value_or("");
  }
};

TEST_F(PocketsphinxBackendTest, CompletesTheConfiguration) {
  ModelDescription description = Describe();
  ASSERT_TRUE(backend_.Complete(&description).ok());
  const inference::ModelConfig& config = description.config;
  ASSERT_EQ(config.input_size(), 1);
  EXPECT_EQ(config.input(0).name(), "AUDIO");
  ASSERT_EQ(config.output_size(), 3);
  EXPECT_EQ(config.output(1).name(), "WORDS");
  EXPECT_EQ(config.max_batch_size(), 1);
  EXPECT_TRUE(config.response_cache().enable());
  EXPECT_EQ(config.parameters().at("task").string_value(), "transcription");
  EXPECT_EQ(config.parameters().at("languages").string_value(), "en");
  EXPECT_EQ(config.parameters().at("row_exact").string_value(), "true");
  EXPECT_EQ(config.parameters().at("max_seconds").string_value(), "120");
  EXPECT_EQ(config.parameters().at("run_limit_ms").string_value(), "120000");
  EXPECT_TRUE(backend_.isolates_itself());
  EXPECT_TRUE(backend_.limits_each_row());
  EXPECT_THAT(*backend_.DigestedFiles(description),
              ElementsAre(std::string(kEnglish) + "/en-us", std::string(kEnglish) + "/en-us.lm.bin",
                          std::string(kEnglish) + "/cmudict-en-us.dict"));
  // A complete configuration does not change.
  const std::string once = config.DebugString();
  ASSERT_TRUE(backend_.Complete(&description).ok());
  EXPECT_EQ(config.DebugString(), once);
}

TEST_F(PocketsphinxBackendTest, RefusesByNameWhatItDoesNotSupport) {
  const std::pair<std::string, std::string> cases[] = {
      {Parameter("hmmm", "x"), "\"hmmm\""},
      {Parameter("hmm", ""), "hmm is not a path"},
      {Parameter("max_seconds", "601"), "'max_seconds' is '601'"},
      {Parameter("languages", ""), "languages is \"\""},
      {Parameter("languages", "en,,fr"), "languages is \"en,,fr\""},
      {Parameter("languages", "english!"), "BCP-47"},
      {Parameter("task", "translation"), "task is \"translation\""},
      {Parameter("row_exact", "false"), "row_exact is \"false\""},
      {Parameter("isolation", "thread"), "isolation is \"thread\""},
      {"input { name: 'LANGUAGE' data_type: TYPE_STRING dims: 1 }", "input \"LANGUAGE\""},
      {"max_batch_size: -1", "max_batch_size is -1"},
  };
  for (const auto& [config, expected] : cases) {
    ModelDescription description = Describe(config);
    const absl::Status status = backend_.Complete(&description);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << config;
    EXPECT_THAT(std::string(status.message()), HasSubstr(expected));
  }
  ModelDescription nowhere = Describe(Parameter("lm", "lm"));
  nowhere.directory = "";
  EXPECT_THAT(std::string(backend_.Complete(&nowhere).message()), HasSubstr("no version folder"));
}

TEST_F(PocketsphinxBackendTest, FilesThatAreNotThereAreNamedWithThePackage) {
  for (const std::string& config : {Parameter("hmm", "/nowhere/hmm"),
                                    Parameter("lm", "/nowhere/lm"), Parameter("dict", "dict")}) {
    ModelDescription description = Describe(config);
    ASSERT_TRUE(backend_.Complete(&description).ok());
    for (const absl::Status& status :
         {backend_.Digest(description).status(), backend_.Load(description, nullptr).status()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
      EXPECT_THAT(std::string(status.message()),
                  AllOf(AnyOf(HasSubstr("/nowhere/"), HasSubstr(own("dict"))),
                        HasSubstr("apt install pocketsphinx-en-us")));
    }
  }
}

TEST_F(PocketsphinxBackendTest, TheDigestCoversEachFile) {
  const std::string config = OwnFiles();
  const std::string whole = Digest(config);
  Write("dict", "one W AH N\n");
  const std::string other_words = Digest(config);
  EXPECT_NE(other_words, whole);
  Write("hmm/noisedict", "<s> SIL\n</s> SIL\n<sil> SIL\n");
  const std::string other_noise = Digest(config);
  EXPECT_NE(other_noise, other_words);
  fs::copy_file(std::string(kEnglish) + "/en-us-phone.lm.bin", own("lm"),
                fs::copy_options::overwrite_existing);
  EXPECT_NE(Digest(config), other_noise);
}

TEST_F(PocketsphinxBackendTest, LoadsFilesOfTheVersionsFolder) {
  const auto model = Load(OwnFiles());
  EXPECT_TRUE(model.ok()) << model.status();
}

TEST_F(PocketsphinxBackendTest, DamagedFilesFailTheLoadAndNothingElse) {
  const std::string config = OwnFiles();
  for (const char* name :
       {"hmm/mdef", "hmm/means", "hmm/transition_matrices", "hmm/sendump", "lm"}) {
    fs::rename(own(name), own("whole"));
    for (const bool junk : {false, true}) {
      fs::copy_file(own("whole"), own(name), fs::copy_options::overwrite_existing);
      if (junk) {
        Write(name, std::string(10'000, 'x'));
      } else {
        fs::resize_file(own(name), fs::file_size(own(name)) / 3);
      }
      const absl::Status status = Load(config).status();
      EXPECT_THAT(status.code(), AnyOf(absl::StatusCode::kInvalidArgument,  // the engine said so
                                       absl::StatusCode::kInternal))        // it crashed
          << name << (junk ? " junk: " : " cut: ") << status;
      EXPECT_THAT(std::string(status.message()), HasSubstr(own("hmm")));
    }
    fs::rename(own("whole"), own(name));
  }
  EXPECT_TRUE(Load(config).ok());
}

TEST_F(PocketsphinxBackendTest, AnAcousticModelOfAnotherKindIsRefused) {
  const std::string config = OwnFiles();
  std::ofstream(own("hmm/feat.params"), std::ios::app) << "\n-remove_silence yes\n";
  EXPECT_THAT(std::string(Load(config).status().message()), HasSubstr("-remove_silence"));
  fs::copy_file(std::string(kEnglish) + "/en-us/feat.params", own("hmm/feat.params"),
                fs::copy_options::overwrite_existing);
  std::ofstream(own("hmm/feat.params"), std::ios::app) << "\n-samprate 8000\n-upperf 3500\n";
  EXPECT_THAT(std::string(Load(config).status().message()), HasSubstr("8000 Hz"));
}

TEST_F(PocketsphinxBackendTest, AWorkerProgramThatIsNotThereIsNamed) {
  PocketsphinxBackend backend({.worker_program = "/nowhere/souvenir-worker-pocketsphinx"});
  ModelDescription description = Describe();
  ASSERT_TRUE(backend.Complete(&description).ok());
  const absl::Status status = backend.Load(description, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nowhere/souvenir-worker-pocketsphinx"));
}

}  // namespace
}  // namespace souvenir::compute
