#pragma once

#include <functional>
#include <string>
#include <thread>

namespace souvenir {

// Starts a thread called `name`. The kernel keeps 15 characters of it. All signals are blocked in
// it, because one dedicated thread of the process waits for them. `nice`, 0 to 19, is added to the
// nice value of this thread alone.
std::thread StartThread(const std::string& name, std::function<void()> body, int nice = 0);

// Adds `nice` to the nice value of the calling thread. Ignores failure.
void MakeThreadNicer(int nice);

}  // namespace souvenir
