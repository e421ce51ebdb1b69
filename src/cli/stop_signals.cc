#include "cli/stop_signals.h"

namespace hourglass::cli {
namespace {

volatile std::sig_atomic_t noted = 0;

extern "C" void note(int signal) { noted = signal; }

}  // namespace

StopSignals::StopSignals() {
  noted = 0;
  struct sigaction action = {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART | SA_RESETHAND;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Before before = {signal, {}};
    if (sigaction(signal, nullptr, &before.action) != 0) continue;
    // nohup says that a closed terminal must not stop us. An ignored SIGINT says only that a script
    // started us in the background.
    if (signal == SIGHUP && before.action.sa_handler == SIG_IGN) continue;
    if (sigaction(signal, &action, nullptr) == 0) before_.push_back(before);
  }
}

StopSignals::~StopSignals() {
  for (const Before& before : before_) sigaction(before.signal, &before.action, nullptr);
}

int StopSignals::received() const { return noted; }

}  // namespace hourglass::cli
