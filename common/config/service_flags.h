#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}

namespace souvenir {

// The command line of a service: every flag sets one field of its configuration message, and wins
// over the file that --config names.
//
//   config::v1::ComputeConfig config = DefaultConfig();
//   ServiceFlags flags({.program = "souvenir-compute", .summary = "...", .version = "0.1.0"},
//   &config); flags.Add("model_repository", "model_repository", "DIR", "Where the models are."); if
//   (std::optional<int> exit_code = flags.Parse(argc, argv)) return *exit_code;
//
// The flags all services have are there without Add: --config, --check_config, --listen, --admin,
// --metrics, --log_level, --log_format, --drain_timeout, --version, --man, --help. They set the
// fields listen_address, admin_address, metrics_address, logging.level, logging.format and
// drain_timeout_seconds. A dash is as good as an underscore in a flag's name.
//
// Used by main, on one thread.
class ServiceFlags {
 public:
  struct Options {
    std::string program;  // "souvenir-compute"
    std::string summary;  // a sentence or two, at the top of --help
    std::string version;  // "0.1.0"
  };

  // `config` holds the defaults, which --help shows, and must outlive this object.
  ServiceFlags(Options options, google::protobuf::Message* config);
  ~ServiceFlags();

  // A flag --`name` for the field at `path`, "disk.directory": a string, bool, uint32 or uint64, or
  // several strings. A bool is given as --name=true or --name=false; several strings with commas
  // between them, and in the place of those of the file. `belonging` are paths of fields that say
  // more of what the file has at `path`: where the flag is given the file's do not count, only
  // flags added later. REQUIRES: `config` has those fields.
  void Add(const std::string& name, const std::string& path, const std::string& placeholder,
           const std::string& help, std::vector<std::string> belonging = {});

  // Puts the file and then the flags into the configuration. An exit code where the program is to
  // end: 0 after --help, --man and --version, which are printed; 2 for a flag or a file that is
  // wrong, which a line on standard error has said, as "path:line:column: reason" for a file.
  std::optional<int> Parse(int argc, const char* const* argv);

  // Puts the defaults, the file as it is now and the flags into `config`, which is of the same
  // type; an error, as Parse() would print it, leaves it as it is. After Parse(); thread-safe.
  absl::Status ReadAgain(google::protobuf::Message* config) const;

  // Whether the configuration is only to be checked. The service then says what is wrong with it,
  // and exits with 2, or with 0.
  bool check_config() const;

  // What --config named; empty where it was not given.
  const std::string& config_path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souvenir
