#pragma once

#include <string>

namespace souvenir {

// "0.1.0 (commit 0123456789ab)": the version of this source tree and the commit that it was built
// from, with "changed" behind it where files of the commit were. "0.1.0" of a tree without git.
std::string VersionText();

}  // namespace souvenir
