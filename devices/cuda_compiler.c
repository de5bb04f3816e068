/* SPDX-License-Identifier: MIT */
/* NVRTC of the driver's own major version is preferred: PTX of a newer compiler is not
 * understood by an older driver. Code for a real GPU is machine code, so that no start of the
 * program pays for the driver's compiler; emulations take PTX. */
#include "devices/cuda_compiler.h"

#include <stdlib.h>
#include <string.h>

bool cuda_compiler_is_target(const char *text)
{
    const char *number = strchr(text, '_');
    size_t digits = number ? strspn(number + 1, "0123456789") : 0;

    return (strncmp(text, "sm_", 3) == 0 || strncmp(text, "compute_", 8) == 0) && digits >= 2 &&
           digits <= 3 && strspn(number + 1 + digits, "af") == strlen(number + 1 + digits);
}

int cuda_compiler_capability(int capability)
{
    const char *wish = getenv("OFFLOAD_BENCH_CUDA_ARCH");
    int wanted = wish && cuda_compiler_is_target(wish) ? atoi(strchr(wish, '_') + 1) : 0;

    return wanted > 0 && (wanted < capability || capability <= 0) ? wanted : capability;
}

#ifndef HAVE_CUDA

int cuda_compiler_version(struct name *version, struct why *why)
{
    (void)version;
    return why_fail(why, STATUS_UNAVAILABLE,
                    "CUDA is not built in; hint: install the CUDA toolkit (11.8 or newer), name "
                    "it by CUDA_HOME if it is not in /usr/local/cuda, and build again");
}

#else

#include <dlfcn.h>
#include <nvrtc.h>
#include <stdio.h>

#include "base/embedded.h"
#include "devices/cache.h"
#include "devices/cuda.h"

#define NVRTC_SYMBOLS(X)                                                               \
    X(nvrtcVersion) X(nvrtcGetNumSupportedArchs) X(nvrtcGetSupportedArchs)             \
    X(nvrtcGetErrorString) X(nvrtcCreateProgram) X(nvrtcCompileProgram)                \
    X(nvrtcDestroyProgram) X(nvrtcGetProgramLogSize) X(nvrtcGetProgramLog)             \
    X(nvrtcGetPTXSize) X(nvrtcGetPTX) X(nvrtcGetCUBINSize) X(nvrtcGetCUBIN)

static struct {
#define X(name) __typeof__(&name) name;
    NVRTC_SYMBOLS(X)
#undef X
    int major, minor;
} rtc;

enum { MAJOR_OLDEST = 11, MAJOR_NEWEST = 15, OPTIONS = 48 };

/* Where the dynamic linker looks, then the toolkits' own folders. */
static void *open_version(const char *version)
{
    const char *home = getenv("CUDA_HOME");
    const char *const folder[] = {"", home ? home : "", OFFLOAD_BENCH_CUDA_HOME,
                                  "/usr/local/cuda"};

    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++) {
        char path[400];
        void *library;

        if (i > 0 && !*folder[i])
            continue;
        snprintf(path, sizeof path, "%s%slibnvrtc.so%s", folder[i], i > 0 ? "/lib64/" : "",
                 version);
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (library)
            return library;
    }
    return NULL;
}

static void *open_major(int major)
{
    char version[16];

    snprintf(version, sizeof version, major == 11 ? ".11.2" : ".%d", major);
    return open_version(version);
}

/* NVRTC 13 calls cuGetExportTable of whatever libcuda.so.1 there is, without looking for it. */
static int newest_major(void)
{
    return cuda_load(NULL) == 0 && !cu.cuGetExportTable ? 12 : MAJOR_NEWEST;
}

static void *open_library(void)
{
    int wanted = cuda_driver_interface() / 1000, newest = newest_major();
    void *library = NULL;

    if (wanted < MAJOR_OLDEST || wanted > newest)
        wanted = newest;
    for (int major = wanted; major >= MAJOR_OLDEST && !library; major--)
        library = open_major(major);
    for (int major = wanted + 1; major <= newest && !library; major++)
        library = open_major(major);
    return library ? library : open_version("");
}

static int load(struct why *why)
{
    static void *library;
    void *opened;

    if (library)
        return 0;
    opened = open_library();
    if (!opened)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "no NVRTC (libnvrtc.so): kernels for NVIDIA GPUs cannot be compiled; "
                        "hint: install the CUDA toolkit's NVRTC (11.8 or newer) and name its "
                        "folder in LD_LIBRARY_PATH or CUDA_HOME");
