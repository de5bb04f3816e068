/* SPDX-License-Identifier: MIT */
/* The software CUDA driver: known answers of instructions in kernels that NVRTC compiles. Left
 * out without the CUDA headers; skipped with the reason without NVRTC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#ifdef HAVE_CUDA

#include <math.h>

#include "base/half.h"
#include "tests/devices/emulated.h"

static void test_grid_stride_addition(void **state)
{
    enum { N = 1003 };
    float a[N], b[N], y[N] = {0};
    long long n = N;
    CUdeviceptr da, db, dy;

    (void)state;
    for (int i = 0; i < N; i++) {
        a[i] = (float)i;
        b[i] = 0.25f * (float)i;
    }
    da = upload(a, sizeof a);
    db = upload(b, sizeof b);
    dy = upload(y, sizeof y);
    WELL(kernel_run("KERNEL void test(const float *a, const float *b, float *y, long_ n)\n"
                    "{ for (long_ i = global_id(0); i < n; i += global_size(0))\n"
                    "      y[i] = a[i] + b[i]; }\n",
                    3, 96, 0, (void *[]){&da, &db, &dy, &n}));
    WELL(CU(cuMemFree)(da));
    WELL(CU(cuMemFree)(db));
    download(y, dy, sizeof y);
    for (int i = 0; i < N; i++)
        assert_true(y[i] == 1.25f * (float)i);
    findings_check(NULL);
}

enum { WARP = 32 };

static void test_shuffles(void **state)
{
    static const char source[] =
        "KERNEL void test(const int *in, int *out)\n"
        "{ int me = threadIdx.x, x = in[me];\n"
        "  out[me] = __shfl_up_sync(~0u, x, 3);\n"
        "  out[32 + me] = __shfl_down_sync(~0u, x, 5, 16);\n"
        "  out[64 + me] = __shfl_xor_sync(~0u, x, 9);\n"
        "  out[96 + me] = __shfl_sync(~0u, x, me * 7 + 1, 8);\n"
        "  out[128 + me] = __ballot_sync(~0u, x % 3 == 0);\n"
        "  out[160 + me] = __any_sync(~0u, x == 31) + 2 * __all_sync(~0u, x < 31);\n"
        "  out[192 + me] = __match_any_sync(~0u, x / 5);\n"
        "  out[224 + me] = __reduce_add_sync(~0u, x) + __reduce_max_sync(~0u, x); }\n";
    int in[8 * WARP] = {0}, out[8 * WARP];

    (void)state;
    for (int i = 0; i < WARP; i++)
        in[i] = i;
    words_run(source, WARP, in, out, 8 * WARP);
    for (int i = 0; i < WARP; i++) {
        unsigned same = 0;

        for (int k = 0; k < WARP; k++)
            same |= (unsigned)(k / 5 == i / 5) << k;
        assert_int_equal(out[i], i < 3 ? i : i - 3);
        assert_int_equal(out[32 + i], i % 16 + 5 < 16 ? i + 5 : i);
        assert_int_equal(out[64 + i], i ^ 9);
        assert_int_equal(out[96 + i], i / 8 * 8 + (i * 7 + 1) % 8);
        assert_int_equal((unsigned)out[128 + i], 0x49249249u);
        assert_int_equal(out[160 + i], 1);
        assert_int_equal((unsigned)out[192 + i], same);
        assert_int_equal(out[224 + i], 31 * 32 / 2 + 31);
    }
    findings_check(NULL);
}

/* Lanes that take different ways and numbers of turns meet again at a shuffle. */
static void test_divergence(void **state)
{
    static const char source[] =
        "static __device__ __noinline__ int collatz(int x)\n"
        "{ int n = 0; while (x != 1) { x = x % 2 ? 3 * x + 1 : x / 2; n++; } return n; }\n"
        "KERNEL void test(const int *in, int *out)\n"
        "{ int me = threadIdx.x, n = collatz(in[me] + 1), last = n;\n"
        "  switch (n % 7) { case 0: last = 5; break; case 1: last *= 3; break;\n"
        "  case 2: last += n; break; case 3: last -= 11; break; case 4: last ^= 85; break;\n"
        "  case 5: last = ~last; break; default: last = 0; }\n"
        "  out[me] = __shfl_xor_sync(~0u, n, 1);\n"
        "  out[32 + me] = last;\n"
        "  if (me >= 20) return;\n"
        "  for (int i = 0; i < me; i++) last += __popc(__activemask() | 1 << i) > 0;\n"
        "  __syncwarp(0xfffff);\n"
        "  out[64 + me] = __shfl_sync(0xfffff, last, 19 - me); }\n";
    int in[3 * WARP] = {0}, out[3 * WARP] = {0}, turns[WARP], last[WARP];

    (void)state;
    for (int i = 0; i < WARP; i++)
        in[i] = i;
    words_run(source, WARP, in, out, 3 * WARP);
    for (int i = 0; i < WARP; i++) {
        int n = 0;

        for (int x = i + 1; x != 1; n++)
            x = x % 2 ? 3 * x + 1 : x / 2;
        turns[i] = n;
        last[i] = n % 7 == 0   ? 5
                  : n % 7 == 1 ? 3 * n
                  : n % 7 == 2 ? 2 * n
                  : n % 7 == 3 ? n - 11
                  : n % 7 == 4 ? n ^ 85
                  : n % 7 == 5 ? ~n
                               : 0;
    }
    for (int i = 0; i < WARP; i++) {
        assert_int_equal(out[i], turns[i ^ 1]);
        assert_int_equal(out[32 + i], last[i]);
        assert_int_equal(out[64 + i], i < 20 ? last[19 - i] + 19 - i : 0);
    }
    findings_check(NULL);
}

