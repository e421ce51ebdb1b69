#include <chrono>
#include <memory>
#include <utility>

#include "emulator/event.h"
#include "emulator/graph.h"
#include "emulator/handle_table.h"
#include "emulator/runtime_call.h"
#include "emulator/stream.h"

namespace emulator {
namespace {

using Clock = std::chrono::steady_clock;

struct Event {
  bool timed;
  Ticket recorded = {};                  ///< no stream: never
  std::weak_ptr<Capture> captured = {};  ///< the capture under way that it was recorded into
  std::shared_ptr<Clock::time_point> when = {};  ///< of the last record, when that is done

  bool is_captured() const { return !captured.expired(); }
  bool pending() const { return recorded.stream != nullptr && !recorded.reached(); }
};

using Events = HandleTable<cudaEvent_t, Event>;

Events& events() {
  static auto* const table = new Events("event", 0x2000000000);
  return *table;
}

}  // namespace

std::size_t n_events() { return events().size(); }

}  // namespace emulator

using namespace emulator;

extern "C" {

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  return runtime_call("cudaEventCreateWithFlags", WhileCapturing::kAllowed, [&] {
    if ((flags & ~(cudaEventBlockingSync | cudaEventDisableTiming)) != 0) {
      die("cudaEventCreateWithFlags: the flags %u are not modelled", flags);
    }
    *event = events().add(std::make_shared<Event>(Event{(flags & cudaEventDisableTiming) == 0}));
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return runtime_call("cudaEventDestroy", WhileCapturing::kAllowed, [&] {
    events().remove(event, "cudaEventDestroy");
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return runtime_call("cudaEventRecord", WhileCapturing::kAllowed, [&] {
    const std::shared_ptr<Event>& recorded = events().at(event, "cudaEventRecord");
    const std::shared_ptr<Stream> on = stream_of(stream, "cudaEventRecord");
    if (on->capture != nullptr) {  // no node: a place in the graph
      if (!on->capture->valid) return cudaErrorStreamCaptureInvalidated;
      recorded->captured = on->capture;
      return cudaSuccess;
    }
    recorded->captured.reset();
    recorded->when = std::make_shared<Clock::time_point>();
    const cudaError_t status =
        submit(on, {[when = recorded->when] { *when = Clock::now(); }, "cudaEventRecord", nullptr});
    recorded->recorded = end_of(on);
    return status;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
  return runtime_call("cudaStreamWaitEvent", WhileCapturing::kAllowed, [&] {
    if (flags != cudaEventWaitDefault) die("cudaStreamWaitEvent: flags are not modelled");
    const std::shared_ptr<Event>& awaited = events().at(event, "cudaStreamWaitEvent");
    const std::shared_ptr<Stream> waiting = stream_of(stream, "cudaStreamWaitEvent");
    if (const std::shared_ptr<Capture> capture = awaited->captured.lock()) {
      if (capture == waiting->capture) return cudaSuccess;  // the graph is in the stream's order
      die("cudaStreamWaitEvent: a capture of more than one stream is not modelled");
    }
    if (awaited->recorded.stream == nullptr) return cudaSuccess;
    if (waiting->capture != nullptr) {
      waiting->capture->valid = false;
      return cudaErrorStreamCaptureIsolation;
    }
    return submit(waiting, {[] {}, "cudaStreamWaitEvent", nullptr}, {awaited->recorded});
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return runtime_call("cudaEventSynchronize", WhileCapturing::kAllowed, [&] {
    const std::shared_ptr<Event>& awaited = events().at(event, "cudaEventSynchronize");
    if (awaited->is_captured()) {
      awaited->captured.lock()->valid = false;
      return cudaErrorCapturedEvent;
    }
    if (awaited->recorded.stream != nullptr) wait_for(awaited->recorded);
    return cudaSuccess;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return runtime_call("cudaEventQuery", WhileCapturing::kForbidden, [&] {
    const std::shared_ptr<Event>& asked = events().at(event, "cudaEventQuery");
    if (asked->is_captured()) return cudaErrorCapturedEvent;
    if (!asked->pending()) return cudaSuccess;
    make_progress(asked->recorded);  // else whoever asks until it is done would ask for ever
    return cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  return runtime_call("cudaEventElapsedTime", WhileCapturing::kAllowed, [&] {
    const std::shared_ptr<Event>& a = events().at(begin, "cudaEventElapsedTime");
    const std::shared_ptr<Event>& b = events().at(end, "cudaEventElapsedTime");
    if (!a->timed || !b->timed || a->recorded.stream == nullptr || b->recorded.stream == nullptr) {
      return cudaErrorInvalidResourceHandle;
    }
    if (a->pending() || b->pending()) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(*b->when - *a->when).count();
    return cudaSuccess;
  });
}

}  // extern "C"
