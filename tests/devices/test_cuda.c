/* SPDX-License-Identifier: MIT */
/* The CUDA device on the emulated driver: what it is, every kind of memory, building, launching,
 * marks, lanes, recordings, and every fault that the driver can be asked for. The program starts
 * itself again with the emulation in the library path, and once more for each fault. Skipped
 * with the reason where CUDA is not built in or there is no NVRTC. */
#include "tests/devices/checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "devices/cuda.h"
#include "devices/cuda_compiler.h"
#include "tests/emulator/faults.h"

static char program[1024], emulator[1024]; /* this one; the folder of the emulated driver */
static char folder[] = "/tmp/test_cuda_XXXXXX";

/* ---- on the emulated driver -------------------------------------------------------------- */

static struct device device;

static int open_device(void **state)
{
    struct why why = {{0}};

    (void)state;
    if (device_open(&device, "cuda", &why) == 0)
        return 0;
    print_error("%s\n", why.text);
    return -1;
}

static int close_device(void **state)
{
    (void)state;
    device_close(&device);
    return 0;
}

static void test_row(void **state)
{
    enum { MOST = 16 };
    struct device_row row[MOST];
    int rows = device_list(row, MOST, NULL), found = 0;

    (void)state;
    for (int i = 0; i < rows; i++)
        if (row[i].kind == DEVICE_CUDA) {
            char id[20];

            snprintf(id, sizeof id, "cuda:%d", found++);
            assert_string_equal(row[i].id.text, id);
            assert_non_null(strstr(row[i].model, "emulated"));
            assert_int_equal(row[i].evidence, EVIDENCE_SOFTWARE);
            assert_false(row[i].is_gpu);
            assert_non_null(strstr(row[i].driver, "CUDA "));
            assert_true(row[i].cache_bytes > 0);
            assert_memory_equal(row[i].uuid.text, "GPU-", 4);
            assert_int_equal(strlen(row[i].uuid.text), strlen("GPU-") + 36);
            assert_non_null(strchr(row[i].bus.text, ':'));
            assert_string_equal(row[i].lacks, "");
        }
    assert_true(found >= 1);
    assert_string_equal(device.row.id.text, "cuda:0");
    assert_true(device.facts.compute_units > 0 && device.facts.capability >= 75);
    assert_true(device.facts.local_bytes >= 48 << 10 && device.facts.group_limit >= 1024);
    assert_true(device.memory_bytes > 0 && device.row.cache_bytes > 0);
    assert_false(device.facts.is_host_processor);
    assert_non_null(device.queue);
}

static void test_computes(void **state)
{
    static const enum memory host[] = {MEMORY_PAGEABLE, MEMORY_PINNED, MEMORY_MAPPED,
                                       MEMORY_MANAGED};

    (void)state;
    for (size_t i = 0; i < sizeof host / sizeof *host; i++)
        assert_true(computes(&device, 1000, 3, host[i]));
    assert_false(computes(&device, 1000, 0, MEMORY_PAGEABLE)); /* no groups: nothing ran */
}

/* Kernels work on mapped and managed memory itself, without a copy. */
static void test_without_copies(void **state)
{
    static const enum memory kind[] = {MEMORY_MAPPED, MEMORY_MANAGED};

    (void)state;
    for (int k = 0; k < 2; k++) {
        struct buffer arg[1] = {{0}};
        struct step step = {.kernel = "fill", .groups = {2, 1, 1}, .group = {64, 1, 1}};
        struct kernel *kernel;
        bool prefetches = kind[k] == MEMORY_MANAGED && device.ops->prefetch;

        assert_int_equal(device.ops->alloc(&device, &arg[0], 512, kind[k], NULL), 0);
        assert_non_null(arg[0].data);
        assert_non_null(arg[0].handle);
        step_buffer(&step, 0);
        assert_int_equal(check_built(&device, code, "fill", "-DVALUE=7", &kernel, NULL), 0);
        if (prefetches)
            assert_int_equal(device.ops->prefetch(&device, &arg[0], MEMORY_DEVICE, NULL), 0);
        assert_int_equal(device.ops->launch(&device, kernel, &step, arg, NULL, NULL), 0);
        if (prefetches)
            assert_int_equal(device.ops->prefetch(&device, &arg[0], MEMORY_PAGEABLE, NULL), 0);
        assert_int_equal(device.ops->sync(&device, NULL), 0);
        for (int i = 0; i < 128; i++)
            assert_true(((float *)arg[0].data)[i] == 7);
        device.ops->free(&device, &arg[0]);
    }
}