static void test_integers(void **state)
{
    static const char source[] =
        "KERNEL void test(const int *in, int *out)\n"
        "{ int a = in[0], b = in[1]; unsigned u = a, v = b; long_ w = (long_)a << 20 | u;\n"
        "  out[0] = a / b; out[1] = a % b; out[2] = u / v; out[3] = u % v;\n"
        "  out[4] = __mulhi(a, b); out[5] = __umulhi(u, v); out[6] = __dp4a(a, b, 7);\n"
        "  out[7] = __clz(b); out[8] = __popc(u); out[9] = __brev(u); out[10] = __ffs(b);\n"
        "  out[11] = __byte_perm(u, v, 0x3715); out[12] = __funnelshift_l(u, v, 9);\n"
        "  out[13] = (int)(w / b); out[14] = (int)(w % b >> 3); out[15] = (int)__mul64hi(w, w);\n"
        "  out[16] = a >> (b & 31); out[17] = u >> (b & 31); out[18] = (u & v) | (u ^ 255);\n"
        "  asm(\"bfe.s32 %0, %1, 4, 9;\" : \"=r\"(out[19]) : \"r\"(a));\n"
        "  asm(\"bfi.b32 %0, %1, %2, 8, 5;\" : \"=r\"(out[20]) : \"r\"(a), \"r\"(b));\n"
        "  out[21] = (int)(signed char)a + (short)b; out[22] = max(a, b) - min(u, v);\n"
        "  { unsigned lo, hi; asm(\"add.cc.u32 %0, %2, %2; addc.u32 %1, %3, 0;\"\n"
        "    : \"=r\"(lo), \"=r\"(hi) : \"r\"(u), \"r\"(v)); out[23] = hi; } }\n";
    enum { N = 24 };
    int in[N] = {-123456789, 98765}, out[N] = {0}, a = in[0], b = in[1];
    unsigned u = (unsigned)a, v = (unsigned)b, reversed = 0;
    int64_t w = (int64_t)((uint64_t)(int64_t)a << 20 | u);
    int want[N] = {a / b, a % b, (int)(u / v), (int)(u % v), (int)((int64_t)a * b >> 32),
                   (int)((uint64_t)u * v >> 32), 7, __builtin_clz(v), __builtin_popcount(u), 0,
                   __builtin_ffs(b)};

    (void)state;
    for (int n = 0; n < 32; n++)
        reversed |= (u >> n & 1) << (31 - n);
    for (int n = 0; n < 4; n++)
        want[6] += (int8_t)(u >> 8 * n) * (int8_t)(v >> 8 * n);
    want[9] = (int)reversed;
    want[11] = (int)((u >> 24) << 24 | (v >> 24) << 16 | (u >> 8 & 255) << 8 | (v >> 8 & 255));
    want[12] = (int)(v << 9 | u >> 23);
    want[13] = (int)(w / b);
    want[14] = (int)(w % b >> 3);
    want[15] = (int)((__int128_t)w * w >> 64);
    want[16] = a >> (b & 31);
    want[17] = (int)(u >> (b & 31));
    want[18] = (int)((u & v) | (u ^ 255));
    want[19] = (int)(u << 19) >> 23;
    want[20] = (int)((v & ~0x1f00u) | (u & 31) << 8);
    want[21] = (int8_t)a + (int16_t)b;
    want[22] = (int)((unsigned)b - (u < v ? u : v));
    want[23] = b + 1; /* u has its top bit set */
    words_run(source, 1, in, out, N);
    for (int i = 0; i < N; i++)
        if (out[i] != want[i])
            fail_msg("integer %d: %d, not %d", i, out[i], want[i]);
    findings_check(NULL);
}

