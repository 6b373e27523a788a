#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace souvenir::compute {

// A voice of eSpeak NG: a language in the way of a region. Its file is below lang/ in the folder of
// data. Variants (voices/!v) and voices of MBROLA (voices/mb) are no voices of their own here.
struct Voice {
  std::string name;         // the language code of the file, in lower case: "en-gb"
  std::string language;     // a BCP-47 tag: "en-GB"
  std::string description;  // "English (Great Britain)"
  std::string file;         // path below lang/, by which the engine knows the voice: "gmw/en"
};

// Reads the voices of a folder espeak-ng-data, sorted by name. Each has a name of its own: if two
// files have the same language code, the second is called after its file. A file that is not a
// voice is left out, and so are voices beyond the 500th. NOT_FOUND if there is no folder lang/.
absl::StatusOr<std::vector<Voice>> ReadVoices(const std::string& data);

// Returns [{"name": ..., "language": ..., "description": ...}, ...].
std::string VoicesJson(absl::Span<const Voice> voices);

// Returns the voice called `name`. INVALID_ARGUMENT if there is none, with the voices of the same
// language or with a similar name, or else all names.
absl::StatusOr<Voice> FindVoice(absl::Span<const Voice> voices, std::string_view name);

}  // namespace souvenir::compute
