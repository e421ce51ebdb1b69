#pragma once

#include <stdexcept>
#include <string>

namespace hourglass {

/// The input or the machine is at fault. what() is one line a person can act on: it names the place
/// (FILE:LINE:COLUMN where there is one), what is wrong and what to do. `main` prints it and exits 1.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The command line is at fault: `main` prints it and exits 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// A signal asked the program to stop and the work was saved: `main` exits 128 + signal.
class Interrupted : public Error {
 public:
  Interrupted(int signal, const std::string& message) : Error(message), signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

}  // namespace hourglass
