// Stands between a program and its system calls on files (LD_PRELOAD): counts them, writes them
// down, and at a call of a given number lets it fail, cuts it short, or raises a signal before, in
// or after it. Faults then come where they are wanted, inside the writing of a file, and not by
// luck.
//
//   FAULTS_FOLDER=PATH  calls on files in this folder (and on itself) count; all others pass
//   FAULTS_LOG=FILE     a line a call: NUMBER CALL PATH [PATH] = RESULT [ERRNO]
//   FAULTS_CALLS=A,B    of create, write, sync, rename, mkdir, truncate, unlink, close: those that
//                       count; default: all but unlink and close
//   FAULTS_AT=N         the call (from 1) that the action comes at
//   FAULTS_STICKY=1     and every one after it, as on a disk that stays full
//   FAULTS_ERRNO=E      the action: the call fails with this number and does nothing
//   FAULTS_SHORT=1      the action: a write takes half of its bytes (at least one)
//   FAULTS_SIGNAL=S     the action: this signal, FAULTS_WHEN=before, half (of a write's bytes) or
//   after FAULTS_CLOCK=S,N    after N readings the clocks tell S seconds less than it is;
//   FAULTS_STEADY=1     the steady one too
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { kMaxFiles = 1024, kMaxPath = 1024, kLogDescriptor = 900 };

static struct {
  bool ready;
  const char* folder;
  size_t folder_length;
  const char* calls;
  long at, short_write, error, signal, sticky;
  enum { kBefore, kHalf, kAfter } when;
  long counted;
  int log;
  long clock_back, clock_after, clock_readings;
  bool steady;
} state;
static char paths[kMaxFiles][kMaxPath];  // of open files that count; "" for all others

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static long number(const char* name) {
  const char* text = getenv(name);
  return text == NULL ? 0 : atol(text);
}

static void set_up(void) {
  if (state.ready) return;
  state.ready = true;
  state.log = -1;
  state.folder = getenv("FAULTS_FOLDER");
  state.folder_length = state.folder == NULL ? 0 : strlen(state.folder);
  state.calls = getenv("FAULTS_CALLS");
  if (state.calls == NULL) state.calls = "create,write,sync,rename,mkdir,truncate";
  state.at = number("FAULTS_AT");
  state.sticky = number("FAULTS_STICKY");
  state.error = number("FAULTS_ERRNO");
  state.short_write = number("FAULTS_SHORT");
  state.signal = number("FAULTS_SIGNAL");
  const char* when = getenv("FAULTS_WHEN");
  state.when = when == NULL || when[0] == 'b' ? kBefore : when[0] == 'h' ? kHalf : kAfter;
  const char* log = getenv("FAULTS_LOG");
  if (log != NULL) {
    const int opened = NEXT(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    // Out of the way: the program's own files keep the numbers that they have without us.
    state.log = fcntl(opened, F_DUPFD_CLOEXEC, kLogDescriptor);
    NEXT(close)(opened);
  }
  const char* clock = getenv("FAULTS_CLOCK");
  if (clock != NULL) sscanf(clock, "%ld,%ld", &state.clock_back, &state.clock_after);
  state.steady = number("FAULTS_STEADY") != 0;
}

/// Whether `path` is the folder or in it.
static bool in_folder(const char* path) {
  set_up();
  return state.folder_length > 0 && strncmp(path, state.folder, state.folder_length) == 0 &&
         (path[state.folder_length] == '/' || path[state.folder_length] == '\0');
}

static const char* path_of(int file) {
  return file >= 0 && file < kMaxFiles && paths[file][0] != '\0' ? paths[file] : NULL;
}

static void remember(int file, const char* path) {
  if (file < 0 || file >= kMaxFiles) return;
  snprintf(paths[file], kMaxPath, "%s", path);
}

static bool counts(const char* call) {
  const size_t length = strlen(call);
  for (const char* at = state.calls; at != NULL; at = strchr(at, ',')) {
    if (*at == ',') ++at;
    if (strncmp(at, call, length) == 0 && (at[length] == ',' || at[length] == '\0')) return true;
  }
  return false;
}

static void write_down(long n, const char* call, const char* path, const char* to, long result,
                       int error) {
  if (state.log < 0) return;
  char line[2 * kMaxPath + 100];
  const int length = snprintf(line, sizeof line, "%ld\t%s\t%s\t%s\t%ld\t%d\n", n, call, path,
                              to == NULL ? "" : to, result, result < 0 ? error : 0);
  // A log that lacks a line would be read as a call that was not made.
  if (NEXT(write)(state.log, line, (size_t)length) != length) abort();
}

/// The number of a call that counts, 0 for one that does not; raises the signal that comes before
/// it.
static long begin(const char* call, const char* path) {
  if (!counts(call)) return 0;
  const long n = ++state.counted;
  if (n == state.at && state.signal != 0 && state.when == kBefore) {
    write_down(n, call, path, NULL, 0, 0);
    raise((int)state.signal);
  }
  return n;
}

static bool acts(long n) {
  return n != 0 && state.at != 0 && (n == state.at || (state.sticky != 0 && n > state.at));
}

static bool fails(long n) {
  if (!acts(n) || state.error == 0) return false;
  errno = (int)state.error;
  return true;
}

static long end(long n, const char* call, const char* path, const char* to, long result) {
  const int error = errno;
  write_down(n, call, path, to, result, error);
  if (n != 0 && n == state.at && state.signal != 0 && state.when != kBefore) {
    raise((int)state.signal);
  }
  errno = error;
  return result;
}

static int open_file(const char* path, int flags, mode_t mode) {
  const bool known = in_folder(path);
  const bool creates = known && (flags & O_CREAT) != 0;
  const long n = creates ? begin("create", path) : 0;
  const int file = fails(n) ? -1 : NEXT(open)(path, flags, mode);
  if (known && file >= 0) remember(file, path);
  return creates ? (int)end(n, "create", path, NULL, file) : file;
}

static mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_file(path, flags, mode);
}

