/* SPDX-License-Identifier: MIT */
/* One engine and one stream serve the program. The types come from the header that this was built
 * with, so no other major version will do. */
#include "workloads/dnnl_library.h"

#ifdef DNNL_IS_BUILT_IN

#include <dlfcn.h>
#include <stdio.h>

static struct dnnl library;
const struct dnnl *const dnnl = &library;
static char version_text[120];

int dnnl_fail(struct why *why, dnnl_status_t status, const char *what)
{
    if (status == dnnl_unimplemented)
        return why_fail(why, STATUS_UNAVAILABLE,
                        "oneDNN has no %s for this dtype and layout on this processor", what);
    return why_fail(why, status == dnnl_out_of_memory ? STATUS_MEMORY : STATUS_DEVICE,
                    "oneDNN %s: %s", what, library.status2str(status));
}

static int load_symbols(struct why *why)
{
    static void *opened;
    char soname[40];

    if (opened)
        return 0;
    snprintf(soname, sizeof soname, "libdnnl.so.%d", DNNL_VERSION_MAJOR);
    opened = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (!opened)
        return why_fail(why, STATUS_UNAVAILABLE, "oneDNN (%s) is not installed; hint: install "
                        "libdnnl%d", soname, DNNL_VERSION_MAJOR);
#define X(name)                                                                        \
    *(void **)&library.name = dlsym(opened, "dnnl_" #name);                            \
    if (!library.name) {                                                               \
        dlclose(opened);                                                               \
        opened = NULL;                                                                 \
        return why_fail(why, STATUS_UNAVAILABLE, "oneDNN cannot be used: %s lacks %s", \
                        soname, "dnnl_" #name);                                        \
    }
    DNNL_SYMBOLS(X)
#undef X
    return 0;
}

static const char *isa_text(void)
{
    switch (library.get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: return "SSE4.1";
    case dnnl_cpu_isa_avx: return "AVX";
    case dnnl_cpu_isa_avx2: return "AVX2";
    case dnnl_cpu_isa_avx512_core: return "AVX-512";
    case dnnl_cpu_isa_avx512_core_vnni: return "AVX-512 VNNI";
    case dnnl_cpu_isa_avx512_core_bf16: return "AVX-512 BF16";
    default: return "other";
    }
}

int onednn_available(const struct variant *v, struct why *why)
{
    const dnnl_version_t *version;
    int status;

    (void)v;
    if (library.stream)
        return 0;
    if ((status = load_symbols(why)))
        return status;
    if (!library.engine)
        DNNL_TRY(library.engine_create(&library.engine, dnnl_cpu, 0), "engine");
    DNNL_TRY(library.stream_create(&library.stream, library.engine, dnnl_stream_default_flags),
             "stream");
    version = library.version();
    snprintf(version_text, sizeof version_text, "oneDNN %d.%d.%d ISA %s", version->major,
             version->minor, version->patch, isa_text());
    return 0;
}

const char *onednn_version(void)
{
    return version_text;
}

#else

#ifdef HAVE_DNNL
#define MISSING "oneDNN is not built in: version 2 is needed and another was found; hint: install libdnnl-dev 2.x and build again"
#else
#define MISSING "oneDNN is not built in; hint: install libdnnl-dev and build again"
#endif

int onednn_available(const struct variant *v, struct why *why)
{
    (void)v;
    return why_fail(why, STATUS_UNAVAILABLE, MISSING);
}

const char *onednn_version(void)
{
    return "";
}

#endif