/* f16 and bf16 against the host's own conversions, which tests/base proves. */
static void test_narrow_floats(void **state)
{
    static const char source[] =
        "KERNEL void test(const float *in, int *out)\n"
        "{ int me = threadIdx.x; float x = in[me], y = in[(me + 1) % 64], back;\n"
        "  unsigned h, b, f, g; ushort z, up;\n"
        "  asm(\"cvt.rn.f16x2.f32 %0, %1, %2;\" : \"=r\"(h) : \"f\"(y), \"f\"(x));\n"
        "  asm(\"cvt.rn.bf16x2.f32 %0, %1, %2;\" : \"=r\"(b) : \"f\"(y), \"f\"(x));\n"
        "  asm(\"fma.rn.f16x2 %0, %1, %1, %1;\" : \"=r\"(f) : \"r\"(h));\n"
        "  asm(\"fma.rn.bf16x2 %0, %1, %1, %1;\" : \"=r\"(g) : \"r\"(b));\n"
        "  asm(\"cvt.rz.f16.f32 %0, %1;\" : \"=h\"(z) : \"f\"(x));\n"
        "  asm(\"cvt.rn.f16.f32 %0, %1;\" : \"=h\"(up) : \"f\"(x));\n"
        "  asm(\"cvt.f32.f16 %0, %1;\" : \"=f\"(back) : \"h\"(up));\n"
        "  out[me] = h; out[64 + me] = b; out[128 + me] = f; out[192 + me] = g;\n"
        "  out[256 + me] = z; out[320 + me] = __float_as_int(back); }\n";
    enum { N = 64 };
    static const float odd[] = {0, -0.0f, 1, 65504, 65519, 65520, 70000, 6e-8f, 2.9e-8f, 3e-8f,
                                6.1e-5f, 1.00048828f, 1.00146484f, INFINITY, 3e38f, 1e-40f};
    float in[6 * N] = {0};
    unsigned out[6 * N];

    (void)state;
    for (int i = 0; i < N; i++)
        in[i] = i < 16 ? odd[i] : i < 32 ? -odd[i - 16] : (float)(i - 40) * 0.37f;
    words_run(source, N, in, out, 6 * N);
    for (int i = 0; i < N; i++) {
        float x = in[i], y = in[(i + 1) % N], h = float_from_half(half_from_float(x));
        float b = float_from_bfloat(bfloat_from_float(x));

        assert_int_equal(out[i], half_from_float(x) | (unsigned)half_from_float(y) << 16);
        assert_int_equal(out[64 + i], bfloat_from_float(x) | (unsigned)bfloat_from_float(y) << 16);
        if (isfinite(h) && fabsf(h) < 200) /* exact in f32: 11 + 11 bits, close exponents */
            assert_int_equal(out[128 + i] & 0xffff, half_from_float(fmaf(h, h, h)) & 0xffff);
        if (fabsf(b) < 1e18f && fabsf(b) > 1e-18f)
            assert_int_equal(out[192 + i] & 0xffff, bfloat_from_float(fmaf(b, b, b)));
        assert_true(fabsf(float_from_half((uint16_t)out[256 + i])) <= fabsf(x));
        assert_memory_equal(&out[320 + i], &h, 4);
    }
    findings_check(NULL);
}

