/* SPDX-License-Identifier: MIT */
/* CBLAS libraries of this machine, opened at run time: one table of functions for each. */
#ifndef OFFLOAD_BENCH_CBLAS_H
#define OFFLOAD_BENCH_CBLAS_H

#include <stddef.h>

#include "base/why.h"

struct variant;

/* Values of the CBLAS interface (netlib, "C Interface to the BLAS"). */
enum { CBLAS_ROW_MAJOR = 101, CBLAS_NO_TRANS = 111, CBLAS_TRANS = 112 };

/* Every function used: X(result, name, arguments). Integers are 32 bits (LP64); libraries
 * built with 64-bit ones are refused. */
#define CBLAS_FUNCTIONS(X)                                                             \
    X(void, sgemm, (int order, int ta, int tb, int m, int n, int k, float alpha,       \
                    const float *a, int lda, const float *b, int ldb, float beta,      \
                    float *c, int ldc))                                                \
    X(void, dgemm, (int order, int ta, int tb, int m, int n, int k, double alpha,      \
                    const double *a, int lda, const double *b, int ldb, double beta,   \
                    double *c, int ldc))                                               \
    X(void, sgemv, (int order, int ta, int m, int n, float alpha, const float *a,      \
                    int lda, const float *x, int incx, float beta, float *y, int incy)) \
    X(void, dgemv, (int order, int ta, int m, int n, double alpha, const double *a,    \
                    int lda, const double *x, int incx, double beta, double *y,        \
                    int incy))                                                         \
    X(float, sdot, (int n, const float *x, int incx, const float *y, int incy))        \
    X(double, ddot, (int n, const double *x, int incx, const double *y, int incy))     \
    X(float, sasum, (int n, const float *x, int incx))                                 \
    X(double, dasum, (int n, const double *x, int incx))                               \
    X(float, snrm2, (int n, const float *x, int incx))                                 \
    X(double, dnrm2, (int n, const double *x, int incx))                               \
    X(size_t, isamax, (int n, const float *x, int incx))                               \
    X(size_t, idamax, (int n, const double *x, int incx))

enum cblas_library { CBLAS_OPENBLAS, CBLAS_BLIS, CBLAS_MKL, CBLAS_AOCL, CBLAS_LIBRARIES };

struct cblas {
    const char *name;           /* "OpenBLAS" */
    const char *install;        /* what to install to have it */
    const char *const *path;    /* file patterns and sonames to try in turn, NULL-terminated */
    const char *symbol_threads; /* setter of the thread count */
    int (*accept)(void *library, struct why *); /* refuses builds with 64-bit integers */
    void (*version)(void *library, char *out, size_t size);

    /* Set by cblas_open. */
    void *library;
    struct why missing;         /* why it could not be opened; "" before the first try */
    int threads;                /* as last set; 0: never */
    union {                     /* int for all but BLIS and AOCL, whose count is 64 bits */
        void (*narrow)(int);
        void (*wide)(ptrdiff_t);
        void *symbol;
    } set_threads;
    int threads_wide;
    char text[160];             /* version, once open */
#define X(result, name, arguments) result (*name) arguments;
    CBLAS_FUNCTIONS(X)
#undef X
};

/* A variant names its library: .data = &cblas[CBLAS_BLIS], .available = cblas_available. */
extern struct cblas cblas[CBLAS_LIBRARIES];

/* Open once; later calls answer at once. Errors: STATUS_UNAVAILABLE with what to install.
 * Not safe to call from several threads at a time. */
int cblas_open(struct cblas *, struct why *);
int cblas_available(const struct variant *, struct why *);

/* The open library of a variant, told to use `threads` (a call into the library only when
 * the count changes). */
const struct cblas *cblas_use(const void *variant_data, int threads);

#endif
