/* SPDX-License-Identifier: MIT */
/* The `doctor` sub-command: what can be measured here, what cannot and why, and the
 * command that would change it. It repairs nothing and always succeeds: a missing part
 * is normal. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/sysfs.h"
#include "base/text.h"
#include "devices/cuda_compiler.h"
#include "devices/device.h"
#include "devices/nvidia.h"
#include "harness/command.h"
#include "harness/machine.h"
#include "harness/process.h"
#include "probes/probe.h"
#include "projection/projection.h"
#include "report/report.h"
#include "suites/suite.h"
#include "workloads/provider.h"

/* Drivers of many GPUs take tens of seconds to open. */
static const double patience_s = 120;

enum mark_kind { GOOD, BAD, NOTE };

/* "  ✓ name  sentence", and what the user can do about it on a line of its own. */
static void say(enum mark_kind kind, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(enum mark_kind kind, const char *name, const char *format, ...)
{
    static const char *const mark[] = {[GOOD] = "✓", [BAD] = "✗", [NOTE] = "·"};
    char text[600], *hint;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    hint = strstr(text, "; hint: ");
    if (hint)
        *hint = '\0';
    printf("  %s %-12s %s\n", mark[kind], name, text);
    if (hint)
        printf("    %-12s → %s\n", "", hint + strlen("; hint: "));
}

static void see_devices(void)
{
    enum { MOST = 32 };
    struct device_row row[MOST];
    struct why missing[DEVICE_KINDS] = {{{0}}};
    int rows = device_list(row, MOST, missing), gpus = 0;

    puts("devices");
    for (int i = 0; i < rows; i++) {
        gpus += row[i].is_gpu && row[i].evidence == EVIDENCE_MEASURED;
        say(GOOD, row[i].id.text, "%s (%s)%s", row[i].model, row[i].driver,
            row[i].evidence == EVIDENCE_SOFTWARE
                ? ": proves that the device code is right, says nothing about GPUs"
                : "");
        if (row[i].lacks[0])
            say(NOTE, row[i].id.text, "%s", row[i].lacks);
    }
    for (int kind = 0; kind < DEVICE_KINDS; kind++)
        if (missing[kind].text[0])
            say(BAD, device_kind_name((enum device_kind)kind), "%s",
                missing[kind].text);
    for (const struct driver *const *d = drivers; *d; d++)
        if ((*d)->hides && (*d)->hides(&missing[(*d)->kind]))
            say(NOTE, device_kind_name((*d)->kind), "%s", missing[(*d)->kind].text);
    if (gpus == 0)
        say(NOTE, "no GPU",
            "verdicts rest on projections and say so; hint: run on a machine with a "
            "GPU and its driver to measure");
}

static void see_libraries(void)
{
    struct provider_row row[PROVIDERS_MOST];
    int rows = provider_list(row, PROVIDERS_MOST), status;
    struct name version;
    struct why why = {{0}};

    puts("libraries");
    status = cuda_compiler_version(&version, &why);
    say(status ? BAD : GOOD, "NVRTC", "%s", status ? why.text : version.text);
    for (int i = 0; i < rows; i++)
        say(row[i].is_found ? GOOD : BAD, row[i].name, "%s",
            row[i].is_found ? row[i].version : row[i].missing.text);
}

static void metrics_write(const struct metric *metric, int metrics, struct text *out)
{
    for (int m = 0; m < metrics; m++)
        text_printf(out, "%s%s", m ? ", " : "", metric[m].name);
}

static void see_probe(const struct probe *probe)
{
    const struct metric *metric;
    void *self;
    int metrics;
    struct why why = {{0}};
    struct text list = {0};

    if (probe->open(&self, "/", &metric, &metrics, &why) != 0) {
        say(BAD, probe->name, "%s", why.text);
        return;
    }
    metrics_write(metric, metrics, &list);
    say(GOOD, probe->name, "%s", list.data ? list.data : "");
    text_release(&list);
    probe->close(self);
}

/* A probe of counters opens without permission, and is refused when it counts. */
static void see_gpu_counters(void)
{
    struct why why;
    int status = nvidia_counters("/", &why);

    say(status ? BAD : GOOD, "GPU counters", "%s", why.text);
}

static void see_probes(void)
{
    puts("probes");
    for (const struct probe *const *p = probes; *p; p++)
        see_probe(*p);
    see_gpu_counters();
}

static bool path_search(const char *program, char *out, size_t size)
{
    const char *path = getenv("PATH");

    while (path && *path) {
        size_t n = strcspn(path, ":");

        snprintf(out, size, "%.*s/%s", (int)n, path, program);
        if (access(out, X_OK) == 0)
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

static void see_reports(void)
{
    char path[4096];

    puts("reports");
    if (path_search("gnuplot", path, sizeof path))
        say(GOOD, "gnuplot", "%s", path);
    else
        say(BAD, "gnuplot",
            "not found: reports have no plots, everything else is there; hint: apt "
            "install "
            "gnuplot-nox");
}

static void see_governor(const json_t *machine)
{
    const char *governor = json_string_value(json_object_get(machine, "governor"));

    if (!governor)
        say(NOTE, "governor", "the kernel shows none (usual in virtual machines)");
    else if (strcmp(governor, "performance") == 0)
        say(GOOD, "governor", "performance");
    else
        say(BAD, "governor",
            "'%s': clocks change while measuring; hint: sudo cpupower frequency-set -g "
            "performance",
            governor);
}

static void see_pages(void)
{
    char line[128];

    if (!sysfs_line("/", line, sizeof line,
                    "/sys/kernel/mm/transparent_hugepage/enabled"))
        say(BAD, "huge pages", "the kernel has no transparent huge pages");
    else if (strstr(line, "[never]"))
        say(BAD, "huge pages",
            "off: large buffers lie on 4 KiB pages; hint: echo madvise | sudo tee "
            "/sys/kernel/mm/transparent_hugepage/enabled");
    else
        say(GOOD, "huge pages", "transparent pages are on (%s)", line);
}

static void see_paranoia(void)
{
    double level = sysfs_number("/", "/proc/sys/kernel/perf_event_paranoid");

    if (isnan(level))
        say(BAD, "perf events", "the kernel has no perf events");
    else if (level > 2 && geteuid() != 0)
        say(BAD, "perf events",
            "kernel.perf_event_paranoid is %g: no counters for users; hint: sudo "
            "sysctl "
            "kernel.perf_event_paranoid=1",
            level);
    else
        say(GOOD, "perf events", "kernel.perf_event_paranoid is %g", level);
}

/* Settings that weaken a library make the CPU look slower than it is. */
static void see_environment(const json_t *machine)
{
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(machine, "environment"), name, value)
        if (environment_weakens(name))
            say(BAD, "environment",
                "%s=%s may make a CPU library slower than it is; hint: unset %s", name,
                json_string_value(value), name);
}

static void see_noise(const json_t *machine)
{
    const json_t *noise = json_object_get(machine, "noise");
    const char *reading = json_string_value(json_object_get(noise, "reading"));
    double quota = json_number_value(json_object_get(machine, "cpus_quota"));

    if (reading)
        say(strncmp(reading, "quiet", 5) == 0 ? GOOD : BAD, "noise", "%s", reading);
    if (quota > 0)
        say(NOTE, "CPU quota", "the control group allows %g CPUs", quota);
}

static void see_machine(void)
{
    json_t *machine = machine_describe();
    const char *cpu = json_string_value(json_object_get(machine, "cpu_model"));

    puts("machine");
    say(GOOD, "CPU", "%s: %d logical CPUs, our code uses %s",
        cpu ? cpu : "model unknown",
        (int)json_integer_value(json_object_get(machine, "cpus")),
        json_string_value(json_object_get(machine, "isa")));
    say(GOOD, "memory", "%.1f GiB, %.1f GiB available",
        json_number_value(json_object_get(machine, "memory_bytes")) / 0x1p30,
        json_number_value(json_object_get(machine, "memory_available_bytes")) / 0x1p30);
    see_governor(machine);
    see_pages();
    see_paranoia();
    see_noise(machine);
    see_environment(machine);
    json_decref(machine);
}

static void see_projections(void)
{
    int suites = 0, models = 0;

    for (const char *const *name = suite_names(); *name; name++)
        suites++;
    for (const char *const *name = model_names(); *name; name++)
        models++;
    puts("projections");
    say(GOOD, "GPUs",
        "%d in the catalogue (offload-bench list gpus), your own with --gpu FILE",
        gpu_count());
    say(GOOD, "suites",
        "%d, with %d models for the llm suite, your own with --model FILE", suites,
        models);
}

/* In a child: what a library does when it is opened or closed is not ours to foresee. */
static void see_all(int fd, void *to)
{
    (void)to;
    dup2(fd, STDOUT_FILENO);
    setvbuf(stdout, NULL, _IOLBF, 0); /* a crash leaves what stands before it */
    printf("offload-bench %s: what can be measured here\n", OFFLOAD_BENCH_VERSION);
    /* probes first: they count threads that start after them */
    see_probes();
    see_devices();
    see_libraries();
    see_reports();
    see_machine();
    see_projections();
}

int command_doctor(int argc, char **argv)
{
    struct text said = {0};
    struct why why = {{0}};
    int status;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        puts("usage: offload-bench doctor\n"
             "What can be measured here, and how to enable the rest. Changes nothing.");
        return EXIT_DONE;
    }
    if (argc > 1)
        return command_fail(EXIT_USAGE,
                            "doctor takes no argument such as '%s'; hint: "
                            "offload-bench doctor --help",
                            argv[1]);
    status = process_isolate(see_all, NULL, patience_s, &said, &why);
    if (said.data)
        fputs(said.data, stdout);
    text_release(&said);
    return status ? command_fail(EXIT_NOTHING, "what follows here was not reached: %s", why.text)
                  : EXIT_DONE;
}
