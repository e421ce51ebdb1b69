// CPU device emulator: real CUDA headers for types + API declarations, own definitions.
#pragma once
#include <cuda_runtime.h>          // the toolkit's own header, host view (no __CUDACC__)
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define EMU_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#define EMU_TSAN 1
#endif
#if __has_feature(memory_sanitizer)
#define EMU_MSAN 1
#endif
namespace emulator {
struct Block; struct Fiber;
struct Thread {                    // one CUDA thread
  uint3 tid; unsigned lin, lane, warp; bool fenced = false; Block* blk; Fiber* fib;
};
extern thread_local Thread* cur;
extern thread_local uint3 bidx; extern thread_local dim3 bdim, gdim;
struct Site { const char* file; int line; };
void barrier(Site s);              // __syncthreads
int  barrier_count(Site s, int pred);
enum Kind { kSync, kShfl, kBallot, kReduce };
// every lane named in mask arrives with val; each gets the 32 deposited values
const uint64_t* collective(Kind k, unsigned mask, uint64_t val, Site s, unsigned* who);
void* shared_slot(const void* key, size_t bytes, size_t align);
void* dyn_shared(size_t* bytes);
[[noreturn]] void die(const char* fmt, ...);
void enqueue(cudaStream_t s, std::function<void()> f, const char* what);
void run_grid(dim3 g, dim3 b, size_t smem, const std::function<void()>& body, const char* name);

template <class R, class... P, class... A>
cudaError_t launch(R (*k)(P...), dim3 g, dim3 b, size_t smem, cudaStream_t s, A... a) {
  static_assert(std::is_void<R>::value, "kernel must be void");
  std::tuple<std::decay_t<P>...> args(static_cast<P>(a)...);   // by-value copy, like a real launch
  enqueue(s, [=] { run_grid(g, b, smem, [&] { std::apply(k, args); }, "kernel"); }, "kernel");
  return cudaSuccess;
}
template <class T> inline uint64_t bits(T v) { static_assert(sizeof(T) <= 8); uint64_t u = 0; std::memcpy(&u, &v, sizeof v); return u; }
template <class T> inline T unbits(uint64_t u) { T v; std::memcpy(&v, &u, sizeof v); return v; }
template <class T> inline T shfl(unsigned m, T v, int src, unsigned lo, unsigned hi, Site s) {
  unsigned who; const uint64_t* a = collective(kShfl, m, bits(v), s, &who);
  if (src < (int)lo || src > (int)hi) return v;
  if (!(who >> src & 1)) die("%s:%d: shuffle reads lane %d, which is not in the mask %08x", s.file, s.line, src, m);
  return unbits<T>(a[src]);
}
}  // namespace emulator
#define threadIdx (emulator::cur->tid)
#define blockIdx  (emulator::bidx)
#define blockDim  (emulator::bdim)
#define gridDim   (emulator::gdim)
#define warpSize  32
#undef __launch_bounds__
#define __launch_bounds__(...)
#undef __forceinline__
#define __forceinline__ inline
#define EMU_SITE emulator::Site _s = {__builtin_FILE(), __builtin_LINE()}
// static shared memory: fresh, poisoned, exactly sized, one per block
#define SHARED_ARRAY(T, name, dims) \
  static const char emu_key_##name = 0; typedef T emu_ty_##name dims; \
  emu_ty_##name& name = *static_cast<emu_ty_##name*>(emulator::shared_slot(&emu_key_##name, sizeof(emu_ty_##name), 16))
#define DYN_SHARED(T, name) T* name = static_cast<T*>(emulator::dyn_shared(nullptr))