static void test_memory(void **state)
{
    (void)state;
    for (int kind = 0; kind < MEMORIES; kind++) {
        struct buffer a, b;
        struct why why = {{0}};

        assert_int_equal(device.ops->alloc(&device, &a, 0, (enum memory)kind, &why), 0);
        assert_int_equal(device.ops->alloc(&device, &b, 0, MEMORY_DEVICE, &why), 0);
        assert_int_equal(device.ops->copy(&device, &b, &a, 0, &why), 0);
        device.ops->free(&device, &a);
        device.ops->free(&device, &a); /* zeroed: nothing to free */
        device.ops->free(&device, &b);
        assert_int_equal(device.ops->alloc(&device, &a, (size_t)1 << 50, (enum memory)kind, &why),
                         STATUS_MEMORY);
        assert_non_null(strstr(why.text, "cannot allocate 1073741824.0 MiB"));
        assert_non_null(strstr(why.text, memory_name((enum memory)kind)));
        assert_null(a.handle);
        assert_null(a.data);
        device.ops->free(&device, &a);
    }
}

static void test_build(void **state)
{
    (void)state;
    check_build(&device);
}

static void test_marks(void **state)
{
    (void)state;
    check_marks(&device);
}

static void test_lanes(void **state)
{
    (void)state;
    check_lanes(&device);
}

/* x doubled three times is a recording; what it does is done by replaying it only. */
static void test_recording(void **state)
{
    enum { N = 128 };
    const struct recording_ops *ops = device.ops->recording;
    struct buffer arg[2] = {{0}}, host = {0};
    struct step step = {.kernel = "twice", .groups = {2, 1, 1}, .group = {64, 1, 1}};
    struct recording *recording = NULL;
    struct kernel *kernel;

    (void)state;
    assert_non_null(ops);
    assert_int_equal(device.ops->alloc(&device, &arg[0], N * sizeof(float), MEMORY_DEVICE, NULL), 0);
    assert_int_equal(device.ops->alloc(&device, &host, N * sizeof(float), MEMORY_PINNED, NULL), 0);
    for (int i = 0; i < N; i++)
        ((float *)host.data)[i] = (float)i;
    step_buffer(&step, 0);
    step_buffer(&step, 0); /* in place */
    step_long(&step, N);
    step_int(&step, 2);
    step_float(&step, 0);
    assert_int_equal(check_built(&device, code, "twice", "-DVALUE=1", &kernel, NULL), 0);
    assert_int_equal(device.ops->copy(&device, &arg[0], &host, N * sizeof(float), NULL), 0);
    assert_int_equal(device.ops->sync(&device, NULL), 0);
    assert_int_equal(ops->start(&device, NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(device.ops->launch(&device, kernel, &step, arg, NULL, NULL), 0);
    assert_int_equal(ops->stop(&device, &recording, NULL), 0);
    for (int replays = 0; replays < 3; replays++) {
        if (replays > 0)
            assert_int_equal(ops->replay(&device, recording, NULL), 0);
        assert_int_equal(device.ops->copy(&device, &host, &arg[0], N * sizeof(float), NULL), 0);
        assert_int_equal(device.ops->sync(&device, NULL), 0);
        for (int i = 0; i < N; i++)
            assert_true(((float *)host.data)[i] == (float)(i << 3 * replays));
    }
    ops->free(&device, recording);
    ops->free(&device, NULL);
    device.ops->free(&device, &arg[0]);
    device.ops->free(&device, &host);
}

static void test_limits(void **state)
{
    struct step large = {.kernel = "fill", .groups = {1, 1, 1}, .group = {1 << 11, 1, 1}};
    struct step tall = {.kernel = "fill", .groups = {1, 1 << 16, 1}, .group = {32, 1, 1}};
    struct buffer arg = {0};
    struct kernel *kernel;
    struct why why = {{0}};

    (void)state;
    assert_int_equal(check_built(&device, code, "fill", "-DVALUE=1", &kernel, &why), 0);
    assert_int_equal(device.ops->alloc(&device, &arg, 1 << 13, MEMORY_DEVICE, &why), 0);
    step_buffer(&large, 0);
    step_buffer(&tall, 0);
    assert_int_equal(device.ops->launch(&device, kernel, &large, &arg, NULL, &why),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "work-groups of 2048"));
    assert_int_equal(device.ops->launch(&device, kernel, &tall, &arg, NULL, &why),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(why.text, "65536 work-groups in dimension 1"));
    device.ops->free(&device, &arg);
}

/* Two devices of one process keep apart, also when their calls alternate; the same device twice
 * is one context. */
static void test_again(void **state)
{
    struct device again;

    (void)state;
    assert_int_equal(device_open(&again, "cuda:0", NULL), 0);
    assert_true(computes(&again, 100, 2, MEMORY_PAGEABLE));
    assert_true(computes(&device, 100, 2, MEMORY_PAGEABLE));
    device_close(&again);
    assert_true(computes(&device, 100, 2, MEMORY_PAGEABLE));
    assert_int_equal(device_open(&again, "cuda:99", NULL), STATUS_INVALID);
}

static int run_inside(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row),       cmocka_unit_test(test_computes),
        cmocka_unit_test(test_without_copies), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_build),     cmocka_unit_test(test_marks),
        cmocka_unit_test(test_lanes),     cmocka_unit_test(test_recording),
        cmocka_unit_test(test_limits),    cmocka_unit_test(test_again),
    };

    return cmocka_run_group_tests_name("CUDA on the emulated driver", tests, open_device,
                                       close_device);
}

