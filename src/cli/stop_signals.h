#pragma once

#include <csignal>
#include <vector>

namespace hourglass::cli {

/// While it lives, SIGINT, SIGTERM and SIGHUP are noted instead of killing the process. A second
/// one kills: a person who insists is not made to wait. At most one lives at a time.
class StopSignals {
 public:
  StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  int received() const;  ///< the signal; 0: none

 private:
  struct Before {
    int signal;
    struct sigaction action;
  };
  std::vector<Before> before_;
};

}  // namespace hourglass::cli