inline void __syncthreads(EMU_SITE) { emulator::barrier(_s); }
inline int __syncthreads_count(int p, EMU_SITE) { return emulator::barrier_count(_s, p); }
inline int __syncthreads_or(int p, EMU_SITE) { return emulator::barrier_count(_s, p != 0) != 0; }
inline void __syncwarp(unsigned m = ~0u, EMU_SITE) { unsigned w; emulator::collective(emulator::kSync, m, 0, _s, &w); }
template <class T> T __shfl_sync(unsigned m, T v, int src, int w = 32, EMU_SITE) { int b = emulator::cur->lane & ~(w - 1); return emulator::shfl(m, v, b + (src & (w - 1)), b, b + w - 1, _s); }
template <class T> T __shfl_down_sync(unsigned m, T v, unsigned d, int w = 32, EMU_SITE) { int b = emulator::cur->lane & ~(w - 1); return emulator::shfl(m, v, emulator::cur->lane + d, b, b + w - 1, _s); }
template <class T> T __shfl_up_sync(unsigned m, T v, unsigned d, int w = 32, EMU_SITE) { int b = emulator::cur->lane & ~(w - 1); return emulator::shfl(m, v, (int)emulator::cur->lane - (int)d, b, b + w - 1, _s); }
template <class T> T __shfl_xor_sync(unsigned m, T v, int x, int w = 32, EMU_SITE) { int b = emulator::cur->lane & ~(w - 1); return emulator::shfl(m, v, emulator::cur->lane ^ x, b, b + w - 1, _s); }
inline unsigned __ballot_sync(unsigned m, int p, EMU_SITE) { unsigned w, r = 0; const uint64_t* a = emulator::collective(emulator::kBallot, m, p != 0, _s, &w); for (int i = 0; i < 32; i++) if (w >> i & 1) r |= (unsigned)a[i] << i; return r; }
inline int __any_sync(unsigned m, int p, EMU_SITE) { unsigned w, r = 0; const uint64_t* a = emulator::collective(emulator::kBallot, m, p != 0, _s, &w); for (int i = 0; i < 32; i++) if (w >> i & 1) r |= a[i] != 0; return r; }
inline unsigned __reduce_add_sync(unsigned m, unsigned v, EMU_SITE) { unsigned w, r = 0; const uint64_t* a = emulator::collective(emulator::kReduce, m, v, _s, &w); for (int i = 0; i < 32; i++) if (w >> i & 1) r += (unsigned)a[i]; return r; }
namespace emulator {  // device atomics are relaxed; after a __threadfence() they publish
inline int order() { return cur && cur->fenced ? __ATOMIC_ACQ_REL : __ATOMIC_RELAXED; }
template <class T, class F> T rmw(T* p, F f) {
  using U = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>; U* q = (U*)p; U o = __atomic_load_n(q, __ATOMIC_RELAXED), n;
  do { T v; std::memcpy(&v, &o, sizeof v); v = f(v); std::memcpy(&n, &v, sizeof v); }
  while (order() == __ATOMIC_ACQ_REL ? !__atomic_compare_exchange_n(q, &o, n, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)
                                     : !__atomic_compare_exchange_n(q, &o, n, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  T r; std::memcpy(&r, &o, sizeof r); return r;
}
}
template <class T> T atomicAdd(T* p, std::type_identity_t<T> v) { return emulator::rmw(p, [=](T o) { return T(o + v); }); }
template <class T> T atomicMax(T* p, std::type_identity_t<T> v) { return emulator::rmw(p, [=](T o) { return o > v ? o : v; }); }
template <class T> T atomicExch(T* p, std::type_identity_t<T> v) { return emulator::rmw(p, [=](T) { return v; }); }
template <class T> T atomicCAS(T* p, std::type_identity_t<T> c, std::type_identity_t<T> v) { return emulator::rmw(p, [=](T o) { return o == c ? v : o; }); }
void __threadfence();
inline void __threadfence_block() { __threadfence(); }
// math intrinsics (accuracy differs from the device's approximations: tests need tolerances)
template <class T> T __ldg(const T* p) { return *p; }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __saturatef(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
inline unsigned __float_as_uint(float f) { return emulator::unbits<unsigned>(emulator::bits(f)); }
inline float __uint_as_float(unsigned u) { return emulator::unbits<float>(u); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