static void test_functions(void **state)
{
    static const char source[] =
        "KERNEL void test(const float *in, float *out)\n"
        "{ int me = threadIdx.x; float x = in[me]; double d = x;\n"
        "  out[me] = expf(x); out[64 + me] = logf(x); out[128 + me] = sinf(x * 1e6f);\n"
        "  out[192 + me] = 1 / x; out[256 + me] = rsqrtf(x); out[320 + me] = powf(x, 1.7f);\n"
        "  out[384 + me] = (float)exp(d); out[448 + me] = (float)sin(d * 1e3);\n"
        "  out[512 + me] = tanhf(x); out[576 + me] = (float)pow(d, 0.3);\n"
        "  out[640 + me] = __fdividef(x, 3.f) + __expf(-x); out[704 + me] = fmodf(x, 0.7f); }\n";
    enum { N = 64 };
    float in[12 * N] = {0}, out[12 * N];

    (void)state;
    for (int i = 0; i < N; i++)
        in[i] = 0.03f + (float)i * 0.31f;
    words_run(source, N, in, out, 12 * N);
    for (int i = 0; i < N; i++) {
        double x = (double)in[i];
        double want[12] = {exp(x), log(x), sin((double)(in[i] * 1e6f)), 1 / x, 1 / sqrt(x),
                           pow(x, (double)1.7f), exp(x), sin(x * 1e3), tanh(x), pow(x, 0.3),
                           x / 3 + exp(-x), fmod(x, (double)0.7f)};

        for (int f = 0; f < 12; f++)
            if (!(fabs((double)out[f * N + i] - want[f]) <= 4e-6 * (fabs(want[f]) + 0.05)))
                fail_msg("function %d of %g: %g, not %g", f, x, (double)out[f * N + i], want[f]);
    }
    findings_check(NULL);
}

static void test_atomics(void **state)
{
    static const char source[] =
        "KERNEL void test(const int *in, int *out)\n"
        "{ __shared__ int n; int me = threadIdx.x, old, x = in[me];\n"
        "  if (me == 0) n = 0;\n"
        "  __syncthreads();\n"
        "  atomicAdd(&n, x); atomicAdd(&out[0], 1); atomicMax(&out[1], x); atomicMin(&out[2], x);\n"
        "  atomicXor(&out[3], 1 << me % 32); atomicInc((unsigned *)&out[4], 9);\n"
        "  atomicAdd((float *)&out[5], 0.5f); atomicExch(&out[6 + me % 2], 77);\n"
        "  for (int seen = out[8]; ; seen = old) {\n"
        "    old = atomicCAS(&out[8], seen, seen + 2); if (old == seen) break; }\n"
        "  atomicAdd((double *)&out[10], 0.25);\n"
        "  __syncthreads();\n"
        "  if (me == 0) out[9] = n;\n"
        "  out[12 + me] = __syncthreads_count(x % 5 == 0); }\n";
    enum { N = 96 };
    int in[N + 12], out[N + 12] = {0};
    float halves;
    double quarters;

    (void)state;
    for (int i = 0; i < N; i++)
        in[i] = i + 1;
    out[2] = 1000;
    words_run(source, N, in, out, N + 12);
    memcpy(&halves, &out[5], sizeof halves);
    memcpy(&quarters, &out[10], sizeof quarters);
    assert_int_equal(out[0], N);
    assert_int_equal(out[1], N);
    assert_int_equal(out[2], 1);
    assert_int_equal(out[3], -1);
    assert_int_equal(out[4], N % 10);
    assert_true(halves == N / 2 && quarters == N / 4.0);
    assert_true(out[6] == 77 && out[7] == 77);
    assert_int_equal(out[8], 2 * N);
    assert_int_equal(out[9], N * (N + 1) / 2);
    for (int i = 0; i < N; i++)
        assert_int_equal(out[12 + i], 19);
    findings_check(NULL);
}

/* ---- matrices: fragments as the PTX manual draws them, small integers, exact sums --------- */

static double product(const double *a, const double *b, int row, int column, int k)
{
    double sum = 100 + row - column;

    for (int i = 0; i < k; i++)
        sum += a[row * k + i] * b[i * 8 + column];
    return sum;
}

