/* SPDX-License-Identifier: MIT */
/* workloads/simd.h of one instruction set, as functions that test_half can call. */
#include "tests/base/vectors.h"

#include "workloads/isa.h"
#include "workloads/simd.h"

static void load(enum dtype dtype, const void *from, float *to, int64_t n)
{
    int64_t i = 0;

    for (; i + VF <= n; i += VF)
        vf_store(to + i, dtype == DTYPE_F16 ? vf_get(DTYPE_F16, from, i) : vf_get(DTYPE_BF16, from, i));
    for (; i < n; i++)
        vf_store_n(to + i, dtype == DTYPE_F16 ? vf_get_n(DTYPE_F16, from, i, 1, 0)
                                              : vf_get_n(DTYPE_BF16, from, i, 1, 0), 1);
}

static void store(enum dtype dtype, const float *from, void *to, int64_t n)
{
    for (int64_t i = 0; i < n; i += VF) {
        size_t left = n - i < VF ? (size_t)(n - i) : VF;
        vf v = vf_load_n(from + i, left, 0);

        if (dtype == DTYPE_F16)
            vf_put_n(DTYPE_F16, to, i, v, left);
        else
            vf_put_n(DTYPE_BF16, to, i, v, left);
    }
}

static void each(vf (*f)(vf), const float *x, float *y, int64_t n)
{
    for (int64_t i = 0; i < n; i += VF) {
        size_t left = n - i < VF ? (size_t)(n - i) : VF;

        vf_store_n(y + i, f(vf_load_n(x + i, left, 0)), left);
    }
}

static void exponential(const float *x, float *y, int64_t n)
{
    each(vf_exp, x, y, n);
}

static void exponential2(const float *x, float *y, int64_t n)
{
    each(vf_exp2, x, y, n);
}

const struct vectors ISA_SYMBOL(vectors_simd) = {
    .load = load, .store = store, .exp = exponential, .exp2 = exponential2};
