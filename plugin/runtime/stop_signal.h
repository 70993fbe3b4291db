// SIGINT and SIGTERM request a stop: the work in hand is finished and stored.
#pragma once

#include <atomic>

namespace colmatch {

// A second signal ends the process at once. A closed pipe and a file size limit then show as failed writes.
void InstallSignalHandlers();

// For a program that is started in this one's place or below it: a disposition of "ignore" would be
// inherited.
void RestoreSignals();

const std::atomic<bool>& StopRequested();

// The same request without a signal, and its end: for a program that runs commands inside itself.
void RequestStop();
void ForgetStop();

// 130 or 143 after a signal, else 0.
int StopStatus();

}  // namespace colmatch
