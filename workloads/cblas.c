/* SPDX-License-Identifier: MIT */
/* Which CBLAS libraries there are and how each is found, told its threads and asked its
 * version. They export the same names, so each is opened RTLD_LOCAL and reached through its
 * own table. Debian keeps them side by side in folders of their own; a plain soname would
 * give whichever one `update-alternatives` chose. */
#include "workloads/cblas.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads/workload.h"

static const char *const openblas_path[] = {
    "/usr/lib/*/openblas-pthread/libopenblas.so.0",
    "/usr/lib/*/openblas-openmp/libopenblas.so.0",
    "/usr/lib/*/openblas-serial/libopenblas.so.0",
    "libopenblas.so.0", "libopenblas.so", NULL};
static const char *const blis_path[] = {
    "/usr/lib/*/blis-openmp/libblis.so.*", "/usr/lib/*/blis-pthread/libblis.so.*",
    "/usr/lib/*/blis-serial/libblis.so.*", "libblis.so.4", "libblis.so", NULL};
static const char *const mkl_path[] = {
    "/opt/intel/oneapi/mkl/latest/lib/libmkl_rt.so.*",
    "/opt/intel/oneapi/mkl/latest/lib/intel64/libmkl_rt.so.*", "/usr/lib/*/libmkl_rt.so",
    "libmkl_rt.so.2", "libmkl_rt.so", NULL};
static const char *const aocl_path[] = {
    "/opt/AMD/aocl/*/gcc/lib_LP64/libblis-mt.so*", "/opt/AMD/aocl/*/gcc/lib/libblis-mt.so*",
    "libblis-mt.so.5", "libblis-mt.so.4", "libblis-mt.so", NULL};

static int openblas_accept(void *library, struct why *why)
{
    char *(*config)(void);

    *(void **)&config = dlsym(library, "openblas_get_config");
    if (config && strstr(config(), "USE64BITINT"))
        return why_fail(why, STATUS_UNAVAILABLE, "it is built with 64-bit integers");
    return 0;
}

static void openblas_version(void *library, char *out, size_t size)
{
    char *(*config)(void), *(*core)(void);

    *(void **)&config = dlsym(library, "openblas_get_config");
    *(void **)&core = dlsym(library, "openblas_get_corename");
    snprintf(out, size, "%s", config ? config() : "OpenBLAS");
    if (core && !strstr(out, core()))
        snprintf(out + strlen(out), size - strlen(out), " core %s", core());
}

static int blis_accept(void *library, struct why *why)
{
    ptrdiff_t (*bits)(void);

    *(void **)&bits = dlsym(library, "bli_info_get_blas_int_type_size");
    if (bits && bits() != 32)
        return why_fail(why, STATUS_UNAVAILABLE, "it is built with %d-bit integers", (int)bits());
    return 0;
}

static void blis_version(void *library, char *out, size_t size)
{
    char *(*version)(void), *(*arch)(int);
    int (*id)(void);

    *(void **)&version = dlsym(library, "bli_info_get_version_str");
    *(void **)&arch = dlsym(library, "bli_arch_string");
    *(void **)&id = dlsym(library, "bli_arch_query_id");
    snprintf(out, size, "BLIS %s%s%s", version ? version() : "", arch && id ? " core " : "",
             arch && id ? arch(id()) : "");
}

/* libmkl_rt chooses its layers at the first call: 32-bit integers, and the OpenMP runtime
 * that this program already holds rather than a second one. */
static int mkl_accept(void *library, struct why *why)
{
    int (*interface)(int), (*threading)(int);
    enum { INTERFACE_LP64 = 0, THREADING_GNU = 3 };

    *(void **)&interface = dlsym(library, "MKL_Set_Interface_Layer");
    *(void **)&threading = dlsym(library, "MKL_Set_Threading_Layer");
    if (interface && interface(INTERFACE_LP64) != INTERFACE_LP64)
        return why_fail(why, STATUS_UNAVAILABLE, "it cannot be set to 32-bit integers");
    if (threading && !getenv("MKL_THREADING_LAYER"))
        threading(THREADING_GNU);
    return 0;
}

