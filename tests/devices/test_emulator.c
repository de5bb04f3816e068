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

static int open_emulator(void **state)
{
    struct name version;
    struct why why = {{0}};

    (void)state;
    findings_open();
    if (cuda_compiler_version(&version, &why) != 0) {
        print_message("skipped: %s\n", why.text);
        return 0;
    }
    if (!emulated_open())
        return -1;
    context_open();
    return 0;
}

static int close_emulator(void **state)
{
    (void)state;
    if (emulator) {
        context_close();
        findings_check(NULL); /* no leaks */
    }
    return unlink(findings_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grid_stride_addition),
    };

    return cmocka_run_group_tests_name("emulated CUDA driver", tests, open_emulator,
                                       close_emulator);
}

#else

static void test_nothing(void **state)
{
    (void)state;
    print_message("skipped: built without the CUDA headers\n");
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing)};

    return cmocka_run_group_tests_name("emulated CUDA driver", tests, NULL, NULL);
}

#endif
