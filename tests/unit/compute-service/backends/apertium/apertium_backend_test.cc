#include "compute-service/backends/apertium/apertium_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/config/text_proto.h"
#include "compute-service/backends/model_files.h"

namespace souvenir::compute {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ApertiumBackendTest : public testing::Test {
 protected:
  ApertiumBackendTest() : modes_(testing::TempDir() + "apertium-modes-" + TestName()) {
    options_.worker_program = SOUVENIR_WORKER_APERTIUM;
  }
  ~ApertiumBackendTest() override { std::filesystem::remove_all(modes_); }

  static std::string TestName() {
    return testing::UnitTest::GetInstance()->current_test_info()->name();
  }

  // Uses a directory of modes that belongs to this test.
  void UseOwnModes() {
    std::filesystem::create_directories(modes_);
    options_.modes_directory = modes_;
  }

  void WriteFile(const std::string& name, std::string_view text) {
    std::ofstream(modes_ + "/" + name, std::ios::binary) << text;
  }

  // Writes a shell script in place of a program.
  void WriteProgram(const std::string& name, std::string_view script) {
    WriteFile(name, "#!/bin/sh\n" + std::string(script));
    std::filesystem::permissions(modes_ + "/" + name, std::filesystem::perms::owner_all);
  }

  std::unique_ptr<ApertiumBackend> Backend() { return *ApertiumBackend::Create(options_); }

  static ModelDescription Model(std::string_view config) {
    ModelDescription description;
    EXPECT_TRUE(ParseTextProto(config, "test", &description.config).ok());
    return description;
  }

  absl::Status CompleteError(std::string_view config) {
    ModelDescription description = Model(config);
    return Backend()->Complete(&description);
  }

