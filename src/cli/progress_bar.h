#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hourglass::cli {

/// Where a training stands: `epoch` of `epochs` is under way and has done `batch` of `batches`.
struct Progress {
  std::int64_t epoch = 1, epochs = 1;
  std::int64_t batch = 0, batches = 1;
};

/// The bar's text, without control characters, in at most `width` columns.
std::string progress_text(const Progress& progress, double seconds_per_epoch, int width);

/// A line at the bottom of a terminal that redraws itself, ten times a second at most. Where stderr
/// is no terminal it shows nothing.
class ProgressBar {
 public:
  explicit ProgressBar(bool wanted);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(const Progress& progress);
  void clear();  ///< before other text is printed

 private:
  using Clock = std::chrono::steady_clock;

  bool shown_;
  bool drawn_ = false;
  Clock::time_point began_ = Clock::now(), last_ = began_;
  double first_ = -1;  ///< epochs that were done before this process
};

/// "0:07", "12:34", "1:02:03"
std::string duration(double seconds);

}  // namespace hourglass::cli
