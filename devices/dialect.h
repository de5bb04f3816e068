/* SPDX-License-Identifier: MIT */
/* One kernel language that is both OpenCL C 1.2 and CUDA C: every workloads/X/X.cl, and every
 * X.cu, which is CUDA C only, is compiled with this text in front of it, and with
 *
 *   DTYPE_F32 | DTYPE_F64 | DTYPE_F16 | DTYPE_BF16   defined for the problem's dtype, which
 *                    gives elem (how an element is stored), real (how it is computed with:
 *                    double for f64, float otherwise), LOAD and STORE between the two;
 *   whatever the workload's steps pass in `defines`.
 *
 * A kernel looks so:
 *
 *   KERNEL void scale(GLOBAL const elem *restrict_ x, GLOBAL elem *restrict_ y, long_ n)
 *   {
 *       for (long_ i = global_id(0); i < n; i += global_size(0))
 *           STORE(y, i, 2 * LOAD(x, i));
 *   }
 *
 * Arguments are pointers to GLOBAL memory, int (STEP_INT), long_ (STEP_LONG), float
 * (STEP_FLOAT). Barriers must be reached by the whole work-group. Local arrays stand at the
 * top of the kernel: LOCAL real tile[TILE][TILE + 1]; */
#ifdef __OPENCL_VERSION__

#ifdef DTYPE_F64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#define KERNEL __kernel
#define GLOBAL __global
#define LOCAL __local
#define LOCAL_POINTER __local
#define restrict_ restrict
#define FUNCTION
typedef long long_;
#define barrier_local() barrier(CLK_LOCAL_MEM_FENCE)
#define local_id(d) ((int)get_local_id(d))
#define group_id(d) ((int)get_group_id(d))
#define group_size(d) ((int)get_local_size(d))
#define group_count(d) ((int)get_num_groups(d))
#define global_id(d) ((long_)get_global_id(d))
#define global_size(d) ((long_)get_global_size(d))
#define fma_(a, b, c) mad(a, b, c)
#define exp_(x) exp(x)
#define rsqrt_(x) rsqrt(x)
#define sqrt_(x) sqrt(x)
#define sin_(x) sin(x)
#define cos_(x) cos(x)
#define pow_(x, y) pow(x, y)
#define max_(a, b) fmax(a, b)
#define abs_(a) fabs(a)

#else /* CUDA C through NVRTC */

#define KERNEL extern "C" __global__
#define GLOBAL
#define LOCAL __shared__
#define LOCAL_POINTER
#define restrict_ __restrict__
#define FUNCTION static __device__ __forceinline__
typedef unsigned short ushort;
typedef unsigned int uint;
typedef long long long_;
#ifndef INFINITY /* NVRTC reads no <math.h> */
#define INFINITY __int_as_float(0x7f800000)
#endif
#define barrier_local() __syncthreads()
FUNCTION int dim3_at(uint3 v, int d)
{
    return (int)(d == 0 ? v.x : d == 1 ? v.y : v.z);
}
FUNCTION int dim3_of(dim3 v, int d)
{
    return (int)(d == 0 ? v.x : d == 1 ? v.y : v.z);
}
#define local_id(d) dim3_at(threadIdx, d)
#define group_id(d) dim3_at(blockIdx, d)
#define group_size(d) dim3_of(blockDim, d)
#define group_count(d) dim3_of(gridDim, d)
#define global_id(d) ((long_)group_id(d) * group_size(d) + local_id(d))
#define global_size(d) ((long_)group_count(d) * group_size(d))
FUNCTION float fma_(float a, float b, float c) { return fmaf(a, b, c); }
FUNCTION double fma_(double a, double b, double c) { return fma(a, b, c); }
FUNCTION float exp_(float x) { return expf(x); }
FUNCTION double exp_(double x) { return exp(x); }
FUNCTION float rsqrt_(float x) { return rsqrtf(x); }
FUNCTION double rsqrt_(double x) { return rsqrt(x); }
FUNCTION float sqrt_(float x) { return sqrtf(x); }
FUNCTION double sqrt_(double x) { return sqrt(x); }
FUNCTION float sin_(float x) { return sinf(x); }
FUNCTION float cos_(float x) { return cosf(x); }
FUNCTION float pow_(float x, float y) { return powf(x, y); }
FUNCTION double sin_(double x) { return sin(x); }
FUNCTION double cos_(double x) { return cos(x); }
FUNCTION double pow_(double x, double y) { return pow(x, y); }
FUNCTION float max_(float a, float b) { return fmaxf(a, b); }
FUNCTION double max_(double a, double b) { return fmax(a, b); }
FUNCTION float abs_(float a) { return fabsf(a); }
FUNCTION double abs_(double a) { return fabs(a); }

#endif

#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* Four consecutive elements, computed with. */
#ifdef DTYPE_F64
typedef double real;
typedef struct { double x, y, z, w; } real4;
#else
typedef float real;
typedef struct { float x, y, z, w; } real4;
#endif

/* Oclgrind splits a vector into its lanes and stores an undefined vector first, which it then
 * reports: for it, fours are structures, as in CUDA. */