  const std::string modes_;
  ApertiumBackend::Options options_;
};

constexpr std::string_view kModeWithCg =
    "lt-proc a | cg-proc g | apertium-transfer b c d | lt-proc $1 e";

std::vector<std::string> Names(const std::vector<ModelDescription>& models) {
  std::vector<std::string> names;
  for (const ModelDescription& model : models) names.push_back(model.config.name());
  return names;
}

TEST_F(ApertiumBackendTest, OffersInstalledPairs) {
  const std::vector<std::string> names = Names(Backend()->Discover());
  for (const char* name : {"apertium-eng-spa", "apertium-spa-eng", "apertium-spa-eng_US",
                           "apertium-fr-es", "apertium-en-gl", "apertium-gl-en", "apertium-eng-cat",
                           "apertium-cat-eng", "apertium-fra-cat", "apertium-cat-fra"}) {
    EXPECT_THAT(names, testing::Contains(name));
  }
  EXPECT_THAT(names, testing::Each(testing::Not(HasSubstr("eco"))));
}

TEST_F(ApertiumBackendTest, OffersOnlyWhatItCanServe) {
  UseOwnModes();
  WriteFile("eng-spa.mode", "lt-proc a | apertium-transfer b c d | lt-proc $1 e");
  WriteFile("eng-cat.mode", "lt-proc a | rtx-proc g | apertium-transfer b c d | lt-proc $1 e");
  WriteFile("eng-fra.mode", "lt-proc a");
  WriteFile("eng-deu.mode", "lt-proc a; rm b");
  WriteFile("eng-por-tagger.mode", "lt-proc a | apertium-transfer b c d | lt-proc $1 e");
  WriteFile("eng-ita.txt", "lt-proc a | apertium-transfer b c d | lt-proc $1 e");
  EXPECT_THAT(Names(Backend()->Discover()), testing::ElementsAre("apertium-eng-spa"));
  options_.modes_directory = modes_ + "/nowhere";
  EXPECT_TRUE(Backend()->Discover().empty());
}

TEST_F(ApertiumBackendTest, CompletesAConfiguration) {
  ModelDescription description = Model(R"(name: "apertium-spa-eng_US" backend: "apertium")");
  ASSERT_TRUE(Backend()->Complete(&description).ok());
  const inference::ModelConfig expected = Model(R"(
      name: "apertium-spa-eng_US"
      backend: "apertium"
      max_batch_size: 64
      input { name: "text" data_type: TYPE_STRING dims: 1 }
      output { name: "translation" data_type: TYPE_STRING dims: 1 }
      response_cache { enable: true }
      parameters { key: "mode" value { string_value: "spa-eng_US" } }
      parameters { key: "task" value { string_value: "translation" } }
      parameters { key: "source_language" value { string_value: "es" } }
      parameters { key: "target_language" value { string_value: "en-US" } }
      parameters { key: "row_exact" value { string_value: "true" } }
      parameters { key: "isolation" value { string_value: "process" } })")
                                              .config;
  EXPECT_EQ(description.config.DebugString(), expected.DebugString());
  // A complete configuration does not change.
  ASSERT_TRUE(Backend()->Complete(&description).ok());
  EXPECT_EQ(description.config.DebugString(), expected.DebugString());
}

TEST_F(ApertiumBackendTest, LeavesWhatAConfigurationSays) {
  ModelDescription description = Model(R"(
      name: "castilian" max_batch_size: 8 response_cache { enable: false }
      parameters { key: "mode" value { string_value: "eng-spa" } }
      parameters { key: "target_language" value { string_value: "es-ES" } }
      parameters { key: "instances" value { string_value: "auto" } })");
  ASSERT_TRUE(Backend()->Complete(&description).ok());
  EXPECT_EQ(description.config.max_batch_size(), 8);
  EXPECT_FALSE(description.config.response_cache().enable());
  EXPECT_EQ(description.config.parameters().at("target_language").string_value(), "es-ES");
  EXPECT_EQ(description.config.parameters().at("source_language").string_value(), "en");
}

TEST_F(ApertiumBackendTest, RefusesByNameWhatItDoesNotSupport) {
  const std::string name = R"(name: "apertium-eng-spa" )";
  const std::pair<std::string, std::string> cases[] = {
      {R"(parameters { key: "isolation" value { string_value: "thread" } })",
       "isolation is \"thread\""},
      {R"(parameters { key: "row_exact" value { string_value: "false" } })",
       "row_exact is \"false\""},
      {R"(parameters { key: "task" value { string_value: "speech" } })", "task is \"speech\""},
      {R"(parameters { key: "beam" value { string_value: "4" } })", "\"beam\""},
      {R"(parameters { key: "mode" value { string_value: "../x" } })", "../x"},
      {R"(max_batch_size: -1)", "max_batch_size is -1"},
      {R"(input { name: "words" data_type: TYPE_STRING dims: 1 })", "words"},
      {R"(input { name: "text" data_type: TYPE_INT32 dims: 1 })", "TYPE_INT32"},
      {R"(input { name: "text" data_type: TYPE_STRING dims: 2 })", "dims [2]"},
      {R"(output { name: "answer" data_type: TYPE_STRING dims: 1 })", "answer"},
  };
  for (const auto& [config, expected] : cases) {
    const absl::Status status = CompleteError(name + config);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << config;
    EXPECT_THAT(status.ToString(), AllOf(HasSubstr("apertium-eng-spa"), HasSubstr(expected)));
  }
  EXPECT_EQ(CompleteError(R"(name: "nameless")").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(CompleteError(R"(name: "apertium-eco-es-fr")").ToString(),
              HasSubstr("source_language"));
}

TEST_F(ApertiumBackendTest, SaysWhichProgramAModeNeeds) {
  UseOwnModes();
  WriteFile("eng-cat.mode", "lt-proc a | rtx-proc g | apertium-transfer b c d | lt-proc $1 e");
  const absl::Status status = CompleteError(R"(name: "apertium-eng-cat")");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.ToString(), HasSubstr("rtx-proc"));
}

TEST_F(ApertiumBackendTest, SaysWhatToInstallForAProgramThatIsNotThere) {
  UseOwnModes();
  WriteFile("eng-cat.mode", kModeWithCg);
  options_.programs_directory = modes_;
  EXPECT_TRUE(Backend()->Discover().empty());
  ModelDescription description = Model(R"(name: "apertium-eng-cat")");
  for (const absl::Status& status :
       {Backend()->Complete(&description), Backend()->Load(description, nullptr).status(),
        Backend()->Digest(description).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(status.ToString(),
                AllOf(HasSubstr(modes_ + "/cg-proc"), HasSubstr("apt install cg3")));
  }
  WriteProgram("cg-proc", "");
  EXPECT_THAT(Names(Backend()->Discover()), testing::ElementsAre("apertium-eng-cat"));
}

TEST_F(ApertiumBackendTest, SaysWhatToInstallForAModeThatIsNotThere) {
  UseOwnModes();
  WriteFile("eng-spa.mode", "lt-proc a | apertium-transfer b c d | lt-proc $1 e");
  const absl::Status status = CompleteError(R"(name: "apertium-eng-epo")");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.ToString(),
              AllOf(HasSubstr("eng-epo"), HasSubstr("apt install"), HasSubstr("eng-spa")));
}

TEST_F(ApertiumBackendTest, SaysWhatToInstallForDataThatIsNotThere) {
  UseOwnModes();
  WriteFile(
      "eng-epo.mode",
      "lt-proc /usr/share/apertium/apertium-eng-epo/x.bin | apertium-transfer b c d | lt-proc "
      "$1 e");
  ModelDescription description = Model(R"(name: "apertium-eng-epo")");
  ASSERT_TRUE(Backend()->Complete(&description).ok());
  for (const absl::Status& status :
       {Backend()->Load(description, nullptr).status(), Backend()->Digest(description).status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(status.ToString(), HasSubstr("apt install apertium-eng-epo"));
  }
}

TEST_F(ApertiumBackendTest, TheDigestChangesWithEveryByte) {
  UseOwnModes();
  for (const char* file : {"a", "b", "c", "d", "e"}) WriteFile(file, file);
  const std::string mode = "lt-proc " + modes_ + "/a | apertium-transfer " + modes_ + "/b " +
                           modes_ + "/c " + modes_ + "/d | lt-proc $1 " + modes_ + "/e";
  WriteFile("eng-spa.mode", mode);
  const ModelDescription description = Model(R"(name: "apertium-eng-spa")");
  const std::string before = *Backend()->Digest(description);
  EXPECT_EQ(before.size(), 64u);
  EXPECT_EQ(*Backend()->Digest(description), before);
  for (const char* file : {"a", "b", "c", "d", "e"}) {
    WriteFile(file, "changed");
    EXPECT_NE(*Backend()->Digest(description), before) << file;
    WriteFile(file, file);
  }
  WriteFile("eng-spa.mode", mode + " ");
  EXPECT_NE(*Backend()->Digest(description), before);
}

TEST_F(ApertiumBackendTest, TheDigestChangesWithAProgram) {
  UseOwnModes();
  for (const char* file : {"a", "b", "c", "d", "e", "g"}) WriteFile(file, file);
  WriteFile("eng-cat.mode", "lt-proc " + modes_ + "/a | cg-proc " + modes_ +
                                "/g | apertium-transfer " + modes_ + "/b " + modes_ + "/c " +
                                modes_ + "/d | lt-proc $1 " + modes_ + "/e");
  options_.programs_directory = modes_;
  WriteProgram("cg-proc", "");
  const ModelDescription description = Model(R"(name: "apertium-eng-cat")");
  const std::string before = *Backend()->Digest(description);
  EXPECT_EQ(*Backend()->Digest(description), before);
  WriteProgram("cg-proc", "exit 1");
  EXPECT_NE(*Backend()->Digest(description), before);
  WriteProgram("cg-proc", "");
  WriteFile("g", "changed");
  EXPECT_NE(*Backend()->Digest(description), before);
}

TEST_F(ApertiumBackendTest, AModelDoesNotStartWhenAFileOfItsDigestHasChanged) {
  UseOwnModes();
  for (const char* file : {"a", "b", "c", "d", "e", "g"}) WriteFile(file, file);
  const std::string mode = "lt-proc " + modes_ + "/a | cg-proc " + modes_ +
                           "/g | apertium-transfer " + modes_ + "/b " + modes_ + "/c " + modes_ +
                           "/d | lt-proc $1 " + modes_ + "/e";
  WriteFile("eng-cat.mode", mode);
  options_.programs_directory = modes_;
  WriteProgram("cg-proc", "");
  const std::unique_ptr<ApertiumBackend> backend = Backend();
  ModelDescription description = Model(R"(name: "apertium-eng-cat")");
  for (const char* file : {"a", "b", "c", "d", "e", "g", "cg-proc", "eng-cat.mode"}) {
    const auto check = MakeFilesCheck(backend.get(), description);
    ASSERT_TRUE(check.ok()) << check.status();
    WriteFile("unrelated", "x");
    EXPECT_TRUE((*check)().ok());
    WriteFile(file, file == std::string("eng-cat.mode") ? mode + " " : "changed");
    ModelDescription noted = description;
    noted.check_files = *check;
    const absl::Status status = backend->Load(noted, nullptr).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << file;
    EXPECT_THAT(status.ToString(), HasSubstr("`souvenir models load apertium-eng-cat`")) << file;
  }
}

TEST_F(ApertiumBackendTest, DamagedDataIsAnErrorAndNoCrashOfTheService) {
  UseOwnModes();
  const std::string data = "/usr/share/apertium/apertium-eng-spa/";
  std::ifstream whole(data + "eng-spa.automorf.bin", std::ios::binary);
  std::string start(100'000, '\0');
  whole.read(start.data(), static_cast<std::streamsize>(start.size()));
  WriteFile("cut.bin", start);
  const std::string rest = " | apertium-transfer -n " + data + "apertium-eng-spa.eng-spa.t1x " +
                           data + "eng-spa.t1x.bin | lt-proc $1 " + data + "eng-spa.autogen.bin";
  WriteFile("eng-spa.mode", "lt-proc " + modes_ + "/cut.bin" + rest);
  const absl::Status status =
      Backend()->Load(Model(R"(name: "apertium-eng-spa")"), nullptr).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.ToString(), HasSubstr("while loading"));
}

TEST_F(ApertiumBackendTest, DamagedDataOfAProgramIsFoundOnLoading) {
  UseOwnModes();
  const std::string data = "/usr/share/apertium/apertium-eng-spa/";
  WriteFile("damaged.bin", "CG3B and then nothing of the sort");
  WriteFile("eng-spa.mode", "cg-proc " + modes_ + "/damaged.bin | apertium-transfer -n " + data +
                                "apertium-eng-spa.eng-spa.t1x " + data +
                                "eng-spa.t1x.bin | lt-proc $1 " + data + "eng-spa.autogen.bin");
  const absl::Status status =
      Backend()->Load(Model(R"(name: "apertium-eng-spa")"), nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(status.ToString(),
              AllOf(HasSubstr("cg-proc"), HasSubstr("damaged.bin"), HasSubstr("exit status 1")));
}

TEST_F(ApertiumBackendTest, AWorkerProgramThatIsNotThereIsNamed) {
  options_.worker_program = "/nowhere/souvenir-worker-apertium";
  const absl::Status status =
      Backend()->Load(Model(R"(name: "apertium-eng-spa")"), nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.ToString(), HasSubstr("/nowhere/souvenir-worker-apertium"));
}

TEST_F(ApertiumBackendTest, OptionsAreChecked) {
  options_.programs_directory = "";
  EXPECT_FALSE(ApertiumBackend::Create(options_).ok());
  options_.programs_directory = "/usr/bin";
  EXPECT_TRUE(ApertiumBackend::Create(options_).ok());
  options_.worker_program = "";
  EXPECT_FALSE(ApertiumBackend::Create(options_).ok());
}

}  // namespace
}  // namespace souvenir::compute
