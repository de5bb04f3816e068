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

/* 16 x 1 = (16 x 16)' (16 x 1), the first matrix all `one`, the second all `two`. */
static cublasStatus_t eight_bits(cudaDataType_t in, cudaDataType_t out, cublasComputeType_t compute,
                                 int one, int two, int32_t *result)
{
    cudaDataType_t scale = compute == CUBLAS_COMPUTE_32I ? CUDA_R_32I : CUDA_R_32F;
    float real[] = {1, 0};
    int32_t whole[] = {1, 0}, transposed = CUBLAS_OP_T;
    const char *factor = compute == CUBLAS_COMPUTE_32I ? (const char *)whole : (const char *)real;
    struct product p = {0};
    cublasStatus_t status;
    uint8_t a[256], b[16];
    int32_t c[16] = {0};

    memset(a, one, sizeof a);
    memset(b, two, sizeof b);
    assert_int_equal(LT(cublasLtCreate)(&p.handle), 0);
    assert_int_equal(LT(cublasLtMatmulDescCreate)(&p.product, compute, scale), 0);
    assert_int_equal(LT(cublasLtMatmulDescSetAttribute)(p.product, CUBLASLT_MATMUL_DESC_TRANSA,
                                                        &transposed, sizeof transposed), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(LT(cublasLtMatrixLayoutCreate)(&p.layout[i], i < 2 ? in : out, 16,
                                                        i == 0 ? 16 : 1, 16), 0);
    p.at[0] = upload(a, sizeof a);
    p.at[1] = upload(b, sizeof b);
    p.at[2] = upload(c, sizeof c);
    status = LT(cublasLtMatmul)(p.handle, p.product, factor, (void *)(uintptr_t)p.at[0],
                                p.layout[0], (void *)(uintptr_t)p.at[1], p.layout[1], factor + 4,
                                (void *)(uintptr_t)p.at[2], p.layout[2],
                                (void *)(uintptr_t)p.at[2], p.layout[2], NULL, NULL, 0, NULL);
    WELL(CU(cuMemcpyDtoH)(c, p.at[2], sizeof c));
    *result = c[0];
    product_close(&p);
    return status;
}

static void test_eight_bits(void **state)
{
    int32_t result = 0;

    (void)state;
    assert_int_equal(eight_bits(CUDA_R_8I, CUDA_R_32I, CUBLAS_COMPUTE_32I, 100, -3, &result), 0);
    assert_int_equal(result, 16 * 100 * -3);
    assert_int_equal(eight_bits(CUDA_R_8F_E4M3, CUDA_R_32F, CUBLAS_COMPUTE_32F, 0x38, 0xc4, &result),
                     CUBLAS_STATUS_NOT_SUPPORTED); /* an Ampere has none */
    setenv(EMULATED_CAPABILITY, "89", 1);
    assert_int_equal(eight_bits(CUDA_R_8F_E4M3, CUDA_R_32F, CUBLAS_COMPUTE_32F, 0x38, 0xc4, &result),
                     0);
    unsetenv(EMULATED_CAPABILITY);
    assert_int_equal(result, (int32_t)0xc2400000); /* 16 * 1 * -3 = -48 */
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
        cmocka_unit_test(test_eight_bits),
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