/* The kernel gets a and b as f32 matrices, narrows them itself, and writes d + 100 + row - col. */
static void check_mma(const char *source, int rows, int k)
{
    double a[16 * 32], b[32 * 8];
    float in[1024] = {0}, out[1024];

    for (int i = 0; i < rows * k; i++)
        a[i] = in[i] = (float)(i * 7 % 13 - 6);
    for (int i = 0; i < k * 8; i++)
        b[i] = in[512 + i] = (float)(i * 5 % 11 - 5);
    words_run(source, WARP, in, out, 1024);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < 8; c++)
            if ((double)out[r * 8 + c] != product(a, b, r, c, k))
                fail_msg("row %d, column %d: %g, not %g", r, c, (double)out[r * 8 + c],
                         product(a, b, r, c, k));
    findings_check(NULL);
}

#define PACK16(name, cvt)                                                                  \
    "static __device__ unsigned " name "(float lo, float hi)\n"                            \
    "{ unsigned r; asm(\"cvt.rn." cvt ".f32 %0, %1, %2;\" : \"=r\"(r) : \"f\"(hi), \"f\"(lo));" \
    " return r; }\n"
#define FRAGMENTS                                                                          \
    "KERNEL void test(const float *a, float *d)\n"                                         \
    "{ const float *b = a + 512; int g = threadIdx.x / 4, t = threadIdx.x % 4;\n"          \
    "  float c[4]; for (int i = 0; i < 4; i++)\n"                                          \
    "    c[i] = 100 + (g + i / 2 * 8) - (t * 2 + i % 2);\n"
#define KEEP                                                                               \
    "  for (int i = 0; i < 4; i++) d[(g + i / 2 * 8) * 8 + t * 2 + i % 2] = c[i]; }\n"
#define MMA_16816(type)                                                                    \
    "  unsigned x[4], y[2];\n"                                                             \
    "  x[0] = pack(a[g * 16 + 2 * t], a[g * 16 + 2 * t + 1]);\n"                           \
    "  x[1] = pack(a[(g + 8) * 16 + 2 * t], a[(g + 8) * 16 + 2 * t + 1]);\n"               \
    "  x[2] = pack(a[g * 16 + 2 * t + 8], a[g * 16 + 2 * t + 9]);\n"                       \
    "  x[3] = pack(a[(g + 8) * 16 + 2 * t + 8], a[(g + 8) * 16 + 2 * t + 9]);\n"           \
    "  y[0] = pack(b[2 * t * 8 + g], b[(2 * t + 1) * 8 + g]);\n"                           \
    "  y[1] = pack(b[(2 * t + 8) * 8 + g], b[(2 * t + 9) * 8 + g]);\n"                     \
    "  asm(\"mma.sync.aligned.m16n8k16.row.col.f32." type "." type ".f32 {%0,%1,%2,%3}, \"\n" \
    "    \"{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\" : \"+f\"(c[0]), \"+f\"(c[1]), \"+f\"(c[2]),\n" \
    "    \"+f\"(c[3]) : \"r\"(x[0]), \"r\"(x[1]), \"r\"(x[2]), \"r\"(x[3]), \"r\"(y[0]),\n" \
    "    \"r\"(y[1]));\n"