/* ---- faults, each in a process of its own ------------------------------------------------ */

static bool says(const struct why *why, const char *words)
{
    if (strstr(why->text, words))
        return true;
    fprintf(stderr, "'%s' lacks '%s'\n", why->text, words);
    return false;
}

/* The first launch after which something fails: its status, by launch, sync or copy. */
static int run_once(struct device *d, struct why *why)
{
    struct step step = {.kernel = "fill", .groups = {1, 1, 1}, .group = {64, 1, 1}};
    struct buffer arg = {0};
    struct kernel *kernel;
    int status = check_built(d, code, "fill", "-DVALUE=1", &kernel, why);

    if (!status)
        status = d->ops->alloc(d, &arg, 256, MEMORY_DEVICE, why);
    step_buffer(&step, 0);
    if (!status)
        status = d->ops->launch(d, kernel, &step, &arg, NULL, why);
    if (!status)
        status = d->ops->sync(d, why);
    d->ops->free(d, &arg);
    return status;
}

/* Memory runs out once: nothing is held, and the next one is there. */
static bool fault_alloc(struct device *d)
{
    struct why why = {{0}};

    return run_once(d, &why) == STATUS_MEMORY && says(&why, "cannot allocate") &&
           says(&why, "out of memory") && run_once(d, &why) == 0;
}

/* A launch is refused, and the context lives on. */
static bool fault_launch(struct device *d)
{
    struct why why = {{0}};

    return run_once(d, &why) == STATUS_DEVICE && says(&why, "fill") && run_once(d, &why) == 0;
}

/* The context is lost: now, and at every later call; closing is quiet. */
static bool fault_sticky(struct device *d)
{
    struct mark from = {0}, to = {0};
    struct why why = {{0}};
    struct buffer b;

    return run_once(d, &why) == STATUS_LOST && says(&why, "CUDA_ERROR_ILLEGAL_ADDRESS") &&
           says(&why, "hint: ") && run_once(d, &why) == STATUS_LOST &&
           says(&why, "CUDA_ERROR_ILLEGAL_ADDRESS") &&
           d->ops->alloc(d, &b, 64, MEMORY_DEVICE, &why) == STATUS_LOST &&
           d->ops->mark(d, &from, &why) == STATUS_LOST &&
           isnan(d->ops->elapsed_ns(d, &from, &to)) && d->ops->sync(d, &why) == STATUS_LOST;
}

