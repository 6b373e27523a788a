#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "tests/fakes/manual_clock.h"
#include "tests/unit/cli/fake_gateway.h"

namespace souvenir::cli {

// Runs the client's command line against a fake gateway.
class CommandLineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(gateway_.started());
    unsetenv("SOUVENIR_SERVER");
    unsetenv("SOUVENIR_ADMIN");
  }

  // Runs the client against the fake gateway, with both of its ports.
  int Run(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(),
                     {"--server", gateway_.address(), "--admin", gateway_.address()});
    return RunAsIs(arguments, input);
  }

  int RunAsIs(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    Console console{.in = in,
                    .out = out,
                    .err = err,
                    .in_is_terminal = terminal_ || in_is_terminal_,
                    .out_is_terminal = terminal_ || out_is_terminal_,
                    .clock = &clock_};
    const int code = RunCommandLine(arguments, "9.8.7", console);
    out_ = out.str();
    err_ = err.str();
    return code;
  }

  void Answer(const std::string& target, const std::string& text, souvenir::v1::CacheKind kind) {
    souvenir::v1::Translation translation;
    translation.set_target_language(target);
    translation.set_text(text);
    translation.mutable_provenance()->set_kind(kind);
    gateway_.translation.answers.push_back(translation);
  }

  FakeGateway gateway_;
  ManualClock clock_;
  bool terminal_ = false;  // both are one
  bool in_is_terminal_ = false;
  bool out_is_terminal_ = false;
  std::string out_;
  std::string err_;
};

}  // namespace souvenir::cli
