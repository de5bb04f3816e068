/* SPDX-License-Identifier: MIT */
/* One symbol table for all probes that use CUPTI. A library in use is never closed: it hooks
 * into the driver and keeps state of the process. */
#include "probes/cupti_library.h"

#include <stddef.h>

#ifndef HAVE_CUPTI

const struct cupti *cupti_library(const char *root, struct why *why)
{
    (void)root;
    why_fail(why, STATUS_UNAVAILABLE,
             "built without the headers of CUPTI; hint: install the CUDA toolkit with CUPTI "
             "(make CUDA_HOME=...), then make");
    return NULL;
}

const char *cupti_version(const struct cupti *cupti)
{
    (void)cupti;
    return "";
}

#else

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/cupti_symbols.h"

static const char *const names[] = {"libcupti.so.13",   "libcupti.so.12",   "libcupti.so.11.8",
                                    "libcupti.so.11.7", "libcupti.so.11.6", "libcupti.so"};
static const char *const folders[] = {"lib64", "lib", "extras/CUPTI/lib64"};

#ifdef HAVE_COUNTERS
enum { HAS_COUNTERS = 1 };
#else
enum { HAS_COUNTERS = 0 };
#endif
enum { NAMES = sizeof names / sizeof *names, FOLDERS = sizeof folders / sizeof *folders };

static void *try_open(struct cupti *cupti, const char *path)
{
    cupti->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (cupti->library)
        snprintf(cupti->version, sizeof cupti->version, "%.120s", path);
    return cupti->library;
}

static void *open_below(struct cupti *cupti, const char *home)
{
    char path[512];

    for (int f = 0; home && f < FOLDERS; f++)
        for (int n = 0; n < NAMES; n++) {
            snprintf(path, sizeof path, "%s/%s/%s", home, folders[f], names[n]);
            if (try_open(cupti, path))
                return cupti->library;
        }
    return NULL;
}

static void *open_library(struct cupti *cupti, const char *root)
{
    char path[600];

    if (strcmp(root, "/") != 0) {
        snprintf(path, sizeof path, "%s/usr/lib/libcupti.so", root);
        return try_open(cupti, path);
    }
    for (int n = 0; n < NAMES; n++)
        if (try_open(cupti, names[n]))
            return cupti->library;
    if (open_below(cupti, getenv("CUDA_HOME")))
        return cupti->library;
    return open_below(cupti, "/usr/local/cuda");
}

static int load(struct cupti *cupti, const char *root, struct why *why)
{
    uint32_t version = 0;
    size_t n;

    if (!open_library(cupti, root))
        return why_fail(why, STATUS_UNAVAILABLE,
                        "cannot open libcupti.so; hint: install CUPTI of the CUDA toolkit "
                        "(cuda-cupti-13-0), or set CUDA_HOME to the toolkit");
#define X(name) *(void **)&cupti->name = dlsym(cupti->library, "cupti" #name);
    CUPTI_ACTIVITY_MAP(X)
    CUPTI_COUNTERS_MAP(X)
#undef X
#define X(name) &&cupti->name
    cupti->has_counters = HAS_COUNTERS CUPTI_COUNTERS_MAP(X);
    if (!(1 CUPTI_ACTIVITY_MAP(X)))
        return why_fail(why, STATUS_UNAVAILABLE, "'%s' lacks a function of CUPTI 11",
                        cupti->version);
#undef X
    cupti->GetVersion(&version);
    n = strlen(cupti->version);
    snprintf(cupti->version + n, sizeof cupti->version - n, " (API %u)", (unsigned)version);
    return 0;
}

const struct cupti *cupti_library(const char *root, struct why *why)
{
    static struct cupti kept;
    struct cupti found = {.library = NULL};

    if (kept.library && strcmp(kept.root, root) == 0)
        return &kept;
    snprintf(found.root, sizeof found.root, "%s", root);
    if (load(&found, root, why) != 0) {
        if (found.library)
            dlclose(found.library);
        return NULL;
    }
    kept = found;
    return &kept;
}

const char *cupti_version(const struct cupti *cupti)
{
    return cupti->version;
}

/* Results that a user can do something about, or must live with. */
static const struct remedy {
    CUptiResult result;
    const char *sentence;
} remedies[] = {
    {CUPTI_ERROR_INSUFFICIENT_PRIVILEGES,
     "no permission (ERR_NVGPUCTRPERM); hint: NVreg_RestrictProfilingToAdminUsers=0 for module "
     "nvidia, then reboot; or be root"},
    {CUPTI_ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES,
     "the virtual GPU has no permission; hint: enable profiling in the vGPU manager"},
    {CUPTI_ERROR_HARDWARE_BUSY,
     "another profiler holds the GPU; hint: end ncu, nsys, or dcgmi profile --pause"},
    {CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED,
     "another profiler holds this process; hint: run without nsys, ncu or cuda-gdb"},
    {CUPTI_ERROR_NOT_SUPPORTED, "this GPU has no support for it"},
    {CUPTI_ERROR_INVALID_DEVICE, "this GPU has no support for it"},
    {CUPTI_ERROR_VIRTUALIZED_DEVICE_NOT_SUPPORTED, "virtual GPUs have no support for it"},
};

int cupti_fail(const struct cupti *cupti, CUptiResult result, const char *what,
               struct why *why)
{
    const char *text = NULL;

    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
        if (remedies[i].result == result)
            return why_fail(why, STATUS_UNAVAILABLE, "CUPTI cannot %s: %s", what,
                            remedies[i].sentence);
    cupti->GetResultString(result, &text);
    return why_fail(why, STATUS_UNAVAILABLE, "CUPTI cannot %s: %s", what,
                    text ? text : "unknown error");
}

#endif
