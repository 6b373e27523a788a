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

// The command line of a service. Each flag sets a field of the configuration message and overrides
// the file that --config names.
//
//   config::v1::ComputeConfig config = DefaultConfig();
//   ServiceFlags flags(options, &config);
//   flags.Add("model_repository", "model_repository", "DIR", "Directory of the models.");
//   std::optional<int> exit_code = flags.Parse(argc, argv);
//   if (exit_code) return *exit_code;
//
// All services have these flags without Add(): --config, --check_config, --listen, --admin,
// --metrics, --log_level, --log_format, --drain_timeout, --version, --man, --help. They set the
// fields listen_address, admin_address, metrics_address, logging.level, logging.format and
// drain_timeout_seconds. A flag's name may have dashes in place of underscores.
//
// Owned by main. Not thread-safe, except for ReadAgain() after Parse().
class ServiceFlags {
 public:
  // Every value is valid.
  struct Options {
    std::string program;  // "souvenir-compute"
    std::string summary;  // one or two sentences for the top of --help
    std::string version;  // "0.1.0"
  };

  // `config` has the defaults, which --help shows. It must outlive this object.
  ServiceFlags(Options options, google::protobuf::Message* config);
  ~ServiceFlags();

  // Adds a flag --`name` for the field at `path`, as "disk.directory". The field is a string, bool,
  // uint32, uint64 or a repeated string. A bool is given as --name=true or --name=false. Repeated
  // strings are separated by commas and replace those of the file.
  //
  // `belonging` are paths of fields that qualify the field at `path`. If the flag is given, their
  // values from the file are dropped; flags that are added later can still set them. REQUIRES:
  // `config` has all these fields.
  void Add(const std::string& name, const std::string& path, const std::string& placeholder,
           const std::string& help, std::vector<std::string> belonging = {});

  // Reads the file and then the flags into the configuration. Returns an exit code if the program
  // must end: 0 after --help, --man or --version, which it prints; 2 for an invalid flag or file,
  // after it has printed the error to standard error, as "path:line:column: reason" for a file.
  std::optional<int> Parse(int argc, const char* const* argv);

  // Sets `config` to the defaults, merged with the file as it is now and the flags. On error leaves
  // `config` unchanged and returns the message that Parse() would print. Thread-safe. REQUIRES:
  // Parse() was called; `config` has the same type.
  absl::Status ReadAgain(google::protobuf::Message* config) const;

  // Returns true if the service must only check its configuration, print the error if there is one,
  // and exit with 2 or 0.
  bool check_config() const;

  // Returns the path given with --config; empty if there is none.
  const std::string& config_path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace souvenir
