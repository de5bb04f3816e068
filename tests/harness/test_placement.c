/* SPDX-License-Identifier: MIT */
/* Placements on every device that is here and is no plain CPU: each gives the right result, its
 * rows add up to the call that they are of, and that call to whole ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/placement.h"
#include "report/stats.h"
#include "tests/emulator/faults.h"

enum { DEVICES = 16, THREADS = 2 };

static struct device host, device[DEVICES];
static int devices;

/* Make the emulated GPU the driver that dlopen finds by name, where it is built; what it finds
 * wrong, such as work that nothing orders, ends the test. */
static void load_emulator(void)
{
    char self[400] = "", path[500], *slash;

    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0 || !(slash = strrchr(self, '/')))
        return;
    *slash = '\0';
    snprintf(path, sizeof path, "%s/../../emulator/libcuda.so.1", self);
    setenv(EMULATOR_STRICT, "abort", 0);
    dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

/* Executing PTX instruction by instruction takes its time. */
static bool is_slow(const struct device *d)
{
    return d->kind == DEVICE_CUDA && d->row.evidence == EVIDENCE_SOFTWARE;
}

static int open_devices(void **state)
{
    struct device_row row[DEVICES];
    int rows = device_list(row, DEVICES, NULL);

    (void)state;
    for (int i = 0; i < rows; i++) {
        struct why why = {{0}};
        struct device *to = row[i].kind == DEVICE_CPU ? &host : &device[devices];

        if (device_open(to, row[i].id.text, &why) == 0)
            devices += row[i].kind != DEVICE_CPU;
    }
    return host.ops ? 0 : -1;
}

static int close_devices(void **state)
{
    (void)state;
    for (int i = 0; i < devices; i++)
        device_close(&device[i]);
    devices = 0;
    device_close(&host);
    return 0;
}

/* ---- results ----------------------------------------------------------------------------- */

struct seen {
    const struct trial *trial;
    int records, of[PLACEMENTS];
    /* Of those that took over a millisecond: how many, of how many the rows add up within 5 %,
     * and how far the call in parts is from the whole ones, at worst. */
    int timelines, good;
    double waiting[PLACEMENTS];
    double kernel; /* least share of the kernel's row where nothing is moved */
};

static void describe(void *to, struct record *r)
{
    (void)to;
    record_init(r);
}

static bool has(const struct record *r, enum ledger row)
{
    return r->ledger_ns[row] >= 0;
}

static void see(void *to, const struct record *r)
{
    struct seen *seen = to;
    const struct trial *t = seen->trial;
    bool moves = r->placement == PLACEMENT_EVERY || r->placement == PLACEMENT_ONCE;
    double whole_ns, sum_ns = 0;

    if (r->outcome != OUTCOME_OK)
        fail_msg("%s/%s on %s, %s from %s memory: %s (error %g of its bound)",
                 t->bench->workload->name, t->variant->name, t->device->row.id.text,
                 placement_name(r->placement), memory_name(r->memory), r->why.text, r->error);
    assert_int_equal(r->kind, RECORD_PLACEMENT);
    assert_true(r->error <= 1 && r->wall_ns.n > 0 && r->calls > 0);
    assert_true(has(r, LEDGER_LAUNCH) && has(r, LEDGER_SYNC));
    assert_int_equal(has(r, LEDGER_KERNEL), r->placement != PLACEMENT_OVERLAPPED);
    assert_true(!moves || (has(r, LEDGER_UPLOAD) && has(r, LEDGER_DOWNLOAD)));
    assert_int_equal(r->placement == PLACEMENT_ONCE, r->shared_ns >= 0);
    assert_int_equal(r->placement == PLACEMENT_OVERLAPPED, r->chunks > 1);
    whole_ns = stats_median(r->wall_ns.value, r->wall_ns.n);
    for (int i = 0; i < LEDGERS; i++)
        sum_ns += has(r, (enum ledger)i) ? r->ledger_ns[i] : 0;
    if (r->parts_ns > 1e6) {
        seen->timelines++;
        seen->good += fabs(r->parts_ns - sum_ns) <= 0.05 * r->parts_ns;
        seen->waiting[r->placement] = fmax(seen->waiting[r->placement],
                                           fabs(r->parts_ns - whole_ns) / whole_ns);
        if (r->placement == PLACEMENT_RESIDENT)
            seen->kernel = fmin(seen->kernel, r->ledger_ns[LEDGER_KERNEL] / r->parts_ns);
    }
    seen->records++;
    seen->of[r->placement]++;
}

static void place(const struct workload *w, const struct problem *p, struct device *d,
                  const struct placement_limits *limits, struct seen *seen)
{
    struct bench bench;
    struct why why = {{0}};

    if (bench_open(&bench, w, p, &host, 0, 7, &why) != 0)
        fail_msg("%s: %s", w->name, why.text);
    for (const struct variant *v = w->variants + 1; v->name; v++) {
        struct trial trial;

        if (!trial_runs_on(v, d->kind) ||
            trial_open(&trial, &bench, d, v, THREADS, &why) != 0)
            continue;
        seen->trial = &trial;
        placement_each(&trial, limits, &(struct placement_reader){describe, see, seen});
        trial_close(&trial);
    }
    bench_close(&bench);
}