static bool fault_lost(struct device *d)
{
    struct why why = {{0}};

    return run_once(d, &why) == STATUS_LOST && d->ops->sync(d, &why) == STATUS_LOST &&
           says(&why, "hint: ");
}

static const struct fault {
    const char *variable, *value;
    bool (*check)(struct device *);
} faults[] = {
    {FAULT_ALLOC, "1", fault_alloc},
    {FAULT_LAUNCH, "1", fault_launch},
    {FAULT_STICKY, "1", fault_sticky},
    {FAULT_LOST, "1", fault_lost},
};

enum { FAULTS = sizeof faults / sizeof *faults };

static int run_fault(int i)
{
    struct device d;
    struct why why = {{0}};
    bool ok;

    if (device_open(&d, "cuda", &why) != 0) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    ok = faults[i].check(&d);
    device_close(&d);
    return ok ? 0 : 1;
}

/* Every device, opened and used; nothing may be left when the process ends. */
static int run_several(void)
{
    struct device d[2];
    bool ok = true;

    for (int i = 0; i < 2; i++) {
        char id[16];

        snprintf(id, sizeof id, "cuda:%d", i);
        ok &= device_open(&d[i], id, NULL) == 0;
    }
    for (int i = 0; i < 4 && ok; i++)
        ok &= computes(&d[i % 2], 100, 2, MEMORY_PINNED);
    for (int i = 0; i < 2; i++)
        device_close(&d[i]);
    return ok ? 0 : 1;
}

/* ---- other drivers ----------------------------------------------------------------------- */

/* In a process of its own, as cells have. */
static bool computes_apart(void)
{
    int end = -1;
    pid_t child = fork();

    if (child == 0) {
        struct device d;
        bool ok = device_open(&d, "cuda", NULL) == 0;

        ok = ok && computes(&d, 100, 2, MEMORY_PAGEABLE) && computes(&d, 100, 3, MEMORY_PAGEABLE);
        device_close(&d);
        _exit(ok ? 0 : 1);
    }
    return child > 0 && waitpid(child, &end, 0) == child && WIFEXITED(end) &&
           WEXITSTATUS(end) == 0;
}

/* Machine code is asked for, the driver takes PTX only: said once in all processes, computed all
 * the same. */
static int run_machine_code(void)
{
    FILE *said = tmpfile();
    char line[600] = "", more[600];
    int stderr_before = dup(STDERR_FILENO);
    bool ok;

    if (!said)
        return 1;
    dup2(fileno(said), STDERR_FILENO);
    ok = computes_apart() && computes_apart();
    dup2(stderr_before, STDERR_FILENO);
    rewind(said);
    ok &= fgets(line, sizeof line, said) && !fgets(more, sizeof more, said);
    ok &= strstr(line, "cuda:0: no machine code, PTX for compute_80 from now on") &&
          strstr(line, "CUDA_ERROR_NO_BINARY_FOR_GPU");
    fprintf(stderr, "%s", ok ? "" : line);
    return ok ? 0 : 1;
}