#if defined(INTERPRETED)
#define FOUR(type, bytes) struct __attribute__((aligned(bytes))) { type x, y, z, w; }
typedef FOUR(float, 16) interpreted_float4;
#define float4 interpreted_float4
#elif !defined(__OPENCL_VERSION__)
#define FOUR(type, bytes) struct __align__(bytes) { type x, y, z, w; }
#endif

/* Storage types. LOAD4 and STORE4 move elements 4*i ... 4*i+3 in one access; the array must
 * be aligned for it (buffers are, and so is every row whose length is a multiple of 4). */
#if defined(DTYPE_F16) || defined(DTYPE_BF16)
typedef ushort elem;
#ifdef FOUR
typedef FOUR(ushort, 8) elem4;
#else
typedef ushort4 elem4;
#endif
#elif defined(DTYPE_F64)
typedef double elem;
#ifdef FOUR
typedef FOUR(double, 16) elem4;
#else
typedef double4 elem4;
#endif
#else
typedef float elem;
#ifdef FOUR
typedef FOUR(float, 16) elem4;
#else
typedef float4 elem4;
#endif
#endif

#if defined(DTYPE_BF16)
/* bfloat16 is the upper half of a float; stores round to nearest even. */
FUNCTION real from_elem(elem bits)
{
#ifdef __OPENCL_VERSION__
    return as_float((uint)bits << 16);
#else
    return __uint_as_float((uint)bits << 16);
#endif
}
FUNCTION elem to_elem(real value)
{
#ifdef __OPENCL_VERSION__
    uint bits = as_uint(value);
#else
    uint bits = __float_as_uint(value);
#endif
    return (elem)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
#elif defined(DTYPE_F16)
#ifdef __OPENCL_VERSION__
/* vload_half and vstore_half are core: no cl_khr_fp16 needed for storage. */
FUNCTION real from_elem(elem bits) { return vload_half(0, (const half *)&bits); }
FUNCTION elem to_elem(real value)
{
    elem bits;

    vstore_half_rte(value, 0, (half *)&bits);
    return bits;
}
#else
FUNCTION real from_elem(elem bits)
{
    float value;

    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}
FUNCTION elem to_elem(real value)
{
    elem bits;

    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
#endif
#else
FUNCTION real from_elem(elem value) { return value; }
FUNCTION elem to_elem(real value) { return value; }
#endif

#define LOAD(p, i) from_elem((p)[i])
#define STORE(p, i, value) ((p)[i] = to_elem(value))

FUNCTION real4 load4(GLOBAL const elem *p, long_ i)
{
    elem4 e = ((GLOBAL const elem4 *)p)[i];
    real4 r;

    r.x = from_elem(e.x);
    r.y = from_elem(e.y);
    r.z = from_elem(e.z);
    r.w = from_elem(e.w);
    return r;
}
FUNCTION void store4(GLOBAL elem *p, long_ i, real4 r)
{
    elem4 e;

    e.x = to_elem(r.x);
    e.y = to_elem(r.y);
    e.z = to_elem(r.z);
    e.w = to_elem(r.w);
    ((GLOBAL elem4 *)p)[i] = e;
}
#define LOAD4(p, i) load4(p, i)
#define STORE4(p, i, value) store4(p, i, value)

/* Sum and largest of `value` over the work-group (one dimension, a power of two of at least
 * 32 work-items); every work-item gets it. `scratch` holds one real per work-item and is
 * free again on return. CUDA reduces inside warps by shuffles, OpenCL by a local tree. */
#ifdef __OPENCL_VERSION__
#define GROUP_REDUCE(name, combine)                                                    \
    FUNCTION real name(real value, LOCAL_POINTER real *scratch)                        \
    {                                                                                  \
        int me = local_id(0);                                                          \
        real result;                                                                   \
                                                                                       \
        scratch[me] = value;                                                           \
        barrier_local();                                                               \
        for (int half_size = group_size(0) / 2; half_size > 0; half_size /= 2) {       \
            if (me < half_size)                                                        \
                scratch[me] = combine(scratch[me], scratch[me + half_size]);           \
            barrier_local();                                                           \
        }                                                                              \
        result = scratch[0];                                                           \
        barrier_local();                                                               \
        return result;                                                                 \
    }
#else
#define GROUP_REDUCE(name, combine)                                                    \
    FUNCTION real name(real value, LOCAL_POINTER real *scratch)                        \
    {                                                                                  \
        int me = local_id(0), warps = group_size(0) / 32;                              \
                                                                                       \
        for (int lane = 16; lane > 0; lane /= 2)                                       \
            value = combine(value, __shfl_xor_sync(0xffffffffu, value, lane));         \
        if (me % 32 == 0)                                                              \
            scratch[me / 32] = value;                                                  \
        barrier_local();                                                               \
        value = scratch[0];                                                            \
        for (int w = 1; w < warps; w++)                                                \
            value = combine(value, scratch[w]);                                        \
        barrier_local();                                                               \
        return value;                                                                  \
    }
#endif
#define ADD_(a, b) ((a) + (b))
GROUP_REDUCE(group_add, ADD_)
GROUP_REDUCE(group_max, max_)