static void test_mma(void **state)
{
    (void)state;
    check_mma(PACK16("pack", "f16x2") FRAGMENTS MMA_16816("f16") KEEP, 16, 16);
    check_mma(PACK16("pack", "bf16x2") FRAGMENTS MMA_16816("bf16") KEEP, 16, 16);
    check_mma(FRAGMENTS
              "  asm(\"mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, \"\n"
              "    \"{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\" : \"+f\"(c[0]), \"+f\"(c[1]),\n"
              "    \"+f\"(c[2]), \"+f\"(c[3]) : \"r\"(__float_as_int(a[g * 8 + t])),\n"
              "    \"r\"(__float_as_int(a[(g + 8) * 8 + t])),\n"
              "    \"r\"(__float_as_int(a[g * 8 + t + 4])),\n"
              "    \"r\"(__float_as_int(a[(g + 8) * 8 + t + 4])),\n"
              "    \"r\"(__float_as_int(b[t * 8 + g])), \"r\"(__float_as_int(b[(t + 4) * 8 + g])));\n"
              KEEP, 16, 8);
    check_mma("KERNEL void test(const float *a, float *d)\n"
              "{ const float *b = a + 512; int g = threadIdx.x / 4, t = threadIdx.x % 4;\n"
              "  double x = a[g * 4 + t], y = b[t * 8 + g], c0 = 100 + g - 2 * t, c1 = c0 - 1;\n"
              "  asm(\"mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1}, {%2}, {%3}, {%0,%1};\"\n"
              "    : \"+d\"(c0), \"+d\"(c1) : \"d\"(x), \"d\"(y));\n"
              "  d[g * 8 + 2 * t] = (float)c0; d[g * 8 + 2 * t + 1] = (float)c1; }\n", 8, 4);
    check_mma("static __device__ unsigned four(const float *p, int step)\n"
              "{ unsigned r = 0; for (int i = 0; i < 4; i++)\n"
              "    r |= ((unsigned)(int)p[i * step] & 255) << 8 * i; return r; }\n"
              "KERNEL void test(const float *a, float *d)\n"
              "{ const float *b = a + 512; int g = threadIdx.x / 4, t = threadIdx.x % 4, c[4];\n"
              "  for (int i = 0; i < 4; i++) c[i] = 100 + (g + i / 2 * 8) - (t * 2 + i % 2);\n"
              "  asm(\"mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, \"\n"
              "    \"{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\" : \"+r\"(c[0]), \"+r\"(c[1]),\n"
              "    \"+r\"(c[2]), \"+r\"(c[3]) : \"r\"(four(a + g * 32 + 4 * t, 1)),\n"
              "    \"r\"(four(a + (g + 8) * 32 + 4 * t, 1)), \"r\"(four(a + g * 32 + 4 * t + 16, 1)),\n"
              "    \"r\"(four(a + (g + 8) * 32 + 4 * t + 16, 1)), \"r\"(four(b + 4 * t * 8 + g, 8)),\n"
              "    \"r\"(four(b + (4 * t + 16) * 8 + g, 8)));\n"
              KEEP, 16, 32);
}

static void test_ldmatrix(void **state)
{
    static const char source[] =
        "KERNEL void test(const int *in, int *out)\n"
        "{ __shared__ __align__(16) ushort tile[32][8]; int me = threadIdx.x; unsigned r[4], at;\n"
        "  for (int i = 0; i < 8; i++) tile[me][i] = (ushort)(in[0] + me * 8 + i);\n"
        "  __syncthreads();\n"
        "  at = (unsigned)__cvta_generic_to_shared(tile[me]);\n"
        "  asm volatile(\"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\"\n"
        "    : \"=r\"(r[0]), \"=r\"(r[1]), \"=r\"(r[2]), \"=r\"(r[3]) : \"r\"(at));\n"
        "  for (int i = 0; i < 4; i++) out[i * 32 + me] = r[i];\n"
        "  asm volatile(\"ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];\"\n"
        "    : \"=r\"(r[0]), \"=r\"(r[1]) : \"r\"(at));\n"
        "  out[128 + me] = r[0]; out[160 + me] = r[1]; }\n";
    int in[6 * WARP] = {0}, out[6 * WARP];

    (void)state;
    words_run(source, WARP, in, out, 6 * WARP);
    for (int m = 0; m < 4; m++)
        for (int l = 0; l < WARP; l++) {
            int first = m * 64 + l / 4 * 8 + l % 4 * 2;
            int down = m * 64 + l % 4 * 16 + l / 4;

            assert_int_equal(out[m * WARP + l], first | (first + 1) << 16);
            if (m < 2)
                assert_int_equal(out[128 + m * WARP + l], down | (down + 8) << 16);
        }
    findings_check(NULL);
}

