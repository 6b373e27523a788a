#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "souvenir/v1/speech.pb.h"

// The names of encodings and formats of audio on the command line.

namespace souvenir::cli {

// Returns "s16le", "s16be" and so on, in the order of the protocol.
std::vector<std::string> AudioEncodingNames();

// Returns the encoding with this name, or AUDIO_ENCODING_UNSPECIFIED if there is none.
souvenir::v1::AudioEncoding AudioEncodingOf(std::string_view name);

// Returns "wav", "flac", "ogg", "raw".
std::vector<std::string> AudioFormatNames();

// Returns the format with this name, or AUDIO_CONTAINER_UNSPECIFIED if there is none.
souvenir::v1::AudioContainer AudioFormatOf(std::string_view name);

// Returns the format that the extension of a file names, in any case: also .oga for Ogg, .wave, and
// .pcm for raw samples. AUDIO_CONTAINER_UNSPECIFIED for any other.
souvenir::v1::AudioContainer AudioFormatOfFile(const std::string& path);

}  // namespace souvenir::cli
