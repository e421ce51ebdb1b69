#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>

#include "cli/commands.h"
#include "cli/streams.h"
#include "hourglass/core/error.h"

namespace {

int fail(const char* what, int code) {
  std::fflush(stdout);
  hourglass::cli::tell("hourglass: error: {}\n", hourglass::cli::in_one_line(what));
  return code;
}

// Given back when memory runs out, so that there is some for the way out: destructors allocate
// (nlohmann::json's does), and one that cannot ends the program.
std::atomic<void*> reserve{nullptr};

void run_out() {
  std::free(reserve.exchange(nullptr));
  throw std::bad_alloc();
}

bool keep_reserve() {
  constexpr std::size_t kReserve = std::size_t{1} << 20;
  reserve = std::malloc(kReserve);
  std::set_new_handler(run_out);
  return reserve != nullptr;
}

// A stack that cannot grow is a crash, so it grows now, while nothing is at stake.
[[gnu::noinline]] void grow_stack() {
  constexpr std::size_t kBytes = std::size_t{1} << 18, kPage = 4096;
  [[maybe_unused]] volatile char stack[kBytes];
  for (std::size_t i = 0; i < kBytes; i += kPage) stack[kBytes - 1 - i] = 0;
}

int run(int argc, char** argv) {
  CLI::App app("Hourglass trains autoencoder recommenders on sparse rating matrices.", "hourglass");
  app.set_version_flag("--version", "hourglass " HOURGLASS_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  hourglass::cli::add_cluster(app);
  hourglass::cli::add_generate(app);
  hourglass::cli::add_info(app);
  hourglass::cli::add_train(app);
  hourglass::cli::add_evaluate(app);
  hourglass::cli::add_recommend(app);
  hourglass::cli::add_encode(app);
  hourglass::cli::add_report(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {  // --help, --version
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return fail(error.what(), 2);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  grow_stack();
  hourglass::cli::hold_standard_streams();
  // Beyond a file size limit write() must fail, which is told, instead of killing.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    if (!keep_reserve()) throw std::bad_alloc();
    const int code = run(argc, argv);
    hourglass::cli::finish_results();
    return code;
  } catch (const hourglass::Interrupted& stop) {
    hourglass::cli::tell("hourglass: {}\n", hourglass::cli::in_one_line(stop.what()));
    return 128 + stop.signal();
  } catch (const hourglass::UsageError& error) {
    return fail(error.what(), 2);
  } catch (const std::bad_alloc&) {
    return fail("out of memory: use a machine with more, or a smaller model or batch", 1);
  } catch (const std::length_error&) {  // an array of more than any memory has
    return fail("out of memory: no machine has as much; use smaller sizes", 1);
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  }
}
