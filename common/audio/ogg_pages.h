#pragma once

#include <cstdint>
#include <string>

#include "common/audio/audio_source.h"

namespace souvenir {

// Returns what is wrong with the pages of an Ogg file (RFC 3533), or nothing: a page that is cut
// off or has a wrong checksum, or a second stream. A reader that skips such pages would give a
// shorter recording, and of several streams libsndfile reads only the first.
std::string OggFault(AudioSource* file);

// Gives all pages of an Ogg file the stream number `serial`, with a new checksum.
// Returns false if the bytes are not whole pages; they may then have changed. REQUIRES: the file
// has one stream.
bool SetOggSerial(uint32_t serial, std::string* file);

}  // namespace souvenir
