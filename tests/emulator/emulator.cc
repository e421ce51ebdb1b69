#include "emulator/emulator.h"
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <chrono>
#include <deque>
#include <pthread.h>
#include <unistd.h>
#include <xmmintrin.h>
#include <memory>
#include <vector>
#include <sys/mman.h>
#ifdef EMU_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef EMU_MSAN
#include <sanitizer/msan_interface.h>
#endif
#ifdef EMU_TSAN
extern "C" { void* __tsan_create_fiber(unsigned); void __tsan_destroy_fiber(void*); void __tsan_switch_to_fiber(void*, unsigned); void* __tsan_get_current_fiber();
void __tsan_acquire(void*); void __tsan_release(void*); void AnnotateIgnoreWritesBegin(const char*, int); void AnnotateIgnoreWritesEnd(const char*, int); }
#define TSAN_QUIET struct Q { Q() { AnnotateIgnoreWritesBegin("", 0); } ~Q() { AnnotateIgnoreWritesEnd("", 0); } } quiet_
#define TSAN(x) x
#else
#define TSAN(x)
#define TSAN_QUIET (void)0
#endif
namespace emulator {
thread_local Thread* cur; thread_local uint3 bidx; thread_local dim3 bdim, gdim;
void die(const char* f, ...) {
  fflush(stdout); fputs("EMU ERROR: ", stderr); va_list a; va_start(a, f); vfprintf(stderr, f, a); va_end(a);
  if (cur) fprintf(stderr, "  [block (%u,%u,%u) thread (%u,%u,%u)]", bidx.x, bidx.y, bidx.z, cur->tid.x, cur->tid.y, cur->tid.z);
  fputs("\n", stderr); fflush(stderr); _exit(86);
}
static uint64_t seed_env = [] { const char* s = getenv("EMU_SEED"); return s ? strtoull(s, 0, 0) : 0ull; }();
static uint64_t rs = seed_env * 0x9E3779B97F4A7C15ull + 1;
static unsigned rnd(unsigned n) { rs ^= rs << 13; rs ^= rs >> 7; rs ^= rs << 17; return unsigned((rs >> 11) % n); }
// ---- fibers -------------------------------------------------------------------------------------
static const size_t kStack = getenv("EMU_STACK") ? strtoull(getenv("EMU_STACK"), 0, 0) : 64 << 10;
struct Fiber { void* sp = nullptr; char* stack = nullptr; size_t size = 0; void* fake = nullptr; Thread* th = nullptr; void* tsan = nullptr; Fiber *next = nullptr, *all = nullptr; };
#if defined(__x86_64__)
extern "C" void emu_switch(void** from, void* to);
asm(".text\n.globl emu_switch\n.type emu_switch,@function\nemu_switch:\n push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
    " mov %rsp,(%rdi)\n mov %rsi,%rsp\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n ret\n.size emu_switch,.-emu_switch\n");
#else
#error "add a ucontext fallback here"
#endif
struct WarpOp { Kind k; unsigned mask = 0, arrived = 0, left = 0; Site site; uint64_t v[32]; TSAN(char* sync;) };   // free while left == 0
constexpr unsigned kOps = 40;
struct List { Fiber* v[1100]; unsigned head = 0, n = 0;      // no libc calls here: TSan intercepts those even in plain code
  void push(Fiber* f) { v[(head + n++) % 1100] = f; }
  Fiber* pop() { Fiber* f = v[head]; head = (head + 1) % 1100; n--; return f; }
  Fiber* take(unsigned i) { unsigned a = (head + i) % 1100, z = (head + --n) % 1100; Fiber* f = v[a]; v[a] = v[z]; return f; } };
struct Slot { const void* key; void* p; size_t n; };
struct Block {
  unsigned n = 0, next = 0, alive = 0, waiting = 0, pred = 0, gen = 0; int predres[2] = {0, 0}; Site bsite{nullptr, 0};
  std::vector<unsigned> order; std::vector<Thread> th; List ready, barr; WarpOp ops[32][kOps]; unsigned live[32] = {}, top[32] = {};
  std::vector<Site> where; Slot slots[64]; unsigned nslots = 0; void* dyn = nullptr; size_t dynb = 0;
  const std::function<void()>* body = nullptr; Fiber *pool = nullptr, *dead = nullptr; Fiber* fcur = nullptr; Fiber host; char* sync = nullptr;   // sync: heap, so that freeing it makes TSan forget it between blocks
   char end;
};
static thread_local Block* B;
static void jump(Fiber* to, bool dying = false) {
  Fiber* from = B->fcur; if (from == to) return; B->fcur = to; from->th = cur;
#ifdef EMU_ASAN
  __sanitizer_start_switch_fiber(dying ? nullptr : &from->fake, to->stack, to->size);
#endif
  TSAN(__tsan_switch_to_fiber(to->tsan, 1);)
  emu_switch(&from->sp, to->sp);
#ifdef EMU_ASAN
  __sanitizer_finish_switch_fiber(from->fake, nullptr, nullptr);
#endif
  cur = from->th;
}
static void release_barrier() {
  Block& b = *B; if (!b.waiting || b.waiting != b.alive) return;
  b.predres[b.gen & 1] = b.pred; b.pred = 0; b.waiting = 0; b.gen++; b.bsite = {nullptr, 0};
  while (b.barr.n) b.ready.push(b.barr.pop());
}
static void check_ops_on_exit(unsigned warp, unsigned lane) {
  for (WarpOp& q : B->ops[warp]) if (WarpOp* o = &q; o->left && o->arrived != o->mask && (o->mask >> lane & 1)) die("lane %u exited while lanes of its warp wait for it at %s:%d (mask %08x)", lane, o->site.file, o->site.line, o->mask);
}
static void fiber_main();
#ifdef EMU_TSAN
static void* factory;   // a context that knows only what happened before the launch: contexts it makes inherit nothing from other blocks or threads
// TSan drops a report whose older thread it has forgotten, and it forgets finished threads soon: keep them for a while
constexpr unsigned kKeep = 4000; static void* kept[kKeep]; static unsigned nkept;
static void retire(void* f) { void*& k = kept[nkept++ % kKeep]; if (k) __tsan_destroy_fiber(k); k = f; }
static void forget() { for (void*& k : kept) if (k) { __tsan_destroy_fiber(k); k = nullptr; } nkept = 0; }
static void* make_ctx() { void* c = __tsan_get_current_fiber(); __tsan_switch_to_fiber(factory, 1); void* f = __tsan_create_fiber(0); __tsan_switch_to_fiber(c, 1); return f; }
#endif
static Fiber* take_fiber() {
  if (Fiber* f = B->pool) { B->pool = f->next; return f; }
  TSAN_QUIET; Fiber* f = new Fiber; f->size = kStack;
#ifdef EMU_TSAN
  f->stack = (char*)malloc(kStack); f->tsan = make_ctx(); f->all = B->dead; B->dead = f; return f;   // malloc resets the shadow of the stack
#endif
  f->stack = (char*)mmap(nullptr, kStack + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (f->stack == MAP_FAILED) die("mmap of a fiber stack failed");
  mprotect(f->stack, 4096, PROT_NONE); f->stack += 4096;
  return f;
}
static void arm_fiber(Fiber* f) { void** sp = (void**)(f->stack + f->size - 64); *--sp = nullptr; *--sp = (void*)fiber_main; sp -= 6; for (int i = 0; i < 6; i++) ((void* volatile*)sp)[i] = nullptr; f->sp = sp; f->fake = nullptr; }
// pick something else to run; returns when this fiber is resumed (or never, if it is finished)
static void deadlock() {
  Block& b = *B; fflush(stdout); fprintf(stderr, "EMU ERROR: deadlock in block (%u,%u,%u): ", bidx.x, bidx.y, bidx.z); int shown = 0;
  while (b.barr.n) if (Fiber* f = b.barr.pop(); shown++ < 4) fprintf(stderr, "thread %u waits at __syncthreads %s:%d; ", f->th->lin, b.where[f->th->lin].file, b.where[f->th->lin].line);
  for (auto& w : b.ops) for (WarpOp& q : w) if (WarpOp* o = &q; o->left && o->arrived != o->mask && shown++ < 8) fprintf(stderr, "lanes %08x of mask %08x wait at %s:%d; ", o->arrived, o->mask, o->site.file, o->site.line);
  fputs("\n", stderr); _exit(86);
}
#ifdef EMU_TSAN
constexpr bool kTsan = true;
#else
constexpr bool kTsan = false;
#endif
static void pool(Fiber* f) { if (!kTsan) { f->next = B->pool; B->pool = f; } }
static void resched(bool finished) {
  Block& b = *B; Fiber* self = b.fcur;
  unsigned fresh = b.next < b.n, nr = b.ready.n;
  if (!fresh && !nr) { if (b.alive) deadlock(); pool(self); jump(&b.host, true); return; }
  bool start = fresh && (!seed_env || !nr || rnd(nr + 1) == nr);
  Fiber* to;
  if (start) { if (finished && !kTsan) return; to = take_fiber(); arm_fiber(to); }      // a finished fiber just loops to the next thread
  else { to = seed_env ? b.ready.take(rnd(nr)) : b.ready.pop();
    if (finished) pool(self); }
  jump(to, finished);
}
__attribute__((noinline)) static void run_thread(Thread* t) {
  Fiber* f = B->fcur; cur = t; t->fib = f;
  (*B->body)();
  TSAN(__tsan_release(&B->end);)
}
static void fiber_main() {
#ifdef EMU_ASAN
  __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
  for (;;) {
    Block& b = *B;
    while (b.next < b.n) {
      Thread* t = &b.th[b.order[b.next++]];
      run_thread(t);
      check_ops_on_exit(t->warp, t->lane);
      b.alive--; cur = nullptr; release_barrier();
      if (kTsan || (seed_env && b.ready.n)) break;
    }
    resched(true);
  }
}
static void wait_ready() { resched(false); }
static void arrive(Site s, int p) {
  Block& b = *B; if (!cur) die("__syncthreads outside a kernel");
  if (!b.bsite.file) b.bsite = s; else if (b.bsite.line != s.line || strcmp(b.bsite.file, s.file)) die("divergent __syncthreads: %s:%d while others wait at %s:%d", s.file, s.line, b.bsite.file, b.bsite.line);
  b.where[cur->lin] = s; b.pred += p; unsigned g = b.gen; (void)g;
  TSAN(__tsan_release(&b.sync[8 * (g & 1)]);)
  b.waiting++;
  if (b.waiting == b.alive) { release_barrier(); b.ready.push(b.fcur); wait_ready(); }
  else { b.barr.push(b.fcur); wait_ready(); }
  TSAN(__tsan_acquire(&B->sync[8 * (g & 1)]);)
}
void barrier(Site s) { arrive(s, 0); }
int barrier_count(Site s, int p) { unsigned g = B->gen; arrive(s, p); return B->predres[g & 1]; }
const uint64_t* collective(Kind k, unsigned mask, uint64_t val, Site s, unsigned* who) {
  Block& b = *B; Thread* t = cur; static thread_local uint64_t ring[64][32]; static thread_local unsigned ri;
  unsigned full = b.n - t->warp * 32 >= 32 ? ~0u : (1u << (b.n - t->warp * 32)) - 1;
  if (mask == ~0u) mask = full;            // partial last warp: the device ignores lanes that do not exist
  if (!(mask >> t->lane & 1)) die("%s:%d: calling lane %u is not in mask %08x", s.file, s.line, t->lane, mask);
  WarpOp *o = nullptr, *idle = nullptr;
  for (unsigned i = 0; i < b.top[t->warp]; i++) {
    WarpOp* q = &b.ops[t->warp][i]; if (!q->left) { if (!idle) idle = q; continue; }
    if (q->arrived == q->mask) continue;
    if (q->mask == mask) { o = q; break; }
    if (q->mask & mask) die("%s:%d: mask %08x overlaps mask %08x in flight at %s:%d", s.file, s.line, mask, q->mask, q->site.file, q->site.line);
  }
  if (!o) { if (!idle) { if (b.top[t->warp] == kOps) die("too many warp collectives in flight"); idle = &b.ops[t->warp][b.top[t->warp]++]; } o = idle; b.live[t->warp]++; o->k = k; o->mask = mask; o->arrived = 0; o->left = __builtin_popcount(mask); o->site = s; TSAN({ TSAN_QUIET; o->sync = (char*)malloc(8); }) }
  if (o->k != k) die("%s:%d: lanes of one mask meet in different collectives (other at %s:%d)", s.file, s.line, o->site.file, o->site.line);
  o->v[t->lane] = val; o->arrived |= 1u << t->lane; TSAN(if (k == kSync) __tsan_release(o->sync);)
  b.where[t->lin] = s;
  if (o->arrived == mask) { for (unsigned l = 0; l < 32; l++) if ((mask >> l & 1) && l != t->lane) b.ready.push(b.th[t->warp * 32 + l].fib); }
  else wait_ready();
  TSAN(if (k == kSync) __tsan_acquire(o->sync);)
  *who = o->mask; uint64_t* r = ring[ri++ & 63]; for (int i = 0; i < 32; i++) r[i] = o->v[i];   // read at once by the caller, before any switch
  if (!--o->left) { if (!--B->live[t->warp]) B->top[t->warp] = 0; TSAN({ TSAN_QUIET; free(o->sync); }) }
  return r;
}
void fence() { cur->fenced = true; __atomic_thread_fence(__ATOMIC_SEQ_CST); }
// ---- memory -------------------------------------------------------------------------------------
static void* fresh(size_t n, size_t al, bool shared = false) {
  if (shared) { TSAN_QUIET; return fresh(n, al); }
  void* p = nullptr; if (posix_memalign(&p, al < 16 ? 16 : al, n ? n : 1)) return nullptr;
#ifdef EMU_MSAN
  __msan_poison(p, n);
#else
  memset(p, 0xFF, n);                      // a NaN in every float, a huge value in every unsigned index
#endif
  return p;
}
void* shared_slot(const void* key, size_t n, size_t al) {
  Block& b = *B; for (unsigned i = 0; i < b.nslots; i++) if (b.slots[i].key == key) return b.slots[i].p;
  if (b.nslots == 64) die("too many shared arrays"); b.slots[b.nslots] = {key, fresh(n, al, true), n}; return b.slots[b.nslots++].p;
}
void* dyn_shared(size_t* n) { if (n) *n = B->dynb; if (!B->dynb) die("kernel uses dynamic shared memory but was launched with 0 bytes"); return B->dyn; }
uint64_t threads_run, blocks_run;
struct Ftz { unsigned saved = _mm_getcsr(); Ftz() { _mm_setcsr(saved | 0x8040); } ~Ftz() { _mm_setcsr(saved); } };   // as the card's -ftz; all fibers share it
void run_grid(dim3 g, dim3 bd, size_t smem, const std::function<void()>& body, const char*) {
  Ftz ftz;
  unsigned n = bd.x * bd.y * bd.z; if (!n || n > 1024 || !g.x || !g.y || !g.z || g.y > 65535 || g.z > 65535 || smem > 227 * 1024) die("invalid launch configuration");
  static thread_local Block* keep; if (!keep) keep = new Block; Block& b = *keep; B = keep; gdim = g; bdim = bd;
  TSAN(b.host.tsan = __tsan_get_current_fiber();)
#ifdef EMU_ASAN
  if (!b.host.stack) { pthread_attr_t a; pthread_getattr_np(pthread_self(), &a); void* p; size_t z; pthread_attr_getstack(&a, &p, &z); pthread_attr_destroy(&a); b.host.stack = (char*)p; b.host.size = z; }
#endif
  uint64_t total = (uint64_t)g.x * g.y * g.z; std::vector<uint64_t> bo;
  if (seed_env && total < (1u << 22)) { bo.resize(total); for (uint64_t i = 0; i < total; i++) bo[i] = i; for (uint64_t i = total; i > 1; i--) std::swap(bo[i - 1], bo[rnd(i)]); }
  b.body = &body; b.n = n; b.th.resize(n); b.order.resize(n); b.where.resize(n);
  for (unsigned i = 0; i < n; i++) { Thread& t = b.th[i]; t.lin = i; t.lane = i & 31; t.warp = i / 32; t.tid = {i % bd.x, i / bd.x % bd.y, i / (bd.x * bd.y)}; t.blk = &b; b.order[i] = i; }
  TSAN(factory = __tsan_create_fiber(0);)      // after all set-up, so that every thread knows of it
  for (uint64_t k = 0; k < total; k++) {
    uint64_t q = bo.empty() ? k : bo[k]; bidx = {unsigned(q % g.x), unsigned(q / g.x % g.y), unsigned(q / ((uint64_t)g.x * g.y))};
    b.next = 0; b.alive = n; b.waiting = b.pred = b.gen = 0; b.bsite = {nullptr, 0}; b.ready.n = b.barr.n = 0;
    if (seed_env) for (unsigned i = n; i > 1; i--) std::swap(b.order[i - 1], b.order[rnd(i)]);
    for (Thread& t : b.th) t.fenced = false;
    TSAN({ TSAN_QUIET; b.sync = (char*)malloc(16); })
    b.dynb = smem; b.dyn = smem ? fresh(smem, 128, true) : nullptr;
    b.fcur = &b.host; Fiber* f = take_fiber(); arm_fiber(f); jump(f);
    TSAN_QUIET; while (Fiber* d = b.dead) { b.dead = d->all; TSAN(retire(d->tsan);) free(d->stack); delete d; }
    TSAN(free(b.sync);)
    while (b.nslots) free(b.slots[--b.nslots].p);
    free(b.dyn); b.dyn = nullptr; cur = nullptr; threads_run += n; blocks_run++;
  }
  TSAN(__tsan_acquire(&b.end); __tsan_destroy_fiber(factory); forget();) B = nullptr;
}
// ---- streams, events: deferred and shuffled, so a missing sync shows ------------------------------
struct Op { std::function<void()> f; const char* what; };
struct Queues { struct E { cudaStream_t first; std::deque<Op> second; }; std::vector<std::unique_ptr<E>> v;
  std::deque<Op>& operator[](cudaStream_t s) { for (auto& e : v) if (e->first == s) return e->second; v.emplace_back(new E{s, {}}); return v.back()->second; }
  void erase(cudaStream_t s) { for (auto& e : v) if (e->first == s) { std::swap(e, v.back()); v.pop_back(); return; } } };
static Queues queues; static std::vector<Op>* capture; static cudaStream_t capture_on; static bool eager = getenv("EMU_EAGER") != nullptr;
static void step(cudaStream_t s) { auto& q = queues[s]; Op o = std::move(q.front()); q.pop_front(); o.f(); }
static void drain(cudaStream_t s) { while (!queues[s].empty()) step(s); }
static void drain_all() { for (bool any = true; any;) { any = false; for (auto& q : queues.v) if (!q->second.empty()) { step(q->first); any = true; break; } } }
void enqueue(cudaStream_t s, std::function<void()> f, const char* what) {
  if (capture && s == capture_on) { capture->push_back({f, what}); return; }
  if (!s) { drain_all(); queues[s].push_back({f, what}); if (eager) drain(s); return; }       // legacy default stream: after all others
  drain(nullptr); queues[s].push_back({f, what});
  if (eager) drain(s); else if (seed_env && !rnd(3)) for (auto& q : queues.v) if (!q->second.empty() && rnd(2)) { step(q->first); break; }
}
}  // namespace emulator
using namespace emulator;
void __threadfence() { fence(); }
struct EvState { bool recorded = false, done = true; cudaStream_t on = nullptr; std::chrono::steady_clock::time_point t; };
#define EV(e) (*(EvState*)(e))
extern "C" {
cudaError_t cudaMalloc(void** p, size_t n) { *p = n ? fresh(n, 256) : nullptr; return n && !*p ? cudaErrorMemoryAllocation : cudaSuccess; }
cudaError_t cudaMallocHost(void** p, size_t n) { return cudaMalloc(p, n); }
cudaError_t cudaFree(void* p) { drain_all(); free(p); return cudaSuccess; }
cudaError_t cudaFreeHost(void* p) { return cudaFree(p); }
cudaError_t cudaMemcpyAsync(void* d, const void* s, size_t n, cudaMemcpyKind, cudaStream_t st) { enqueue(st, [=] { memcpy(d, s, n); }, "memcpy"); return cudaSuccess; }
cudaError_t cudaMemcpy(void* d, const void* s, size_t n, cudaMemcpyKind) { drain_all(); memcpy(d, s, n); return cudaSuccess; }
cudaError_t cudaMemsetAsync(void* d, int v, size_t n, cudaStream_t st) { enqueue(st, [=] { memset(d, v, n); }, "memset"); return cudaSuccess; }
cudaError_t cudaMemset(void* d, int v, size_t n) { drain_all(); memset(d, v, n); return cudaSuccess; }
cudaError_t cudaStreamCreate(cudaStream_t* s) { *s = (cudaStream_t) new char; queues[*s]; return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t s) { drain(s); return cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t s) { drain(s); queues.erase(s); delete (char*)s; return cudaSuccess; }
cudaError_t cudaDeviceSynchronize() { drain_all(); return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t* e) { *e = (cudaEvent_t) new EvState; return cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t e) { delete &EV(e); return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) { EvState* v = &EV(e); v->recorded = true; v->done = false; v->on = s; enqueue(s, [=] { v->done = true; v->t = std::chrono::steady_clock::now(); }, "record"); return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned) { EvState* v = &EV(e); enqueue(s, [=] { while (!v->done) step(v->on); }, "wait"); return cudaSuccess; }
cudaError_t cudaEventSynchronize(cudaEvent_t e) { while (!EV(e).done) step(EV(e).on); return cudaSuccess; }
cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t) { return "emu"; }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned) { return cudaStreamCreate(s); }
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) { *free = *total = size_t{8} << 30; return cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) { memset(p, 0, sizeof *p); strcpy(p->name, "emulated"); p->major = 9; p->multiProcessorCount = 4; p->sharedMemPerBlockOptin = 48 << 10; return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned) { return cudaEventCreate(e); }
cudaError_t cudaSetDevice(int) { return cudaSuccess; }

cudaError_t cudaGetDeviceCount(int* n) { *n = 1; return cudaSuccess; }
cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode) { capture = new std::vector<Op>; capture_on = s; return cudaSuccess; }
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* g) { *g = (cudaGraph_t)capture; capture = nullptr; return cudaSuccess; }
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* e, cudaGraph_t g, unsigned long long) { *e = (cudaGraphExec_t)g; return cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t e, cudaStream_t s) { for (Op& o : *(std::vector<Op>*)e) enqueue(s, o.f, o.what); return cudaSuccess; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) { return cudaSuccess; }
cudaError_t cudaGraphDestroy(cudaGraph_t g) { delete (std::vector<Op>*)g; return cudaSuccess; }
}
