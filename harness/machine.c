/* SPDX-License-Identifier: MIT */
/* The machine, as far as it decides what a measured time means. Everything comes from
 * files of the kernel, so that a test can show it another machine. */
#include "harness/machine.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sysfs.h"
#include "harness/noise.h"
#include "workloads/isa.h"
#include "workloads/provider.h"

#define CPU "/sys/devices/system/cpu"

#ifndef OFFLOAD_BENCH_FLAGS
#define OFFLOAD_BENCH_FLAGS "unknown"
#endif

extern char **environ;

static void set_text(json_t *machine, const char *key, const char *value)
{
    if (value[0])
        json_object_set_new(machine, key, json_string(value));
}

static void set_number(json_t *machine, const char *key, double value)
{
    if (!isnan(value))
        json_object_set_new(machine, key,
                            value == floor(value) ? json_integer((json_int_t)value)
                                                  : json_real(value));
}

static void set_value(json_t *machine, const char *key, const char *root,
                      const char *path, const char *name)
{
    char value[512];

    if (sysfs_value(root, path, name, value, sizeof value))
        set_text(machine, key, value);
}

/* Logical CPUs this process may use, and how many cores they are: each core counted at
 * the first of its hardware threads. */
static void read_cpus(json_t *machine, const char *root)
{
    cpu_set_t allowed;
    char siblings[256], seen[CPU_SETSIZE] = {0};
    int cpus = 0, cores = 0;

    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        long first;

        if (!CPU_ISSET(cpu, &allowed))
            continue;
        cpus++;
        if (!sysfs_line(root, siblings, sizeof siblings,
                        CPU "/cpu%d/topology/thread_siblings_list", cpu))
            continue;
        first = strtol(siblings, NULL, 10);
        if (first >= 0 && first < CPU_SETSIZE && !seen[first]++)
            cores++;
    }
    set_number(machine, "cpus", cpus);
    if (cores)
        set_number(machine, "cores", cores);
}

/* The instruction sets that matter to numerical code, of the hundred or so flags. */
static void read_flags(json_t *machine, const char *root)
{
    static const char *const matters[] = {
        "sse4_2",      "avx",      "avx2",     "fma",         "f16c",
        "avx512f",     "avx512bw", "avx512vl", "avx512_bf16", "avx512_fp16",
        "avx512_vnni", "avx_vnni", "amx_tile", "amx_bf16",    "amx_int8",
        "asimd",       "sve",      "sve2",     "bf16",        "i8mm"};
    char flags[16384], kept[512] = "", word[64];
    size_t used = 0;

    flags[0] = ' ';
    if (!sysfs_value(root, "/proc/cpuinfo", "flags", flags + 1, sizeof flags - 2) &&
        !sysfs_value(root, "/proc/cpuinfo", "Features", flags + 1, sizeof flags - 2))
        return;
    strcat(flags, " ");
    for (size_t i = 0; i < sizeof matters / sizeof *matters; i++) {
        snprintf(word, sizeof word, " %s ", matters[i]);
        if (strstr(flags, word))
            used += (size_t)snprintf(kept + used, sizeof kept - used, "%s%s",
                                     used ? " " : "", matters[i]);
    }
    set_text(machine, "cpu_flags", kept);
}

/* "L1d 48K, L2 1024K, L3 32768K" of the first CPU. */
static void read_caches(json_t *machine, const char *root)
{
    char out[256] = "", level[16], type[32], size[32];
    size_t used = 0;

    for (int i = 0; i < 8 && used < sizeof out - 40; i++) {
        if (!sysfs_line(root, level, sizeof level, CPU "/cpu0/cache/index%d/level",
                        i) ||
            !sysfs_line(root, type, sizeof type, CPU "/cpu0/cache/index%d/type", i) ||
            !sysfs_line(root, size, sizeof size, CPU "/cpu0/cache/index%d/size", i) ||
            strcmp(type, "Instruction") == 0)
            continue;
        used += (size_t)snprintf(out + used, sizeof out - used, "%sL%s%s %s",
                                 used ? ", " : "", level,
                                 strcmp(type, "Data") == 0 ? "d" : "", size);
    }
    set_text(machine, "caches", out);
}

static double memory_bytes(const char *root, const char *key)
{
    char value[64];

    return sysfs_value(root, "/proc/meminfo", key, value, sizeof value)
               ? 1024 * strtod(value, NULL)
               : NAN;
}

/* "always [madvise] never" -> "madvise", and how many 2 MiB pages are set aside. */
static void read_huge_pages(json_t *machine, const char *root)
{
    char line[128], *from, *to, reserved[32] = "0";

    sysfs_value(root, "/proc/meminfo", "HugePages_Total", reserved, sizeof reserved);
    if (!sysfs_line(root, line, sizeof line,
                    "/sys/kernel/mm/transparent_hugepage/enabled") ||
        !(from = strchr(line, '[')) || !(to = strchr(from, ']')))
        return;
    *to = '\0';
    json_object_set_new(
        machine, "huge_pages",
        json_sprintf("transparent: %s; reserved: %s", from + 1, reserved));
}