/* A driver with nothing but what is needed: it computes, and says what it has not. */
static int run_core(void)
{
    static const enum memory missing[] = {MEMORY_PINNED, MEMORY_MAPPED, MEMORY_MANAGED};
    struct device d;
    struct buffer b = {0};
    struct why why = {{0}};
    bool ok = device_open(&d, "cuda", &why) == 0;

    if (!ok)
        fprintf(stderr, "%s\n", why.text);
    if (!ok)
        return 1;
    ok &= !d.ops->prefetch && !d.ops->lanes && !d.ops->recording;
    ok &= !d.row.uuid.text[0] && !d.row.bus.text[0] && d.memory_bytes == 0;
    ok &= strstr(d.row.driver, "of unknown version") != NULL;
    ok &= strcmp(d.row.lacks, "this driver or GPU has no pinned memory, mapped memory, managed "
                              "memory, prefetch, overlapped transfers, graphs") == 0;
    ok &= computes(&d, 1000, 3, MEMORY_PAGEABLE);
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        ok &= d.ops->alloc(&d, &b, 64, missing[i], &why) == STATUS_UNAVAILABLE &&
              says(&why, "cuda:0 ");
    ok &= d.ops->alloc(&d, &b, (size_t)1 << 50, MEMORY_DEVICE, &why) == STATUS_MEMORY &&
          says(&why, "CUDA error 2");
    device_close(&d);
    return ok ? 0 : 1;
}

/* What a driver may say or leave out and still be one: by the settings in the environment. */
static const struct other {
    const char *variable, *value;
} others[] = {
    {EMULATED_ATTRIBUTES, "*=x,75=8,76=0"}, /* nothing but the compute capability is known */
    {EMULATED_ATTRIBUTES, "*=0,75=8,76=0"},
    {EMULATED_REFUSES, "cuMemHostAlloc,cuMemAllocManaged,cuStreamBeginCapture,cuStreamWaitEvent,"
                       "cuDeviceGetUuid,cuDeviceGetPCIBusId,cuDeviceTotalMem,cuMemGetInfo,"
                       "cuFuncGetAttribute,cuModuleLoadDataEx"},
    {EMULATED_REFUSES, "cuMemHostGetDevicePointer,cuMemPrefetchAsync,cuGraphInstantiateWithFlags"},
    {EMULATED_TICK_US, "86400000000"}, /* all events at one time */
    {EMULATED_ALIGNMENT, "256"},
    {EMULATED_INTERFACE, "11080"},
    {EMULATED_MEMORY_MB, "1"},
    {EMULATED_NEWEST, "1"},                      /* minds no versions of functions */
    {EMULATED_PTX, "78"},                        /* older than NVRTC */
    {EMULATED_REFUSES, "cuModuleLoadDataEx=1"},  /* knows none of its options */
    {EMULATED_NAME, "NVIDIA H100 80GB HBM3 MIG 1g.10gb"},
    {EMULATOR_ORDER, "now"},                     /* streams wait for nothing: done when enqueued */
    {EMULATOR_ORDER, "others"},
};

enum { OTHERS = sizeof others / sizeof *others };

static bool is_there_or_unavailable(int status, const struct why *why)
{
    return status == 0 || (status == STATUS_UNAVAILABLE && why->text[0]);
}

/* Each part works, or is not to be had: nothing fails, and the device goes on. */
static bool other_is_well(void)
{
    struct mark from = {0}, to = {0};
    struct recording *recording = NULL;
    struct device d;
    struct why why = {{0}};
    bool ok = device_open(&d, "cuda", &why) == 0;
    double ns;

    if (!ok)
        fprintf(stderr, "%s\n", why.text);
    if (!ok)
        return false;
    ok &= d.facts.compute_units > 0 && d.facts.group_limit >= 1024 &&
          d.facts.local_bytes >= 48 << 10 && d.facts.capability == 80;
    for (int m = 0; m < MEMORIES; m++) {
        struct buffer b;
        int status = d.ops->alloc(&d, &b, 1000, (enum memory)m, &why);

        ok &= is_there_or_unavailable(status, &why);
        if (!status && m == MEMORY_MANAGED && d.ops->prefetch)
            ok &= d.ops->prefetch(&d, &b, MEMORY_DEVICE, &why) == 0;
        d.ops->free(&d, &b);
    }
    ok &= d.ops->mark(&d, &from, &why) == 0 && computes(&d, 1000, 3, MEMORY_PAGEABLE) &&
          d.ops->mark(&d, &to, &why) == 0;
    ns = d.ops->elapsed_ns(&d, &from, &to);
    ok &= ns >= 0 && (!getenv(EMULATED_TICK_US) || ns == 0);
    if (d.ops->lanes) {
        ok &= d.ops->lanes->use(&d, 1, &why) == 0 && d.ops->lanes->use(&d, 0, &why) == 0;
        ok &= is_there_or_unavailable(d.ops->lanes->wait(&d, 0, 1, &why), &why);
    }
    if (d.ops->recording && d.ops->recording->start(&d, &why) == 0)
        ok &= is_there_or_unavailable(d.ops->recording->stop(&d, &recording, &why), &why);
    if (d.ops->recording)
        d.ops->recording->free(&d, recording);
    ok &= computes(&d, 1000, 3, MEMORY_PAGEABLE);
    ok &= !d.row.uuid.text[0] ||
          strncmp(d.row.uuid.text, strstr(d.row.model, "MIG ") ? "MIG-" : "GPU-", 4) == 0;
    fprintf(stderr, "%s", ok ? "" : why.text);
    device_close(&d);
    return ok;
}

