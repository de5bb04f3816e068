/* SPDX-License-Identifier: MIT */
/* Every kernel of every workload, portable (x.cl) and CUDA's own (x.cu), in every dtype, with
 * the definitions that its steps give at the smoke shapes, compiles through NVRTC for every
 * architecture that NVRTC knows, and none of them spills registers. Each kernel and dtype is
 * compiled for every architecture with the first definitions it gets; its further ones, of
 * which some kernels have a dozen, are dealt out among the architectures. NVRTC makes machine
 * code without a GPU or a driver; skipped with the reason where it is not installed. One
 * process per architecture, as many at once as there are cores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/embedded.h"
#include "base/text.h"
#include "workloads/workload.h"

enum { ARCHS = 64, OPTIONS = 40, PROGRAMS = 1000, KERNELS = 4 };

/* NVRTC's interface, as in its manual: results are 0 when well. */
static struct {
    int (*create)(void **program, const char *source, const char *name, int headers,
                  const char *const *header, const char *const *include);
    int (*compile)(void *program, int options, const char *const *option);
    int (*log_size)(void *program, size_t *);
    int (*log)(void *program, char *);
    int (*destroy)(void **program);
    int (*arch_count)(int *);
    int (*archs)(int *); /* 75, 80, ... */
} nvrtc;

static bool nvrtc_open(void)
{
    static const char *const path[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so",
                                       "/usr/local/cuda/lib64/libnvrtc.so"};
    void *library = NULL;

    for (size_t i = 0; i < sizeof path / sizeof *path && !library; i++)
        library = dlopen(path[i], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
    *(void **)&nvrtc.create = dlsym(library, "nvrtcCreateProgram");
    *(void **)&nvrtc.compile = dlsym(library, "nvrtcCompileProgram");
    *(void **)&nvrtc.log_size = dlsym(library, "nvrtcGetProgramLogSize");
    *(void **)&nvrtc.log = dlsym(library, "nvrtcGetProgramLog");
    *(void **)&nvrtc.destroy = dlsym(library, "nvrtcDestroyProgram");
    *(void **)&nvrtc.arch_count = dlsym(library, "nvrtcGetNumSupportedArchs");
    *(void **)&nvrtc.archs = dlsym(library, "nvrtcGetSupportedArchs");
    return nvrtc.create && nvrtc.compile && nvrtc.log_size && nvrtc.log && nvrtc.destroy &&
           nvrtc.arch_count && nvrtc.archs;
}

/* Split "-DA=1 -DB" into options. `text` is cut in place. */
static int split(char *text, const char **option, int most)
{
    int n = 0;

    for (char *word = strtok(text, " "); word && n < most; word = strtok(NULL, " "))
        option[n++] = word;
    return n;
}

/* Compile for one architecture; 0 when well, the compiler's log in any case. */
static int compile(const char *source, enum dtype dtype, const char *defines, int arch,
                   struct text *log)
{
    static const char *const dtype_define[DTYPES] = {
        [DTYPE_F64] = "-DDTYPE_F64", [DTYPE_F16] = "-DDTYPE_F16", [DTYPE_BF16] = "-DDTYPE_BF16"};
    static const char *const include = "dialect_cuda.h";
    const char *option[OPTIONS], *header = embedded_find("devices/dialect_cuda.h")->text;
    char target[40], words[STEP_DEFINES];
    struct text whole = {0};
    void *program = NULL;
    size_t n = 0;
    int options = 0, status;

    snprintf(target, sizeof target, "--gpu-architecture=sm_%d", arch);
    snprintf(words, sizeof words, "%s", defines);
    option[options++] = target;
    option[options++] = "--ptxas-options=-v";
    option[options++] = "--disable-warnings"; /* the dialect has functions for every kernel */
    option[options++] = dtype_define[dtype] ? dtype_define[dtype] : "-DDTYPE_F32";
    options += split(words, option + options, OPTIONS - options);
    text_printf(&whole, "%s\n#line 1\n%s", embedded_find("devices/dialect.h")->text, source);
    status = whole.failed || nvrtc.create(&program, whole.data, "device.cu", 1, &header, &include);
    if (!status)
        status = nvrtc.compile(program, options, option);
    if (program && nvrtc.log_size(program, &n) == 0 && n > 0) {
        char *text = calloc(n, 1);

        if (text && nvrtc.log(program, text) == 0)
            text_add(log, text);
        free(text);
    }
    if (program)
        nvrtc.destroy(&program);
    text_release(&whole);
    return status;
}

/* The kernel must be in the log, and nothing in it may spill. */
static bool is_lean(const char *log, const char *kernel)
{
    char entry[120];

    snprintf(entry, sizeof entry, "'%s'", kernel);
    if (!log || !strstr(log, entry))
        return false;
    for (const char *at = strstr(log, "bytes spill"); at; at = strstr(at + 1, "bytes spill"))
        if (strncmp(at - 3, " 0 ", 3) != 0)
            return false;
    return true;
}

/* One compilation: the kernels of a source that share their definitions. Some workloads have
 * the same source. */
struct program {
    const struct workload *w;
    const char *source;
    enum dtype dtype;
    char defines[STEP_DEFINES];
    const char *kernel[KERNELS];
    int kernels;
    bool is_first; /* for some kernel, the first in this dtype */
};

static struct program program[PROGRAMS];
static int programs;

static bool has_kernel(const struct program *p, const char *kernel)
{
    for (int i = 0; i < p->kernels; i++)
        if (strcmp(p->kernel[i], kernel) == 0)
            return true;
    return false;
}

static void add_step(const struct workload *w, const struct variant *v, enum dtype dtype,
                     const struct step *step)
{
    const char *source = workload_device_code(w->name, v->on);
    struct program *found = NULL;
    bool is_known = false;

    assert_non_null(source);
    for (int i = 0; i < programs; i++) {
        struct program *p = &program[i];

        if (p->dtype != dtype || strcmp(p->source, source) != 0)
            continue;
        is_known |= has_kernel(p, step->kernel);
        if (strcmp(p->defines, step->defines) == 0)
            found = p;
    }
    if (!found) {
        assert_true(programs < PROGRAMS);
        found = &program[programs++];
        *found = (struct program){.w = w, .source = source, .dtype = dtype};
        snprintf(found->defines, sizeof found->defines, "%s", step->defines);
    }
    if (!has_kernel(found, step->kernel)) {
        assert_true(found->kernels < KERNELS);
        found->kernel[found->kernels++] = step->kernel;
        found->is_first |= !is_known;
    }
}

static void add_problem(const struct workload *w, const struct problem *p, int arch)
{
    /* a large and a small GPU: what a variant tiles by */
    const struct device_facts facts[] = {
        {.compute_units = 132, .group_limit = 1024, .local_bytes = 48 << 10, .capability = arch},
        {.compute_units = 1, .group_limit = 1024, .local_bytes = 48 << 10, .capability = arch}};

    for (const struct variant *v = w->variants; v->name; v++)
        for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) {
            struct step step[STEPS];
            int steps = v->steps && (!v->fits || v->fits(p)) ? v->steps(p, &facts[f], step) : 0;

            for (int s = 0; s < steps; s++)
                if (step[s].kind == STEP_LAUNCH)
                    add_step(w, v, p->dtype, &step[s]);
        }
}

