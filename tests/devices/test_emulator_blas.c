/* SPDX-License-Identifier: MIT */
/* The cuBLASLt made for the emulated GPU multiplies what the manual says (columns first), and
 * notices shapes, memory and descriptors that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#if defined(HAVE_CUDA) && __has_include(<cublasLt.h>)

#include <cublasLt.h>

#include "tests/devices/emulated.h"

static void *library;

#define LT(name) ((__typeof__(&name))dlsym(library, #name))

struct product {
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t layout[3]; /* a, b, c */
    CUdeviceptr at[3];
};

/* c = 2 a' b + 3 c with a stored 3 x 2, b 3 x 2, c 2 x 2. */
static void product_open(struct product *p)
{
    static const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {1, 0, -1, 2, 1, 1}, c[] = {1, 1, 1, 2};
    int32_t transposed = CUBLAS_OP_T;

    assert_int_equal(LT(cublasLtCreate)(&p->handle), 0);
    assert_int_equal(LT(cublasLtMatmulDescCreate)(&p->product, CUBLAS_COMPUTE_32F, CUDA_R_32F), 0);
    assert_int_equal(LT(cublasLtMatmulDescSetAttribute)(p->product, CUBLASLT_MATMUL_DESC_TRANSA,
                                                        &transposed, sizeof transposed), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(LT(cublasLtMatrixLayoutCreate)(&p->layout[i], CUDA_R_32F, i < 2 ? 3 : 2, 2,
                                                        i < 2 ? 3 : 2), 0);
    p->at[0] = upload(a, sizeof a);
    p->at[1] = upload(b, sizeof b);
    p->at[2] = upload(c, sizeof c);
}

static void product_close(struct product *p)
{
    for (int i = 0; i < 3; i++) {
        WELL(CU(cuMemFree)(p->at[i]));
        assert_int_equal(LT(cublasLtMatrixLayoutDestroy)(p->layout[i]), 0);
    }
    assert_int_equal(LT(cublasLtMatmulDescDestroy)(p->product), 0);
    assert_int_equal(LT(cublasLtDestroy)(p->handle), 0);
}

static cublasStatus_t product_run(struct product *p, CUdeviceptr a, cublasLtMatrixLayout_t layout_a)
{
    float alpha = 2, beta = 3;

    return LT(cublasLtMatmul)(p->handle, p->product, &alpha, (void *)(uintptr_t)a, layout_a,
                              (void *)(uintptr_t)p->at[1], p->layout[1], &beta,
                              (void *)(uintptr_t)p->at[2], p->layout[2],
                              (void *)(uintptr_t)p->at[2], p->layout[2], NULL, NULL, 0, NULL);
}

static void test_multiplies(void **state)
{
    struct product p;
    float c[4];

    (void)state;
    product_open(&p);
    assert_int_equal(product_run(&p, p.at[0], p.layout[0]), 0);
    WELL(CU(cuMemcpyDtoH)(c, p.at[2], sizeof c));
    assert_true(c[0] == 2 * -2 + 3 && c[1] == 2 * -2 + 3);
    assert_true(c[2] == 2 * 7 + 3 && c[3] == 2 * 19 + 6);
    product_close(&p);
    findings_check(NULL);
}

static void test_is_strict(void **state)
{
    struct product p;

    (void)state;
    product_open(&p);
    assert_int_not_equal(product_run(&p, p.at[0] + 256, p.layout[0]), 0);
    findings_check("A at 0x");
    assert_int_not_equal(product_run(&p, p.at[0], p.layout[2]), 0);
    findings_check("do not fit together");
    product_close(&p);
    assert_int_not_equal(product_run(&p, p.at[0], p.layout[0]), 0);
    findings_check("or was destroyed");
}

static int set_up(void **state)
{
    char self[400] = "", path[500], *slash;
    int status = emulated_set_up(state);

    if (status || readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        return -1;
    slash = strrchr(self, '/');
    *slash = '\0';
    snprintf(path, sizeof path, "%s/../../emulator/libcublasLt.so", self);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return library ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multiplies),
        cmocka_unit_test(test_is_strict),
    };

    return cmocka_run_group_tests_name("emulated cuBLASLt", tests, set_up, emulated_tear_down);
}

#else

static void test_nothing(void **state)
{
    (void)state;
    print_message("skipped: built without the headers of cuBLASLt\n");
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing)};

    return cmocka_run_group_tests_name("emulated cuBLASLt", tests, NULL, NULL);
}

#endif