static int run_other(void)
{
    return other_is_well() ? 0 : 1;
}

#ifdef HAVE_CUDA

/* Without `name`: the driver has it not (`entry`: its place in our table), or refuses it. */
static bool is_well_without(const char *name, void *entry)
{
    int end = -1;
    pid_t child = fork();

    if (child == 0) {
        if (!entry)
            setenv(EMULATED_REFUSES, name, 1);
        else if (cuda_load(NULL) == 0)
            memset(entry, 0, sizeof cu.cuInit);
        _exit(other_is_well() ? 0 : 1);
    }
    if (child > 0 && waitpid(child, &end, 0) == child && WIFEXITED(end) && WEXITSTATUS(end) == 0)
        return true;
    fprintf(stderr, "%s %s\n", entry ? "lacking" : "refused:", name);
    return false;
}

/* NVRTC 13 would crash: it is not asked then, which is said. */
static bool spares_compiler(void)
{
    struct name version;
    struct why why = {{0}};
    int end = -1;
    pid_t child = fork();

    if (child == 0) {
        if (cuda_load(NULL) == 0)
            cu.cuGetExportTable = NULL;
        _exit(cuda_compiler_version(&version, &why) == 0
                  ? atoi(version.text) >= 13
                  : strstr(why.text, "without cuGetExportTable") == NULL);
    }
    return child > 0 && waitpid(child, &end, 0) == child && WIFEXITED(end) &&
           WEXITSTATUS(end) == 0;
}

/* No driver gives what it does not take back. */
static bool takes_back(const char *name)
{
    return strcmp(name, "cuMemFreeHost") == 0 || strcmp(name, "cuStreamEndCapture") == 0 ||
           strcmp(name, "cuGraphExecDestroy") == 0 || strcmp(name, "cuGraphDestroy") == 0;
}

/* Every function that can be done without, one after the other. */
static int run_each(void)
{
    static const struct {
        const char *name;
        void *entry;
    } optional[] = {
#define X(name, version, exported) {#name, &cu.name},
        CU_OPTIONAL(X)
#undef X
    };
    bool ok = spares_compiler();

    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        ok &= optional[i].entry == (void *)&cu.cuGetExportTable ||
              (is_well_without(optional[i].name, optional[i].entry) &&
               (takes_back(optional[i].name) || is_well_without(optional[i].name, NULL)));
    return ok ? 0 : 1;
}

#else

static int run_each(void)
{
    return 1;
}

#endif

/* ---- outside ----------------------------------------------------------------------------- */

static int find_emulator(void **state)
{
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);

    (void)state;
    if (n < 0 || !mkdtemp(folder))
        return -1;
    program[n] = '\0';
    snprintf(emulator, sizeof emulator, "%s", program);
    for (int up = 0; up < 3; up++) /* build/tests/devices/test_cuda */
        *strrchr(emulator, '/') = '\0';
    strcat(emulator, "/emulator");
    return 0;
}