/* What a GPU of this architecture would be asked to compile. */
static void find_programs(int arch)
{
    programs = 0;
    for (const struct workload *const *at = workloads; *at; at++)
        for (int dtype = 0; dtype < DTYPES; dtype++)
            for (int s = 0; (*at)->dtypes >> dtype & 1 && s < (*at)->smokes; s++) {
                struct problem p = {.dtype = (enum dtype)dtype, .shape = (*at)->smoke[s]};

                add_problem(*at, &p, arch);
            }
}

/* 1 when wrong. */
static int check_program(const struct program *p, int arch)
{
    struct text log = {0};
    int wrong = compile(p->source, p->dtype, p->defines, arch, &log) != 0;

    for (int i = 0; i < p->kernels; i++)
        wrong |= !is_lean(log.data, p->kernel[i]);
    if (wrong)
        fprintf(stderr, "%s, %s, %s, %s for sm_%d:\n%.3000s\n", p->w->name, p->kernel[0],
                dtype_name(p->dtype), p->defines, arch, log.data ? log.data : "(no log)");
    text_release(&log);
    return wrong;
}

/* In a process of its own: the i-th of `archs`. Programs that failed, at most 100. */
static int check_arch(int arch, int i, int archs)
{
    int wrong = 0, compiled = 0;

    find_programs(arch);
    for (int n = 0; n < programs; n++)
        if (program[n].is_first || n % archs == i) {
            wrong += check_program(&program[n], arch);
            compiled++;
        }
    fprintf(stderr, "sm_%d: %d of %d programs compiled, %d wrong\n", arch, compiled, programs,
            wrong);
    return wrong + (compiled == 0) < 100 ? wrong + (compiled == 0) : 100;
}

static void wait_for_one(void)
{
    int status = -1;

    assert_true(wait(&status) > 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_compiles_without_spills(void **state)
{
    int arch[ARCHS], archs = 0, running = 0, cores = (int)sysconf(_SC_NPROCESSORS_ONLN);

    (void)state;
    if (!nvrtc_open()) {
        print_message("skipped: no NVRTC (libnvrtc.so) here; hint: install the CUDA toolkit\n");
        skip();
    }
    assert_int_equal(nvrtc.arch_count(&archs), 0);
    assert_in_range(archs, 1, ARCHS);
    assert_int_equal(nvrtc.archs(arch), 0);
    fflush(NULL);
    for (int i = 0; i < archs; i++) {
        pid_t child;

        if (running == cores) {
            wait_for_one();
            running--;
        }
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            _exit(check_arch(arch[i], i, archs));
        }
        running++;
    }
    while (running-- > 0)
        wait_for_one();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_compiles_without_spills)};

    return cmocka_run_group_tests_name("device code as CUDA C", tests, NULL, NULL);
}