#define X(name)                                                                        \
    *(void **)&rtc.name = dlsym(opened, #name);                                        \
    if (!rtc.name) {                                                                   \
        dlclose(opened);                                                               \
        return why_fail(why, STATUS_UNAVAILABLE,                                       \
                        "NVRTC is too old: it lacks %s; hint: CUDA 11.8 or newer", #name); \
    }
    NVRTC_SYMBOLS(X)
#undef X
    if (rtc.nvrtcVersion(&rtc.major, &rtc.minor) != NVRTC_SUCCESS) {
        dlclose(opened);
        return why_fail(why, STATUS_UNAVAILABLE, "NVRTC does not say its version");
    }
    if (rtc.major > newest_major()) {
        dlclose(opened);
        return why_fail(why, STATUS_UNAVAILABLE,
                        "NVRTC %d crashes on a libcuda.so.1 without cuGetExportTable; hint: another "
                        "driver, or the NVRTC of CUDA %d", rtc.major, newest_major());
    }
    library = opened;
    return 0;
}

int cuda_compiler_version(struct name *version, struct why *why)
{
    int status = load(why);

    if (!status)
        snprintf(version->text, sizeof version->text, "%d.%d", rtc.major, rtc.minor);
    return status;
}

/* Of NVRTC's architectures the oldest, the newest, the nearest that is not above `capability`, and
 * whether `wanted` is one. */
struct range {
    int oldest, newest, nearest;
    bool is_known;
};

static int range_find(struct range *range, int capability, int wanted, struct why *why)
{
    int arch[64], archs = 0, status = load(why);

    *range = (struct range){0};
    if (status)
        return status;
    if (rtc.nvrtcGetNumSupportedArchs(&archs) != NVRTC_SUCCESS || archs <= 0 ||
        archs > (int)(sizeof arch / sizeof *arch) ||
        rtc.nvrtcGetSupportedArchs(arch) != NVRTC_SUCCESS)
        return why_fail(why, STATUS_UNAVAILABLE, "NVRTC does not say what it compiles for");
    for (int i = 0; i < archs; i++) {
        range->oldest = range->oldest == 0 || arch[i] < range->oldest ? arch[i] : range->oldest;
        range->newest = arch[i] > range->newest ? arch[i] : range->newest;
        range->is_known |= arch[i] == wanted;
        if (arch[i] <= capability && arch[i] > range->nearest)
            range->nearest = arch[i];
    }
    return 0;
}

/* A target that the user names: as it is, where NVRTC knows it and the GPU is not older. */
static int target_wished(const char *wish, int capability, struct name *target, struct why *why)
{
    struct range range;
    int number, status;

    if (!cuda_compiler_is_target(wish))
        return why_fail(why, STATUS_INVALID,
                        "'%.40s' is no CUDA architecture; hint: sm_NN for machine code, "
                        "compute_NN for PTX, such as compute_80", wish);
    number = atoi(strchr(wish, '_') + 1);
    status = range_find(&range, capability, number, why);
    if (status)
        return status;
    if (!range.is_known)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "NVRTC %d.%d does not compile for '%.40s'; hint: --cuda-arch names one "
                        "between compute_%d and compute_%d, or another toolkit's NVRTC comes first "
                        "in LD_LIBRARY_PATH", rtc.major, rtc.minor, wish, range.oldest, range.newest);
    if (capability > 0 && number > capability)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "code for '%.40s' does not run on this GPU (compute capability %d.%d); hint: "
                        "--cuda-arch compute_%d, or none", wish, capability / 10, capability % 10,
                        range.nearest ? range.nearest : range.oldest);
    snprintf(target->text, sizeof target->text, "%s", wish);
    return 0;
}

int cuda_compiler_target(int capability, enum evidence evidence, struct name *target,
                         struct why *why)
{
    const char *wish = getenv("OFFLOAD_BENCH_CUDA_ARCH");
    struct range range;
    int status;

    if (wish && *wish)
        return target_wished(wish, capability, target, why);
    if (capability <= 0)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "the driver does not tell the GPU's compute capability; hint: --cuda-arch "
                        "compute_NN names it");
    status = range_find(&range, capability, 0, why);
    if (status)
        return status;
    if (range.nearest == 0)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "NVRTC %d.%d compiles for compute capability %d.%d and newer, this GPU "
                        "has %d.%d; hint: the NVRTC of an older CUDA toolkit, first in "
                        "LD_LIBRARY_PATH", rtc.major, rtc.minor, range.oldest / 10,
                        range.oldest % 10, capability / 10, capability % 10);
    snprintf(target->text, sizeof target->text, "%s_%d",
             range.nearest == capability && evidence == EVIDENCE_MEASURED ? "sm" : "compute",
             range.nearest);
    return 0;
}

/* ---- compiling ------------------------------------------------------------------------- */

/* First line of the log that names an error, else its first line. */
static int compile_failed(nvrtcProgram program, nvrtcResult result, const char *name,
                          struct why *why)
{
    char *log = NULL;
    const char *line;
    size_t n = 0;
    int status;

