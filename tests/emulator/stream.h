#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "emulator/counters.h"

namespace emulator {

/// A piece of work that a stream is given, or a graph's node.
struct Work {
  std::function<void()> run;
  const char* name;
  std::int64_t Counters::*counter;  ///< that it is counted by, where it is launched by itself
  /// What may not change between a graph and its update: a kernel's address, say. See
  /// cudaGraphExecUpdate.
  const void* identity = nullptr;
};

struct Capture;
class Stream;

/// A place in a stream: it is reached when so many pieces of work are done.
struct Ticket {
  std::shared_ptr<Stream> stream;
  std::uint64_t number;

  bool reached() const;
};

/// Work in the order it was given. None is done before somebody waits for it, or, in a random
/// order, whenever it happens: a result that is read before the stream was waited for is not there.
class Stream {
 public:
  /// `blocking`: waits for what the legacy default stream was given, and that one for this.
  explicit Stream(bool blocking) : blocking_(blocking) {}

  bool blocking() const { return blocking_; }
  bool idle() const { return queue_.empty(); }
  std::uint64_t n_given() const { return n_done_ + queue_.size(); }
  std::uint64_t n_done() const { return n_done_; }

  void push(Work work, std::vector<Ticket> after);
  /// Does the next piece of work, and before it whatever other streams must have done for it.
  void run_next();

  std::shared_ptr<Capture> capture;  ///< under way, or null

 private:
  struct Entry {
    Work work;
    std::vector<Ticket> after;
  };

  const bool blocking_;
  std::deque<Entry> queue_;
  std::uint64_t n_done_ = 0;
};

/// Ends the program, naming the caller, where there is none.
std::shared_ptr<Stream> stream_of(cudaStream_t handle, const char* caller);
std::size_t n_streams();

/// Gives the stream the work, behind `after` as well; or the graph that it is captured into. Where
/// the capture is not valid, or the default stream is in its way: CUDA's status.
cudaError_t submit(const std::shared_ptr<Stream>& stream, Work work,
                   std::vector<Ticket> after = {});
/// The place behind all that the stream was given so far.
Ticket end_of(const std::shared_ptr<Stream>& stream);

/// Returns when the work is done, which these do. Counted as a host's wait.
void wait_for(const Ticket& ticket);
void wait_for_all();
/// Does one piece of work on the way to the ticket, which is not reached yet.
void make_progress(const Ticket& ticket);

/// Invalidates every capture under way, but for those that asked for cudaStreamCaptureModeRelaxed;
/// false where there is none.
bool invalidate_captures();

/// To be counted by whoever adds to it.
Counters& counted();

}  // namespace emulator
