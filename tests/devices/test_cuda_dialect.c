/* SPDX-License-Identifier: MIT */
/* Every kernel of every workload, in every dtype, with the definitions that its steps really
 * give at the smoke shapes on a GPU, compiles as CUDA C for an old and a new architecture, and
 * none of them spills registers. NVRTC makes machine code without a GPU or a driver; skipped
 * with the reason where it is not installed. One process per architecture. */
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

/* Turing, the oldest that current toolkits compile for, and Hopper. */
static const char *const arch[] = {"sm_75", "sm_90"};
enum { ARCHS = sizeof arch / sizeof *arch, OPTIONS = 40 };

/* NVRTC's interface, as in its manual: results are 0 when well. */
static struct {
    int (*create)(void **program, const char *source, const char *name, int headers,
                  const char *const *header, const char *const *include);
    int (*compile)(void *program, int options, const char *const *option);
    int (*log_size)(void *program, size_t *);
    int (*log)(void *program, char *);
    int (*destroy)(void **program);
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
    return nvrtc.create && nvrtc.compile && nvrtc.log_size && nvrtc.log && nvrtc.destroy;
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
static int compile(const char *source, enum dtype dtype, const char *defines, const char *sm,
                   struct text *log)
{
    static const char *const dtype_define[DTYPES] = {
        [DTYPE_F64] = "-DDTYPE_F64", [DTYPE_F16] = "-DDTYPE_F16", [DTYPE_BF16] = "-DDTYPE_BF16"};
    const char *option[OPTIONS];
    char target[40], words[STEP_DEFINES];
    struct text whole = {0};
    void *program = NULL;
    size_t n = 0;
    int options = 0, status;

    snprintf(target, sizeof target, "--gpu-architecture=%s", sm);
    snprintf(words, sizeof words, "%s", defines);
    option[options++] = target;
    option[options++] = "--ptxas-options=-v";
    option[options++] = "--disable-warnings"; /* the dialect has functions for every kernel */
    option[options++] = dtype_define[dtype] ? dtype_define[dtype] : "-DDTYPE_F32";
    options += split(words, option + options, OPTIONS - options);
    text_printf(&whole, "%s\n#line 1\n%s", embedded_find("devices/dialect.h")->text, source);
    status = whole.failed || nvrtc.create(&program, whole.data, "device.cu", 0, NULL, NULL);
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

/* What was compiled last: the kernels of a variant mostly share their definitions. */
static struct {
    const struct workload *w;
    enum dtype dtype;
    char defines[STEP_DEFINES];
    struct text log;
    int status;
} last;

static void compile_anew(const struct workload *w, enum dtype dtype, const char *defines,
                         const char *sm)
{
    if (last.w == w && last.dtype == dtype && strcmp(last.defines, defines) == 0)
        return;
    text_release(&last.log);
    last.w = w;
    last.dtype = dtype;
    snprintf(last.defines, sizeof last.defines, "%s", defines);
    last.status = compile(workload_device_code(w->name, DEVICE_OPENCL), dtype, defines, sm, &last.log);
}

/* Each kernel once for each dtype and set of definitions. */
static int check_step(const struct workload *w, const struct problem *p, const struct step *step,
                      const char *sm, struct text *seen)
{
    char key[STEP_DEFINES + 200];

    snprintf(key, sizeof key, "|%s %s %d %s|", w->name, step->kernel, p->dtype, step->defines);
    if (step->kind != STEP_LAUNCH || (seen->data && strstr(seen->data, key)))
        return 0;
    text_add(seen, key);
    compile_anew(w, p->dtype, step->defines, sm);
    if (last.status == 0 && is_lean(last.log.data, step->kernel))
        return 0;
    fprintf(stderr, "%s, %s, %s, %s for %s:\n%.3000s\n", w->name, step->kernel,
            dtype_name(p->dtype), step->defines, sm, last.log.data ? last.log.data : "(no log)");
    return 1;
}

static int check_problem(const struct workload *w, const struct problem *p, const char *sm,
                         struct text *seen)
{
    /* a large and a small GPU: what a variant tiles by */
    static const struct device_facts facts[] = {
        {.compute_units = 132, .group_limit = 1024, .local_bytes = 48 << 10},
        {.compute_units = 1, .group_limit = 1024, .local_bytes = 48 << 10}};
    int wrong = 0;

    for (const struct variant *v = w->variants; v->name; v++)
        for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) {
            struct step step[STEPS];
            int steps = v->steps && (!v->fits || v->fits(p)) ? v->steps(p, &facts[f], step) : 0;

            for (int s = 0; s < steps; s++)
                wrong += check_step(w, p, &step[s], sm, seen);
        }
    return wrong;
}

/* In a process of its own. Number of programs that failed, at most 100. */
static int check_arch(const char *sm)
{
    struct text seen = {0};
    int wrong = 0, programs = 0;

    for (const struct workload *const *at = workloads; *at; at++)
        for (int dtype = 0; dtype < DTYPES; dtype++)
            for (int s = 0; (*at)->dtypes >> dtype & 1 && s < (*at)->smokes; s++) {
                struct problem p = {.dtype = (enum dtype)dtype, .shape = (*at)->smoke[s]};

                if (workload_device_code((*at)->name, DEVICE_OPENCL))
                    wrong += check_problem(*at, &p, sm, &seen);
            }
    for (const char *c = seen.data; c && (c = strchr(c, '|')); c++)
        programs++;
    fprintf(stderr, "%s: %d kernels compiled, %d wrong\n", sm, programs / 2, wrong);
    text_release(&seen);
    text_release(&last.log);
    return wrong + (programs == 0) < 100 ? wrong + (programs == 0) : 100;
}

static void test_compiles_without_spills(void **state)
{
    pid_t child[ARCHS];

    (void)state;
    if (!nvrtc_open()) {
        print_message("skipped: no NVRTC (libnvrtc.so) here; hint: install the CUDA toolkit\n");
        skip();
    }
    fflush(NULL);
    for (int i = 0; i < ARCHS; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (child[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            _exit(check_arch(arch[i]));
        }
    }
    for (int i = 0; i < ARCHS; i++) {
        int status = -1;

        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_compiles_without_spills)};

    return cmocka_run_group_tests_name("device code as CUDA C", tests, NULL, NULL);
}
