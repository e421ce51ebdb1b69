#include "emulator/stream.h"

#include <algorithm>
#include <utility>

#include "emulator/arena.h"
#include "emulator/graph.h"
#include "emulator/handle_table.h"
#include "emulator/random_order.h"
#include "emulator/runtime_call.h"

namespace emulator {
namespace {

using Streams = HandleTable<cudaStream_t, Stream>;

Streams& streams() {
  static auto* const table = new Streams("stream", 0x1000000000);
  return *table;
}

const std::shared_ptr<Stream>& default_stream() {
  static auto* const stream = new std::shared_ptr<Stream>(std::make_shared<Stream>(true));
  return *stream;
}

/// The default stream, those of the table, and those that are destroyed and not done yet.
std::vector<std::shared_ptr<Stream>>& all_streams() {
  static auto* const all = new std::vector<std::shared_ptr<Stream>>{default_stream()};
  return *all;
}

/// While the device works, its memory may be touched; while the host runs, by nobody.
class DeviceTurn {
 public:
  DeviceTurn() {
    if (depth_++ == 0) device_arena().allow_all();
  }
  ~DeviceTurn() {
    if (--depth_ == 0) device_arena().forbid_all();
  }
  DeviceTurn(const DeviceTurn&) = delete;
  DeviceTurn& operator=(const DeviceTurn&) = delete;

 private:
  static int depth_;
};
int DeviceTurn::depth_ = 0;

/// One that has work, by lot; null where none has.
Stream* any_busy_stream() {
  std::vector<Stream*> busy;
  for (const std::shared_ptr<Stream>& stream : all_streams()) {
    if (!stream->idle()) busy.push_back(stream.get());
  }
  return busy.empty() ? nullptr : busy[random_below(static_cast<unsigned>(busy.size()))];
}

/// In a random order the device does, while the host goes on, as much as happens.
void do_some_work() {
  if (!random_order() || random_below(3) != 0) return;
  const DeviceTurn turn;
  for (unsigned n = 1 + random_below(4); n > 0; --n) {
    Stream* const stream = any_busy_stream();
    if (stream == nullptr) return;
    stream->run_next();
  }
}

/// What work in the stream must follow by the rules of the legacy default stream.
void add_implicit_order(const std::shared_ptr<Stream>& stream, std::vector<Ticket>& after) {
  if (!stream->blocking()) return;
  for (const std::shared_ptr<Stream>& other : all_streams()) {
    const bool one_is_default = (stream == default_stream()) != (other == default_stream());
    if (one_is_default && other->blocking() && !other->idle()) after.push_back(end_of(other));
  }
}

}  // namespace

bool Ticket::reached() const { return stream->n_done() >= number; }

void Stream::push(Work work, std::vector<Ticket> after) {
  queue_.push_back({std::move(work), std::move(after)});
}

void Stream::run_next() {
  // What it must follow was given before it, so that this comes to an end.
  for (const Ticket& ticket : queue_.front().after) {
    while (!ticket.reached()) ticket.stream->run_next();
  }
  const Entry entry = std::move(queue_.front());
  queue_.pop_front();
  entry.work.run();
  ++n_done_;
}

std::shared_ptr<Stream> stream_of(cudaStream_t handle, const char* caller) {
  if (handle == nullptr || handle == cudaStreamLegacy) return default_stream();
  if (handle == cudaStreamPerThread) die("%s: cudaStreamPerThread is not modelled", caller);
  return streams().at(handle, caller);
}

std::size_t n_streams() { return streams().size(); }

Ticket end_of(const std::shared_ptr<Stream>& stream) { return {stream, stream->n_given()}; }

cudaError_t submit(const std::shared_ptr<Stream>& stream, Work work, std::vector<Ticket> after) {
  if (stream->capture != nullptr) {
    if (!stream->capture->valid) return cudaErrorStreamCaptureInvalidated;
    stream->capture->graph->nodes.push_back(std::move(work));
    return cudaSuccess;
  }
  if (stream == default_stream()) {
    for (const std::shared_ptr<Stream>& other : all_streams()) {
      if (other->capture != nullptr && other->blocking()) {
        other->capture->valid = false;
        return cudaErrorStreamCaptureImplicit;
      }
    }
  }
  if (work.counter != nullptr) ++(counted().*work.counter);
  add_implicit_order(stream, after);
  stream->push(std::move(work), std::move(after));
  do_some_work();
  return cudaSuccess;
}

void wait_for(const Ticket& ticket) {
  ++counted().host_synchronisations;
  const DeviceTurn turn;
  while (!ticket.reached()) (random_order() ? any_busy_stream() : ticket.stream.get())->run_next();
}

void wait_for_all() {
  ++counted().host_synchronisations;
  const DeviceTurn turn;
  for (const std::shared_ptr<Stream>& stream : all_streams()) {
    while (!stream->idle()) (random_order() ? any_busy_stream() : stream.get())->run_next();
  }
  std::erase_if(all_streams(), [](const std::shared_ptr<Stream>& stream) {
    return stream.use_count() == 1;  // destroyed
  });
}

void make_progress(const Ticket& ticket) {
  const DeviceTurn turn;
  (random_order() ? any_busy_stream() : ticket.stream.get())->run_next();
}

bool invalidate_captures() {
  bool any = false;
  for (const std::shared_ptr<Stream>& stream : all_streams()) {
    if (stream->capture == nullptr || stream->capture->mode == cudaStreamCaptureModeRelaxed) {
      continue;
    }
    stream->capture->valid = false;
    any = true;
  }
  return any;
}

Counters& counted() {
  static Counters counters;
  return counters;
}

Counters counters() { return counted(); }

}  // namespace emulator

using namespace emulator;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return runtime_call("cudaStreamCreateWithFlags", WhileCapturing::kAllowed, [&] {
    if (flags != cudaStreamDefault && flags != cudaStreamNonBlocking) return cudaErrorInvalidValue;
    auto made = std::make_shared<Stream>(flags == cudaStreamDefault);
    all_streams().push_back(made);
    *stream = streams().add(std::move(made));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

// Returns at once: the work that is left is done all the same.
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return runtime_call("cudaStreamDestroy", WhileCapturing::kAllowed, [&] {
    const std::shared_ptr<Stream> gone = streams().remove(stream, "cudaStreamDestroy");
    if (gone->capture != nullptr) die("cudaStreamDestroy: the stream is being captured");
    if (gone->idle()) std::erase(all_streams(), gone);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return runtime_call("cudaStreamSynchronize", WhileCapturing::kAllowed, [&] {
    const std::shared_ptr<Stream> waited = stream_of(stream, "cudaStreamSynchronize");
    if (waited->capture != nullptr) {
      waited->capture->valid = false;
      return cudaErrorStreamCaptureUnsupported;
    }
    wait_for(end_of(waited));
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return runtime_call("cudaDeviceSynchronize", WhileCapturing::kForbidden, [] {
    wait_for_all();
    return cudaSuccess;
  });
}

}  // extern "C"
