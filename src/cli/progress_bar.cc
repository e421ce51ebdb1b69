#include "cli/progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "cli/streams.h"

namespace hourglass::cli {
namespace {

constexpr int kDefaultWidth = 80;

int terminal_width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultWidth;
  return size.ws_col;
}

double epochs_done(const Progress& p) {
  return static_cast<double>(p.epoch - 1) +
         static_cast<double>(p.batch) / static_cast<double>(std::max<std::int64_t>(p.batches, 1));
}

}  // namespace

std::string duration(double seconds) {
  // A billion hours is as good as for ever, and fits.
  const auto s = static_cast<std::int64_t>(std::ceil(std::clamp(seconds, 0.0, 3.6e12)));
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string progress_text(const Progress& progress, double seconds_per_epoch, int width) {
  const double done = epochs_done(progress);
  const double in_epoch = done - static_cast<double>(progress.epoch - 1);
  const std::string before = fmt::format("epoch {}/{} ", progress.epoch, progress.epochs);
  // Early stopping may end it sooner.
  const std::string after =
      fmt::format(" {:3.0f} %  {} left, at most {} in all", std::floor(100 * in_epoch),
                  duration((1 - in_epoch) * seconds_per_epoch),
                  duration((static_cast<double>(progress.epochs) - done) * seconds_per_epoch));
  const int room = width - static_cast<int>(before.size() + after.size()) - 2;
  std::string text = before;
  if (room >= 5) {
    const auto full = static_cast<std::size_t>(std::min(room, 30) * in_epoch);
    text += '[' + std::string(full, '=') +
            std::string(static_cast<std::size_t>(std::min(room, 30)) - full, ' ') + ']';
  }
  return (text + after).substr(0, static_cast<std::size_t>(std::max(width, 0)));
}

ProgressBar::ProgressBar(bool wanted) : shown_(wanted && isatty(STDERR_FILENO) == 1) {}

void ProgressBar::update(const Progress& progress) {
  if (!shown_) return;
  const double done = epochs_done(progress);
  if (first_ < 0) first_ = done;
  const Clock::time_point now = Clock::now();
  if (now - last_ < std::chrono::milliseconds(100) || done <= first_) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  // The last column stays free: a character there would wrap the line on some terminals.
  tell("\r{}\x1b[K", progress_text(progress, seconds / (done - first_), terminal_width() - 1));
  drawn_ = true;
}

void ProgressBar::clear() {
  if (!drawn_) return;
  tell("\r\x1b[K");
  drawn_ = false;
}

}  // namespace hourglass::cli
