/* SPDX-License-Identifier: MIT */
/* Instead of a suite that needs CUDA's headers, where they are not. Include after cmocka.h. */
#ifndef OFFLOAD_BENCH_TESTS_WITHOUT_CUDA_H
#define OFFLOAD_BENCH_TESTS_WITHOUT_CUDA_H

static void without_cuda_skip(void **state)
{
    (void)state;
    print_message("skipped: built without the CUDA headers\n");
    skip();
}

static inline int without_cuda(const char *suite)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_cuda_skip)};

    return cmocka_run_group_tests_name(suite, tests, NULL, NULL);
}

#endif