/* On the first smoke shapes of every workload, or on all. */
static void agree(struct device *d, const char *how)
{
    const struct placement_limits limits = {.rounds = 1, .calls = 3};
    struct seen seen = {.kernel = 1};

    for (const struct workload *const *w = workloads; *w; w++)
        for (int s = 0; (*w)->role == ROLE_JUDGED && s < (is_slow(d) ? 1 : (*w)->smokes); s++) {
            enum dtype dtype = (*w)->dtypes >> DTYPE_F32 & 1 ? DTYPE_F32 : DTYPE_I8;

            place(*w, &(struct problem){dtype, (*w)->smoke[s]}, d, &limits, &seen);
        }
    print_message("%s%s: %d placements agree (overlapped %d, managed %d, mapped %d, graph %d)\n",
                  d->row.id.text, how, seen.records, seen.of[PLACEMENT_OVERLAPPED],
                  seen.of[PLACEMENT_MANAGED], seen.of[PLACEMENT_MAPPED], seen.of[PLACEMENT_GRAPH]);
    assert_true(seen.of[PLACEMENT_RESIDENT] && seen.of[PLACEMENT_ONCE] &&
                seen.of[PLACEMENT_EVERY]);
    assert_int_equal(d->ops->lanes != NULL, seen.of[PLACEMENT_OVERLAPPED] > 0);
    assert_int_equal(d->ops->recording != NULL, seen.of[PLACEMENT_GRAPH] > 0);
}

/* The emulated GPU does what lanes do not wait for in any order it is asked for. */
static void test_placements_agree(void **state)
{
    static const char *const orders[] = {"others", "1"};

    (void)state;
    if (!devices)
        skip();
    for (int d = 0; d < devices; d++) {
        agree(&device[d], "");
        for (size_t o = 0; o < sizeof orders / sizeof *orders && is_slow(&device[d]); o++) {
            setenv(EMULATOR_ORDER, orders[o], 1);
            agree(&device[d], orders[o][0] == 'o' ? ", others first" : ", in random order");
        }
        unsetenv(EMULATOR_ORDER);
    }
}

/* ---- rows -------------------------------------------------------------------------------- */

/* Rows add up in every attempt, but for a timeline in twenty that was interrupted between two of
 * them. Launch and sync are what the device's clock does not cover, so that a clock which lost time
 * would move it there and still add up: a kernel of over a millisecond that waits for nothing is
 * most of its call. Whole calls are others, at other times on a shared machine: of several attempts the best
 * counts, per placement. */
static const double kernel_least = 0.8;

static void adds_up(const char *name, struct shape shape, struct device *d)
{
    enum { ATTEMPTS = 24 };
    const struct placement_limits limits = {.rounds = 9, .calls = 4, .budget_s = 0.5};
    double best[PLACEMENTS], kernel = 0;
    int timelines = 0, good = 0;
    bool is_done = false;

    for (int p = 0; p < PLACEMENTS; p++)
        best[p] = INFINITY;
    for (int i = 0; i < ATTEMPTS && !is_done; i++) {
        struct seen seen = {.kernel = 1};

        place(workload_find(name), &(struct problem){DTYPE_F32, shape}, d, &limits, &seen);
        timelines += seen.timelines;
        good += seen.good;
        kernel = fmax(kernel, seen.kernel);
        is_done = kernel >= kernel_least;
        for (int p = 0; p < PLACEMENTS; p++) {
            best[p] = fmin(best[p], seen.waiting[p]);
            is_done &= best[p] <= 0.05;
        }
    }
    print_message("%s on %s: the rows of %d of %d timelines add up, the kernel is %.0f %% of a "
                  "resident call at least\n", name, d->row.id.text, good, timelines, 100 * kernel);
    assert_true(kernel >= kernel_least);
    assert_true(timelines > 0 && 20 * good >= 19 * timelines);
    for (int p = 0; p < PLACEMENTS; p++)
        if (best[p] > 0.05)
            fail_msg("%s on %s, %s: calls in parts and whole ones are %.1f %% apart", name,
                     d->row.id.text, placement_name((enum placement)p), 100 * best[p]);
}

static void test_rows_add_up(void **state)
{
    (void)state;
    if (!devices)
        skip();
    for (int d = 0; d < devices; d++) {
        int64_t rows = is_slow(&device[d]) ? 64 : 4096; /* over a millisecond */

        adds_up("add", (struct shape){{rows, 1024}}, &device[d]);
        adds_up("rmsnorm", (struct shape){{rows, 1024}}, &device[d]);
    }
}

/* ---- timelines --------------------------------------------------------------------------- */

static void test_launch_gives_way_to_the_kernel(void **state)
{
    struct timeline line;

    (void)state;
    timeline_start(&line);
    timeline_call(&line, 10, 90, 60);
    assert_true(line.row_ns[LEDGER_LAUNCH] == 10 && line.row_ns[LEDGER_KERNEL] == 60 &&
                line.row_ns[LEDGER_SYNC] == 30);
    timeline_start(&line);
    timeline_call(&line, 50, 20, 60); /* the kernel ran while more was enqueued */
    assert_true(line.row_ns[LEDGER_LAUNCH] == 10 && line.row_ns[LEDGER_KERNEL] == 60 &&
                line.row_ns[LEDGER_SYNC] == 0);
    assert_true(timeline_sum_ns(&line) == 70);
    timeline_start(&line);
    timeline_call(&line, 50, 20, NAN);
    assert_true(isnan(line.row_ns[LEDGER_KERNEL]) && isnan(line.row_ns[LEDGER_SYNC]));
    assert_true(isnan(line.row_ns[LEDGER_UPLOAD]) && isnan(line.wall_ns));
}

const char *__asan_default_options(void); /* see test_every.c */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_launch_gives_way_to_the_kernel),
        cmocka_unit_test_setup_teardown(test_placements_agree, open_devices, close_devices),
        cmocka_unit_test_setup_teardown(test_rows_add_up, open_devices, close_devices),
    };

    load_emulator();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
