#include "cli/transcript_destination.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/confirm.h"
#include "cli/printable.h"

namespace souvenir::cli {
namespace {

namespace fs = std::filesystem;

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool IsSameFile(const std::string& a, const std::string& b) {
  std::error_code error;
  return fs::equivalent(a, b, error);
}

}  // namespace

TranscriptDestination::TranscriptDestination(Options options, Console& console)
    : options_(std::move(options)),
      kind_(options_.output.empty() || options_.output == "-" ? Kind::kStandardOutput
            : IsDirectory(options_.output)                    ? Kind::kDirectory
                                                              : Kind::kFile),
      console_(console) {}

Outcome TranscriptDestination::Open() {
  const bool subtitles =
      options_.form == TranscriptForm::kSrt || options_.form == TranscriptForm::kWebVtt;
  if (subtitles && options_.files.size() > 1 && kind_ != Kind::kDirectory) {
    return Outcome::Usage(
        "subtitles of several recordings cannot go to one place; name a directory with -o");
  }
  if (kind_ == Kind::kStandardOutput) return {};
  if (Outcome checked = CheckPaths(); !checked.ok()) return checked;
  if (Outcome confirmed = ConfirmReplacing(); !confirmed.ok()) return confirmed;
  if (kind_ == Kind::kDirectory) return {};
  file_ = NewFile(options_.output);
  return file_->Open();
}

Outcome TranscriptDestination::CheckPaths() {
  std::map<std::string, std::string> recordings;  // by path
  for (const std::string& file : options_.files) {
    std::string path = options_.output;
    if (kind_ == Kind::kDirectory) {
      const std::string name = file == "-" ? "standard-input" : fs::path(file).stem().string();
      path = (fs::path(path) / (name + ExtensionOf(options_.form))).string();
      if (const auto [other, is_new] = recordings.emplace(path, file); !is_new) {
        return Outcome::Usage(
            fmt::format("{} and {} would both go to {}", other->second, file, path));
      }
    }
    if (file != "-" && IsSameFile(file, path)) {
      return Outcome::Usage(fmt::format("{} would replace a recording", path));
    }
    if (Outcome checked = NewFile(path)->Check(); !checked.ok()) return checked;
    paths_[file] = std::move(path);
  }
  return {};
}

Outcome TranscriptDestination::ConfirmReplacing() const {
  std::map<std::string, size_t> replaced;
  for (const auto& [file, path] : paths_) {
    if (NewFile(path)->ReplacesContent()) ++replaced[path];
  }
  if (replaced.empty()) return {};
  const std::string& first = replaced.begin()->first;
  const std::string others =
      replaced.size() > 1 ? fmt::format(" and {} more", replaced.size() - 1) : "";
  return Confirm(fmt::format("{}{} would be replaced", first, others),
                 fmt::format("Replace {}{}?", first, others), options_.yes, console_);
}

std::unique_ptr<OutputFile> TranscriptDestination::NewFile(const std::string& path) const {
  return std::make_unique<OutputFile>(
      OutputFile::Options{.path = path, .content = "a transcript", .work = "the work"}, console_);
}

const std::string& TranscriptDestination::PathFor(const std::string& file) const {
  const auto path = paths_.find(file);
  return path == paths_.end() ? options_.output : path->second;
}

Outcome TranscriptDestination::Write(const std::string& file, const std::string& document) {
  if (kind_ == Kind::kStandardOutput) {
    console_.out << (console_.out_is_terminal ? PrintableLines(document, 0) : document)
                 << std::flush;
    return {};
  }
  if (kind_ == Kind::kFile) {
    file_->stream() << document;
    return {};  // End() tells of errors
  }
  const std::unique_ptr<OutputFile> output = NewFile(PathFor(file));
  if (Outcome opened = output->Open(); !opened.ok()) return opened;
  output->stream() << document;
  return output->End({});
}

Outcome TranscriptDestination::End(Outcome outcome) {
  return file_ == nullptr ? outcome : file_->End(std::move(outcome));
}

}  // namespace souvenir::cli
