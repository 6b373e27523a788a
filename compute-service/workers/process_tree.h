#pragma once

#include <sys/types.h>

#include <functional>
#include <vector>

namespace souvenir::compute {

// Returns the present children of the process `pid`, whichever of its threads started them, or none
// if they cannot be read (Linux, /proc/PID/task/TID/children).
std::vector<pid_t> ChildrenOf(pid_t pid);

// Makes orphans among the descendants of this process its children, even after setsid(), so that
// EndChildren() reaches them. Children do not inherit this.
void AdoptOrphans();

// Kills and reaps the children of this process for which `keeps` is false, and their own children
// as those become orphans, until none is left. Calls `reaped` for each. Blocks while a child
// survives SIGKILL, as in an uninterruptible sleep.
//
// REQUIRES: AdoptOrphans() was called; no other thread waits for children.
void EndChildren(const std::function<bool(pid_t)>& keeps,
                 const std::function<void(pid_t, int wait_status)>& reaped);

}  // namespace souvenir::compute