int close(int file) {
  set_up();
  const char* path = path_of(file);
  if (path == NULL) return NEXT(close)(file);
  const long n = begin("close", path);
  int result = NEXT(close)(file);  // as Linux does: the file is closed, whatever close() returns
  if (fails(n)) result = -1;
  end(n, "close", path, NULL, result);
  paths[file][0] = '\0';
  return result;
}

/// How many bytes a write shall take, and whether it fails.
static bool allowed(long n, size_t* bytes) {
  if (fails(n)) return false;
  const bool halved = (acts(n) && state.short_write != 0) ||
                      (n != 0 && n == state.at && state.signal != 0 && state.when == kHalf);
  if (halved && *bytes > 1) *bytes /= 2;
  return true;
}

ssize_t write(int file, const void* bytes, size_t size) {
  set_up();
  const char* path = path_of(file);
  if (path == NULL) return NEXT(write)(file, bytes, size);
  const long n = begin("write", path);
  const ssize_t done = allowed(n, &size) ? NEXT(write)(file, bytes, size) : -1;
  return end(n, "write", path, NULL, done);
}

static ssize_t write_at(int file, const void* bytes, size_t size, off_t offset) {
  set_up();
  const char* path = path_of(file);
  if (path == NULL) return NEXT(pwrite)(file, bytes, size, offset);
  const long n = begin("write", path);
  const ssize_t done = allowed(n, &size) ? NEXT(pwrite)(file, bytes, size, offset) : -1;
  return end(n, "write", path, NULL, done);
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  return write_at(file, bytes, size, offset);
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off_t offset) {
  return write_at(file, bytes, size, offset);
}

int fsync(int file) {
  set_up();
  const char* path = path_of(file);
  if (path == NULL) return NEXT(fsync)(file);
  const long n = begin("sync", path);
  return (int)end(n, "sync", path, NULL, fails(n) ? -1 : NEXT(fsync)(file));
}

static int truncate_file(int file, off_t length) {
  const char* path = path_of(file);
  if (path == NULL) return NEXT(ftruncate)(file, length);
  const long n = begin("truncate", path);
  return (int)end(n, "truncate", path, NULL, fails(n) ? -1 : NEXT(ftruncate)(file, length));
}

int ftruncate(int file, off_t length) {
  set_up();
  return truncate_file(file, length);
}

int ftruncate64(int file, off_t length) {
  set_up();
  return truncate_file(file, length);
}

int rename(const char* from, const char* to) {
  if (!in_folder(to)) return NEXT(rename)(from, to);
  const long n = begin("rename", from);
  return (int)end(n, "rename", from, to, fails(n) ? -1 : NEXT(rename)(from, to));
}

int mkdir(const char* path, mode_t mode) {
  if (!in_folder(path)) return NEXT(mkdir)(path, mode);
  const long n = begin("mkdir", path);
  return (int)end(n, "mkdir", path, NULL, fails(n) ? -1 : NEXT(mkdir)(path, mode));
}

int unlink(const char* path) {
  if (!in_folder(path)) return NEXT(unlink)(path);
  const long n = begin("unlink", path);
  return (int)end(n, "unlink", path, NULL, fails(n) ? -1 : NEXT(unlink)(path));
}

int remove(const char* path) {
  if (!in_folder(path)) return NEXT(remove)(path);
  const long n = begin("unlink", path);
  return (int)end(n, "unlink", path, NULL, fails(n) ? -1 : NEXT(remove)(path));
}

// Of what it deletes a folder at a time, std::filesystem::remove_all() says where it is by a
// number.
int unlinkat(int folder, const char* path, int flags) {
  set_up();
  if (state.folder_length == 0) return NEXT(unlinkat)(folder, path, flags);
  const long n = begin("unlink", path);
  const int result = fails(n) ? -1 : NEXT(unlinkat)(folder, path, flags);
  return (int)end(n, "unlink", path, NULL, result);
}

static bool set_back(void) {
  set_up();
  return state.clock_back != 0 && ++state.clock_readings > state.clock_after;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  const int result = NEXT(clock_gettime)(clock, time);
  const bool told = clock == CLOCK_REALTIME || (state.steady && clock == CLOCK_MONOTONIC);
  if (result == 0 && set_back() && told) time->tv_sec -= state.clock_back;
  return result;
}

time_t time(time_t* out) {
  const time_t now = NEXT(time)(NULL) - (set_back() ? state.clock_back : 0);
  if (out != NULL) *out = now;
  return now;
}

int gettimeofday(struct timeval* restrict time, void* restrict zone) {
  const int result = NEXT(gettimeofday)(time, zone);
  if (result == 0 && set_back()) time->tv_sec -= state.clock_back;
  return result;
}
