#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

namespace souvenir::compute {

// The children that the process `pid` has now, whichever of its threads started them; none where
// that cannot be read (Linux, /proc/PID/task/TID/children).
std::vector<pid_t> ChildrenOf(pid_t pid);

// Has orphans among the descendants of this process become its children, so that EndChildren()
// reaches them; what has called setsid() too. Not inherited by children.
void AdoptOrphans();

// Kills and reaps the children of this process for which `keeps` is false, and what they leave
// behind as their orphans come here, until there are none. `reaped` is told of each. Blocks while a
// child does not die of SIGKILL, as one in an uninterruptible sleep.
//
// REQUIRES: AdoptOrphans(); no other thread waits for children.
void EndChildren(const std::function<bool(pid_t)>& keeps,
                 const std::function<void(pid_t, int wait_status)>& reaped);

}  // namespace souvenir::compute
