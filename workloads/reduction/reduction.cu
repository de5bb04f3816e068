/* SPDX-License-Identifier: MIT */
/* The two stages of reduction.cl with 16 bytes a load for every dtype (there f16 and bf16
 * load 8): shuffle_parts reads the array once, grid-stride, CHAINS loads in flight and as
 * many independent running results a thread; a warp joins its results by shuffles, a block
 * the results of its warps through one shared slot each. shuffle_finish is one block over
 * the partial results. One of OP_SUM, OP_DOT, OP_MAX, OP_ARGMAX, OP_NORM2 is defined, and
 * GROUP, the block's threads. argmax keeps indices behind the values in the scratch. */
enum { CHAINS = 4, WIDE = 16 / sizeof(elem), WARPS = GROUP / 32 };

/* `at` is used by argmax only, 0 elsewhere. */
struct running {
    real value;
    int at;
};

#if defined(OP_MAX) || defined(OP_ARGMAX)
/* Largest results start with an element of the array, never with -infinity: so the index is
 * right when that is all there is. */
FUNCTION running start(real first, int at)
{
    running r = {first, at};

    return r;
}
FUNCTION void take(running *r, real a, real b, long_ i)
{
    if (a > r->value) {
        r->value = a;
#ifdef OP_ARGMAX
        r->at = (int)i;
#endif
    }
}
FUNCTION running join(running a, running b)
{
    return b.value > a.value || (b.value == a.value && b.at < a.at) ? b : a;
}
#else
FUNCTION running start(real first, int at)
{
    running r = {0, 0};

    return r;
}
FUNCTION void take(running *r, real a, real b, long_ i)
{
#if defined(OP_SUM)
    r->value += a;
#elif defined(OP_DOT)
    r->value += a * b;
#else
    r->value += a * a;
#endif
}
FUNCTION running join(running a, running b)
{
    a.value += b.value;
    return a;
}
#endif

/* Element e (a constant after unrolling) of 16 loaded bytes. */
FUNCTION real element(uint4 v, int e)
{
#if defined(DTYPE_F64)
    return e == 0 ? __hiloint2double(v.y, v.x) : __hiloint2double(v.w, v.z);
#else
    uint word = e * 4 / WIDE == 0   ? v.x
                : e * 4 / WIDE == 1 ? v.y
                : e * 4 / WIDE == 2 ? v.z
                                    : v.w;
#if defined(DTYPE_F16) || defined(DTYPE_BF16)
    return from_elem((elem)(word >> e % 2 * 16));
#else
    return __uint_as_float(word);
#endif
#endif
}

FUNCTION void take_wide(running *r, uint4 a, uint4 b, long_ i)
{
#pragma unroll
    for (int e = 0; e < WIDE; e++)
        take(r, element(a, e), element(b, e), WIDE * i + e);
}

/* The first `lanes` lanes joined, in lane 0 only. */
FUNCTION running warp_join(running r, int lanes)
{
#pragma unroll
    for (int away = lanes / 2; away > 0; away /= 2) {
        running other = {__shfl_down_sync(0xffffffffu, r.value, away), 0};

#ifdef OP_ARGMAX
        other.at = __shfl_down_sync(0xffffffffu, r.at, away);
#endif
        r = join(r, other);
    }
    return r;
}

/* The block's results joined, in thread 0 only. Called once a kernel. */
FUNCTION running block_join(running r)
{
    __shared__ real value[WARPS];
    __shared__ int at[WARPS];
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;

    r = warp_join(r, 32);
    if (lane == 0) {
        value[warp] = r.value;
        at[warp] = r.at;
    }
    __syncthreads();
    r.value = value[lane % WARPS];
    r.at = at[lane % WARPS];
    return warp_join(r, WARPS);
}

extern "C" __global__ void __launch_bounds__(GROUP)
    shuffle_parts(const elem *__restrict__ x, const elem *__restrict__ y,
                  real *__restrict__ part, long_ n)
{
    const uint4 *wide_x = (const uint4 *)x, *wide_y = (const uint4 *)y;
    long_ wides = n / WIDE, stride = global_size(0), i = global_id(0);
    running r[CHAINS];

#pragma unroll
    for (int c = 0; c < CHAINS; c++)
        r[c] = start(LOAD(x, 0), 0);
    for (; i + (CHAINS - 1) * stride < wides; i += CHAINS * stride) {
        uint4 a[CHAINS], b[CHAINS];

#pragma unroll
        for (int c = 0; c < CHAINS; c++) {
            a[c] = wide_x[i + c * stride];
            b[c] = wide_y[i + c * stride]; /* y is read by dot only: dropped elsewhere */
        }
#pragma unroll
        for (int c = 0; c < CHAINS; c++)
            take_wide(&r[c], a[c], b[c], i + c * stride);
    }
    for (; i < wides; i += stride)
        take_wide(&r[0], wide_x[i], wide_y[i], i);
    for (i = WIDE * wides + global_id(0); i < n; i += stride)
        take(&r[1], LOAD(x, i), LOAD(y, i), i);
    r[0] = block_join(join(join(r[0], r[1]), join(r[2], r[3])));
    if (threadIdx.x == 0) {
        part[blockIdx.x] = r[0].value;
#ifdef OP_ARGMAX
        ((int *)(part + gridDim.x))[blockIdx.x] = r[0].at;
#endif
    }
}

/* `out`: one element, for argmax one int. */
extern "C" __global__ void __launch_bounds__(GROUP)
    shuffle_finish(const real *__restrict__ part, void *__restrict__ out, int parts)
{
#ifdef OP_ARGMAX
    const int *at = (const int *)(part + parts);
#define AT(i) at[i]
#else
#define AT(i) 0
#endif
    running r = start(part[0], AT(0));

    for (int i = threadIdx.x; i < parts; i += GROUP) {
        running other = {part[i], AT(i)};

        r = join(r, other);
    }
    r = block_join(r);
    if (threadIdx.x != 0)
        return;
#if defined(OP_ARGMAX)
    *(int *)out = r.at;
#elif defined(OP_NORM2)
    STORE((elem *)out, 0, sqrt_(r.value));
#else
    STORE((elem *)out, 0, r.value);
#endif
}
