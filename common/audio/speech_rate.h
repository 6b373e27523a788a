#pragma once

namespace souvenir {

// The rate of speech recognisers, and of all audio inside of the services, in samples a second.
inline constexpr int kSpeechRate = 16'000;

}  // namespace souvenir
