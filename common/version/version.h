#pragma once

#include <string>

namespace souvenir {

// Returns the version of this source tree and the commit that it was built from: "0.1.0 (commit
// 0123456789ab)", with "changed" behind it if files of the commit were changed. "0.1.0" if the tree
// was built without git.
std::string VersionText();

}  // namespace souvenir
