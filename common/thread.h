#pragma once

#include <functional>
#include <string>
#include <thread>

namespace souvenir {

// Starts a thread that tools show as `name` (the kernel keeps 15 characters of it). All signals are
// blocked in it: they are taken by the one thread that waits for them. A `nice` of 1 to 19 makes
// this thread alone give way to others; 0 leaves it as it is.
std::thread StartThread(const std::string& name, std::function<void()> body, int nice = 0);

// Makes the calling thread nicer by `nice`, for as long as it lives. Best effort.
void MakeThreadNicer(int nice);

}  // namespace souvenir