static int remove_folder(void **state)
{
    char command[80];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* This program again, `what` as its argument, on the emulated driver; what the driver found
 * wrong with its calls makes it fail too. */
static void run_on(const char *library_folder, const char *what, const char *variable,
                   const char *value)
{
    char findings[100];
    struct stat found = {.st_size = 0};
    pid_t child;
    int end = -1;

    snprintf(findings, sizeof findings, "%s/%s", folder, what);
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("LD_LIBRARY_PATH", library_folder, 1);
        setenv("OFFLOAD_BENCH_CACHE", folder, 1);
        setenv(EMULATOR_FINDINGS, findings, 1);
        if (variable)
            setenv(variable, value, 1);
        execl(program, program, what, (char *)NULL);
        _exit(99);
    }
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_true(WIFEXITED(end));
    if (WEXITSTATUS(end) != 0)
        fail_msg("'%s' ended with %d", what, WEXITSTATUS(end));
    stat(findings, &found);
    if (found.st_size > 0)
        fail_msg("'%s': the emulated driver has findings, see above", what);
}

static void run_again(const char *what, const char *variable, const char *value)
{
    run_on(emulator, what, variable, value);
}

static void need_compiler(void)
{
    char library[1100];
    struct name version;
    struct why why = {{0}};

    if (cuda_compiler_version(&version, &why) != 0) {
        print_message("skipped: %s\n", why.text);
        skip();
    }
    snprintf(library, sizeof library, "%s/libcuda.so.1", emulator);
    if (access(library, R_OK) != 0)
        fail_msg("no '%s'; hint: make test builds it", library);
}

static void test_device(void **state)
{
    (void)state;
    need_compiler();
    run_again("inside", NULL, NULL);
}

static void test_several(void **state)
{
    (void)state;
    need_compiler();
    run_again("several", EMULATED_DEVICES, "2");
}

static void test_faults(void **state)
{
    (void)state;
    need_compiler();
    for (int i = 0; i < FAULTS; i++) {
        char what[8];

        snprintf(what, sizeof what, "%d", i);
        run_again(what, faults[i].variable, faults[i].value);
    }
}

static void test_machine_code(void **state)
{
    (void)state;
    need_compiler();
    run_again("machine", "OFFLOAD_BENCH_CUDA_ARCH", "sm_80");
    setenv(EMULATED_PTX, "78", 1); /* nor PTX as new as NVRTC's */
    run_again("machine", "OFFLOAD_BENCH_CUDA_ARCH", "sm_80");
    unsetenv(EMULATED_PTX);
}

static void test_each(void **state)
{
    (void)state;
    need_compiler();
    run_again("each", NULL, NULL);
}

static void test_core(void **state)
{
    char core[1100], cache[100];

    (void)state;
    need_compiler();
    snprintf(core, sizeof core, "%s/core", emulator);
    snprintf(cache, sizeof cache, "%s/anew", folder); /* NVRTC meets this driver too */
    run_on(core, "core", "OFFLOAD_BENCH_CACHE", cache);
}

static void test_others(void **state)
{
    (void)state;
    need_compiler();
    for (int i = 0; i < OTHERS; i++)
        run_again("other", others[i].variable, others[i].value);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device), cmocka_unit_test(test_several),
        cmocka_unit_test(test_faults), cmocka_unit_test(test_machine_code),
        cmocka_unit_test(test_core), cmocka_unit_test(test_others),
        cmocka_unit_test(test_each)};

    if (argc > 1 && strcmp(argv[1], "inside") == 0)
        return run_inside();
    if (argc > 1 && strcmp(argv[1], "several") == 0)
        return run_several();
    if (argc > 1 && strcmp(argv[1], "machine") == 0)
        return run_machine_code();
    if (argc > 1 && strcmp(argv[1], "core") == 0)
        return run_core();
    if (argc > 1 && strcmp(argv[1], "other") == 0)
        return run_other();
    if (argc > 1 && strcmp(argv[1], "each") == 0)
        return run_each();
    if (argc > 1)
        return run_fault(atoi(argv[1]));
    return cmocka_run_group_tests_name("CUDA devices", tests, find_emulator, remove_folder);
}