static void mkl_version(void *library, char *out, size_t size)
{
    void (*version)(char *, int);

    snprintf(out, size, "Intel MKL");
    *(void **)&version = dlsym(library, "MKL_Get_Version_String");
    if (version)
        version(out, (int)size);
    out[size - 1] = '\0';
    for (size_t n = strlen(out); n > 0 && out[n - 1] == ' '; n--)
        out[n - 1] = '\0';
}

struct cblas cblas[CBLAS_LIBRARIES] = {
    [CBLAS_OPENBLAS] = {.name = "OpenBLAS", .install = "libopenblas0-pthread",
                        .path = openblas_path, .symbol_threads = "openblas_set_num_threads",
                        .accept = openblas_accept, .version = openblas_version},
    [CBLAS_BLIS] = {.name = "BLIS", .install = "libblis4-openmp", .path = blis_path,
                    .symbol_threads = "bli_thread_set_num_threads", .threads_wide = 1,
                    .accept = blis_accept, .version = blis_version},
    [CBLAS_MKL] = {.name = "MKL", .install = "intel-mkl (or Intel's oneAPI MKL)",
                   .path = mkl_path, .symbol_threads = "MKL_Set_Num_Threads",
                   .accept = mkl_accept, .version = mkl_version},
    [CBLAS_AOCL] = {.name = "AOCL-BLAS", .install = "AMD's AOCL (aocl-linux-gcc)",
                    .path = aocl_path, .symbol_threads = "bli_thread_set_num_threads",
                    .threads_wide = 1, .accept = blis_accept, .version = blis_version},
};

/* The first of the library's files that opens. */
static void *open_first(const char *const *path)
{
    void *library = NULL;

    for (; *path && !library; path++) {
        glob_t files = {0};

        if ((*path)[0] != '/')
            library = dlopen(*path, RTLD_NOW | RTLD_LOCAL);
        else if (glob(*path, 0, NULL, &files) == 0)
            for (size_t i = 0; i < files.gl_pathc && !library; i++)
                library = dlopen(files.gl_pathv[i], RTLD_NOW | RTLD_LOCAL);
        globfree(&files);
    }
    return library;
}

static int resolve(struct cblas *b, void *library, struct why *why)
{
    b->set_threads.symbol = dlsym(library, b->symbol_threads);
    if (!b->set_threads.symbol)
        return why_fail(why, STATUS_UNAVAILABLE, "it lacks %s", b->symbol_threads);
#define X(result, function, arguments)                                                 \
    *(void **)&b->function = dlsym(library, "cblas_" #function);                       \
    if (!b->function)                                                                  \
        return why_fail(why, STATUS_UNAVAILABLE, "it lacks cblas_" #function);
    CBLAS_FUNCTIONS(X)
#undef X
    return b->accept(library, why);
}

int cblas_open(struct cblas *b, struct why *why)
{
    struct why cause = {{0}};
    void *library;

    if (b->library)
        return 0;
    if (b->missing.text[0])
        return why_fail(why, STATUS_UNAVAILABLE, "%s", b->missing.text);
    /* An idle worker of OpenBLAS spins for 2^26 cycles, on the core of whatever is measured
     * next; 2^20 cycles still cover the gap between calls that follow each other. */
    setenv("OPENBLAS_THREAD_TIMEOUT", "20", 0);
    library = open_first(b->path);
    if (!library) {
        why_fail(&b->missing, STATUS_UNAVAILABLE, "%s is not installed; hint: install %s",
                 b->name, b->install);
    } else if (resolve(b, library, &cause) != 0) {
        why_fail(&b->missing, STATUS_UNAVAILABLE, "%s cannot be used: %s; hint: install %s",
                 b->name, cause.text, b->install);
        dlclose(library);
    } else {
        b->library = library;
        b->version(library, b->text, sizeof b->text);
        return 0;
    }
    return why_fail(why, STATUS_UNAVAILABLE, "%s", b->missing.text);
}

int cblas_available(const struct variant *v, struct why *why)
{
    return cblas_open((struct cblas *)v->data, why);
}

const struct cblas *cblas_use(const void *variant_data, int threads)
{
    struct cblas *b = (struct cblas *)variant_data;

    if (b->threads != threads) {
        if (b->threads_wide)
            b->set_threads.wide(threads);
        else
            b->set_threads.narrow(threads);
        b->threads = threads;
    }
    return b;
}