    if (rtc.nvrtcGetProgramLogSize(program, &n) == NVRTC_SUCCESS && n > 0)
        log = calloc(n + 1, 1);
    if (log && rtc.nvrtcGetProgramLog(program, log) != NVRTC_SUCCESS)
        log[0] = '\0';
    line = log ? strstr(log, "error") : NULL;
    while (line && line > log && line[-1] != '\n')
        line--;
    line = line ? line : log && *log ? log : rtc.nvrtcGetErrorString(result);
    status = why_fail(why, STATUS_DEVICE, "kernel '%s' does not compile: %.*s", name,
                      (int)strcspn(line, "\n"), line);
    free(log);
    return status;
}

/* Machine code for "sm_...", PTX (with its NUL) for "compute_...". */
static nvrtcResult take_code(nvrtcProgram program, const char *target, struct text *code)
{
    bool is_machine = strncmp(target, "sm_", 3) == 0;
    size_t n = 0;
    nvrtcResult result = is_machine ? rtc.nvrtcGetCUBINSize(program, &n)
                                    : rtc.nvrtcGetPTXSize(program, &n);
    char *bytes;

    if (result != NVRTC_SUCCESS)
        return result;
    bytes = calloc(n + 1, 1);
    if (!bytes)
        return NVRTC_ERROR_OUT_OF_MEMORY;
    result = is_machine ? rtc.nvrtcGetCUBIN(program, bytes) : rtc.nvrtcGetPTX(program, bytes);
    if (result == NVRTC_SUCCESS)
        text_add_bytes(code, bytes, is_machine ? n : strlen(bytes));
    free(bytes);
    return code->failed ? NVRTC_ERROR_OUT_OF_MEMORY : result;
}

bool cuda_compiler_age(struct text *ptx)
{
    static const char oldest[] = "7.8";
    char *version = ptx->n > 0 ? strstr(ptx->data, ".version ") : NULL;
    const char *target = version ? strstr(version, ".target sm_") : NULL;
    size_t at = strlen(".version "), n = strlen(oldest);

    if (!target || atoi(target + strlen(".target sm_")) > 90 ||
        strspn(version + at, "0123456789.") != n || strncmp(version + at, oldest, n) <= 0)
        return false;
    memcpy(version + at, oldest, n);
    return true;
}

/* Words of `text`, which is cut in place. */
static int split(char *text, const char **option, int most)
{
    char *rest = text, *word;
    int n = 0;

    while (n < most && (word = strtok_r(rest, " ", &rest)))
        option[n++] = word;
    return n;
}

static int compile_anew(const char *source, const char *name, const char *target, char *options,
                        struct text *code, struct why *why)
{
    static const char *const include = "dialect_cuda.h";
    const char *option[OPTIONS], *header = embedded_find("devices/dialect_cuda.h")->text;
    char arch[80];
    nvrtcProgram program = NULL;
    nvrtcResult result;
    int n = 0, status = 0;

    snprintf(arch, sizeof arch, "--gpu-architecture=%s", target);
    option[n++] = arch;
    option[n++] = "--disable-warnings"; /* the dialect has functions for every kernel */
    n += split(options, option + n, OPTIONS - n);
    result = rtc.nvrtcCreateProgram(&program, source, "device.cu", 1, &header, &include);
    if (result == NVRTC_SUCCESS)
        result = rtc.nvrtcCompileProgram(program, n, option);
    if (result == NVRTC_ERROR_COMPILATION)
        status = compile_failed(program, result, name, why);
    else if (result == NVRTC_SUCCESS)
        result = take_code(program, target, code);
    if (!status && result != NVRTC_SUCCESS)
        status = why_fail(why, STATUS_DEVICE, "kernel '%s' does not compile for %s: %s", name,
                          target, rtc.nvrtcGetErrorString(result));
    if (program && rtc.nvrtcDestroyProgram(&program) != NVRTC_SUCCESS && !status)
        status = why_fail(why, STATUS_DEVICE, "NVRTC cannot let go of '%s'", name);
    return status;
}

int cuda_compile(const char *source, const char *name, const char *target, const char *options,
                 struct text *code, struct why *why)
{
    struct text whole = {0}, words = {0};
    struct name version;
    int status = cuda_compiler_version(&version, why);
    const char *const part[] = {"cuda", version.text, target, options,
                                embedded_find("devices/dialect.h")->text,
                                embedded_find("devices/dialect_cuda.h")->text, source, NULL};

    if (status || cache_read(part, code))
        return status;
    text_release(code); /* whatever a damaged entry left */
    text_printf(&whole, "%s\n#line 1\n%s", embedded_find("devices/dialect.h")->text, source);
    text_add(&words, options);
    if (whole.failed || words.failed || !words.data)
        status = why_fail(why, STATUS_MEMORY, "cannot compile '%s': out of memory", name);
    else
        status = compile_anew(whole.data, name, target, words.data, code, why);
    if (!status)
        cache_write(part, code->data, code->n);
    text_release(&whole);
    text_release(&words);
    return status;
}

#endif