/* Two stages in flight; what is read before its wait is the old content. */
static void test_async_copies(void **state)
{
    static const char source[] =
        "KERNEL void test(const int *in, int *out)\n"
        "{ extern __shared__ int s[]; int me = threadIdx.x, early;\n"
        "  unsigned at = (unsigned)__cvta_generic_to_shared(s + 4 * me);\n"
        "  for (int i = 0; i < 8; i++) s[i % 4 + 4 * me + i / 4 * 128] = -1;\n"
        "  asm volatile(\"cp.async.cg.shared.global [%0], [%1], 16;\\n cp.async.commit_group;\"\n"
        "    :: \"r\"(at), \"l\"(in + 4 * me) : \"memory\");\n"
        "  asm volatile(\"cp.async.ca.shared.global [%0], [%1], 4, %2;\\n cp.async.commit_group;\"\n"
        "    :: \"r\"(at + 512), \"l\"(in + 4 * me), \"r\"(me % 2 * 4) : \"memory\");\n"
        "  early = s[4 * me];\n"
        "  asm volatile(\"cp.async.wait_group 1;\" ::: \"memory\");\n"
        "  out[4 * me] = early; out[4 * me + 1] = s[4 * me] + s[4 * me + 3];\n"
        "  out[4 * me + 2] = s[128 + 4 * me];\n"
        "  asm volatile(\"cp.async.wait_all;\" ::: \"memory\");\n"
        "  out[4 * me + 3] = s[128 + 4 * me]; }\n";
    int in[4 * WARP], out[4 * WARP];
    CUdeviceptr from, to;

    (void)state;
    for (int i = 0; i < 4 * WARP; i++)
        in[i] = i + 1;
    from = upload(in, sizeof in);
    to = upload(out, sizeof out);
    WELL(kernel_run(source, 1, WARP, 1024, (void *[]){&from, &to}));
    WELL(CU(cuMemFree)(from));
    download(out, to, sizeof out);
    for (int i = 0; i < WARP; i++) {
        assert_int_equal(out[4 * i], -1);
        assert_int_equal(out[4 * i + 1], in[4 * i] + in[4 * i + 3]);
        assert_int_equal(out[4 * i + 2], -1);
        assert_int_equal(out[4 * i + 3], i % 2 ? in[4 * i] : 0);
    }
    findings_check(NULL);
}

/* Local arrays, constants, module variables, generic pointers, 48 KiB and more of shared. */
static void test_memories(void **state)
{
    static const char source[] =
        "__constant__ int weight[4] = {1, 10, 100, 1000};\n"
        "__device__ int counter = 5;\n"
        "static __device__ __noinline__ int sum(const int *p, int n)\n"
        "{ int s = 0; for (int i = 0; i < n; i++) s += p[i] * weight[i]; return s; }\n"
        "struct pair { int a; long long b; };\n"
        "KERNEL void test(const int *in, int *out, struct pair p)\n"
        "{ extern __shared__ int big[]; int me = threadIdx.x, mine[4];\n"
        "  for (int i = 0; i < 4; i++) mine[(i + in[me]) % 4] = in[i] + me;\n"
        "  for (int i = 0; i < 4; i++) big[15000 + 4 * me + i] = in[i];\n"
        "  out[me] = sum(mine, 4); out[32 + me] = sum(big + 15000 + 4 * me, 4);\n"
        "  out[64 + me] = sum(in, 4) + counter; out[96 + me] = p.a + (int)(p.b >> 33); }\n";
    struct {
        int a;
        long long b;
    } pair = {3, 7ll << 33};
    int in[4 * WARP] = {1, 2, 3, 4}, out[4 * WARP];
    CUdeviceptr from = upload(in, sizeof in), to = upload(out, sizeof out);

    (void)state;
    WELL(kernel_run(source, 1, WARP, 80 << 10, (void *[]){&from, &to, &pair}));
    WELL(CU(cuMemFree)(from));
    download(out, to, sizeof out);
    for (int i = 0; i < WARP; i++) {
        int mine[4], shift = i < 4 ? in[i] : 0;

        for (int k = 0; k < 4; k++)
            mine[(k + shift) % 4] = in[k] + i;
        assert_int_equal(out[i], mine[0] + 10 * mine[1] + 100 * mine[2] + 1000 * mine[3]);
        assert_int_equal(out[32 + i], 4321);
        assert_int_equal(out[64 + i], 4326);
        assert_int_equal(out[96 + i], 10);
    }
    findings_check(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grid_stride_addition),
        cmocka_unit_test(test_shuffles),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_narrow_floats),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_atomics),
        cmocka_unit_test(test_mma),
        cmocka_unit_test(test_ldmatrix),
        cmocka_unit_test(test_async_copies),
        cmocka_unit_test(test_memories),
    };
    const struct CMUnitTest none[] = {cmocka_unit_test(emulated_skip)};

    if (emulated_is_absent())
        return cmocka_run_group_tests_name("emulated CUDA driver", none, NULL, NULL);
    return cmocka_run_group_tests_name("emulated CUDA driver", tests, emulated_set_up,
                                       emulated_tear_down);
}

#else

#include "tests/devices/without_cuda.h"

int main(void)
{
    return without_cuda("emulated CUDA driver");
}

#endif