/* Limits of the control group, version 2 below `group`, else version 1. */
static void read_quota(json_t *machine, const char *root)
{
    char line[128];
    double quota, period, limit;

    if (sysfs_line(root, line, sizeof line, "/sys/fs/cgroup/cpu.max") &&
        sscanf(line, "%lf %lf", &quota, &period) == 2 && period > 0)
        set_number(machine, "cpus_quota", quota / period);
    quota = sysfs_number(root, "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    period = sysfs_number(root, "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (quota > 0 && period > 0) /* -1: no limit */
        set_number(machine, "cpus_quota", quota / period);
    limit = sysfs_number(root, "/sys/fs/cgroup/memory.max"); /* "max" is no number */
    if (isnan(limit))
        limit = sysfs_number(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes");
    if (limit < memory_bytes(root, "MemTotal"))
        set_number(machine, "memory_limit_bytes", limit);
}

static void read_hypervisor(json_t *machine, const char *root)
{
    char flags[16384], vendor[100] = "", product[100] = "";

    if (!sysfs_value(root, "/proc/cpuinfo", "flags", flags, sizeof flags))
        return;
    if (!strstr(flags, " hypervisor")) {
        set_text(machine, "hypervisor", "none");
        return;
    }
    sysfs_line(root, vendor, sizeof vendor, "/sys/class/dmi/id/sys_vendor");
    sysfs_line(root, product, sizeof product, "/sys/class/dmi/id/product_name");
    json_object_set_new(machine, "hypervisor",
                        json_sprintf("yes%s%s%s%s", vendor[0] ? ": " : "", vendor,
                                     product[0] ? " " : "", product));
}

/* "0", "0-1", "0,2-3": how many. */
static int list_count(const char *list)
{
    int n = 0;

    while (*list) {
        char *end;
        long first = strtol(list, &end, 10), last = first;

        if (end == list)
            break;
        if (*end == '-')
            last = strtol(end + 1, &end, 10);
        n += (int)(last - first + 1);
        list = *end == ',' ? end + 1 : end;
    }
    return n;
}

static void read_governor(json_t *machine, const char *root)
{
    char line[256];

    if (sysfs_line(root, line, sizeof line, CPU "/cpu0/cpufreq/scaling_governor"))
        set_text(machine, "governor", line);
    if (sysfs_line(root, line, sizeof line, "/sys/devices/system/node/online"))
        set_number(machine, "numa_nodes", list_count(line));
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv). */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static void set_fingerprint(json_t *machine)
{
    static const char *const stable[] = {"cpu_model",  "cpus",      "cores",
                                         "cpus_quota", "cpu_flags", "caches",
                                         "numa_nodes", "hypervisor"};
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    json_t *bytes = json_object_get(machine, "memory_bytes");
    char text[32];

    for (size_t i = 0; i < sizeof stable / sizeof *stable; i++) {
        char *value = json_dumps(json_object_get(machine, stable[i]), JSON_ENCODE_ANY);

        hash = hash_text(hash_text(hash, value ? value : "-"), "\n");
        free(value);
    }
    /* whole GiB: kernels reserve a little more or less from boot to boot */
    snprintf(text, sizeof text, "%.0f", round(json_number_value(bytes) / 0x1p30));
    json_object_set_new(machine, "fingerprint",
                        json_sprintf("%016" PRIx64, hash_text(hash, text)));
}

json_t *machine_read(const char *root)
{
    json_t *machine = json_object();
    char line[256];

    set_value(machine, "cpu_model", root, "/proc/cpuinfo", "model name");
    read_cpus(machine, root);
    read_quota(machine, root);
    read_flags(machine, root);
    read_caches(machine, root);
    read_governor(machine, root);
    set_number(machine, "memory_bytes", memory_bytes(root, "MemTotal"));
    set_number(machine, "memory_available_bytes", memory_bytes(root, "MemAvailable"));
    read_huge_pages(machine, root);
    set_value(machine, "os", root, "/etc/os-release", "PRETTY_NAME");
    if (sysfs_line(root, line, sizeof line, "/proc/version"))
        json_object_set_new(machine, "kernel",
                            json_sprintf("%.*s", (int)strcspn(line, "(") - 1, line));
    read_hypervisor(machine, root);
    if (sysfs_line(root, line, sizeof line, "/proc/loadavg"))
        set_text(machine, "load_average", line);
    set_fingerprint(machine);
    return machine;
}

/* Variables that change what a library or the OpenMP runtime does. */
static json_t *describe_environment(void)
{
    static const char *const prefix[] = {
        "OMP_",    "GOMP_",          "KMP_",       "OPENBLAS_",      "GOTO_",
        "BLIS_",   "BLAS_",          "MKL_",       "DNNL_",          "ONEDNN_",
        "POCL_",   "OCL_",           "CUDA_",      "NVIDIA_",        "OFFLOAD_BENCH_",
        "MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD", "LD_LIBRARY_PATH"};
    json_t *out = json_object();

    for (char **e = environ; *e; e++)
        for (size_t i = 0; i < sizeof prefix / sizeof *prefix; i++) {
            const char *equals = strchr(*e, '=');
            char name[128];

            if (!equals || strncmp(*e, prefix[i], strlen(prefix[i])) != 0)
                continue;
            snprintf(name, sizeof name, "%.*s", (int)(equals - *e), *e);
            json_object_set_new(out, name, json_string(equals + 1));
            break;
        }
    return out;
}

static json_t *describe_libraries(void)
{
    struct provider_row row[PROVIDERS_MOST];
    int rows = provider_list(row, PROVIDERS_MOST);
    json_t *out = json_array();

    for (int i = 0; i < rows; i++)
        json_array_append_new(
            out, json_pack("{ssss}", "name", row[i].name,
                           row[i].is_found ? "version" : "missing",
                           row[i].is_found ? row[i].version : row[i].missing.text));
    return out;
}

json_t *machine_describe(void)
{
    json_t *machine = machine_read("/");

    set_text(machine, "isa", isa_name(isa_best()));
    json_object_set_new(machine, "noise", noise_read(0.05));
    set_text(machine, "compiler", __VERSION__);
    set_text(machine, "flags", OFFLOAD_BENCH_FLAGS);
    json_object_set_new(machine, "environment", describe_environment());
    json_object_set_new(machine, "libraries", describe_libraries());
    return machine;
}
