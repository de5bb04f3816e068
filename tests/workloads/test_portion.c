/* SPDX-License-Identifier: MIT */
/* A call in two portions is the call: what a workload says of its portions is true of its counts
 * and costs, and their results, put together, are the whole's; also where the CPU computes one of
 * them while a device computes the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/trial.h"
#include "workloads/portion.h"
#include "workloads/reduction/reduction.h"

enum { DEVICES = 16, THREADS = 2 };

static struct device host, device[DEVICES];
static int devices;

static int open_devices(void **state)
{
    struct device_row row[DEVICES];
    int rows = device_list(row, DEVICES, NULL);

    (void)state;
    for (int i = 0; i < rows; i++) {
        struct device *to = row[i].kind == DEVICE_CPU ? &host : &device[devices];

        if (device_open(to, row[i].id.text, NULL) == 0)
            devices += row[i].kind != DEVICE_CPU;
    }
    return host.ops ? 0 : -1;
}

static int close_devices(void **state)
{
    (void)state;
    while (devices > 0)
        device_close(&device[--devices]);
    device_close(&host);
    return 0;
}

/* ---- pieces ------------------------------------------------------------------------------ */

/* A whole call and its portions: the first `units` of them, and the rest. */
struct cut {
    const struct workload *workload;
    struct portions portions;
    struct bench whole, part[2];
};

static int64_t axis_at(const struct cut *c, const char *name)
{
    for (int i = 0; i < workload_axes(c->workload); i++)
        if (strcmp(c->workload->axis[i].name, name) == 0)
            return c->whole.problem.shape.n[i];
    return 1;
}

static bool is_named(const struct cut *c, const char *workload)
{
    return strncmp(c->workload->name, workload, strlen(workload)) == 0;
}

/* How many times an argument begins anew with the first unit: what lies outside of the axis. */
static int64_t repeats(const struct cut *c, int i)
{
    const char *arg = c->workload->args[i].name, *axis = c->portions.axis;
    bool is_b = strcmp(arg, "b") == 0, by_n = strcmp(axis, "n") == 0;

    if (is_named(c, "attention") && strcmp(axis, "kv_heads") == 0)
        return axis_at(c, "batch") *
               (*arg == 'k' || *arg == 'v' ? axis_at(c, "kv_len") : axis_at(c, "q_len"));
    if (is_named(c, "gemm") && by_n)
        return is_b ? (axis_at(c, "tb") ? 1 : axis_at(c, "k")) : axis_at(c, "m");
    if (is_named(c, "gemm") && strcmp(axis, "m") == 0)
        return strcmp(arg, "a") == 0 && axis_at(c, "ta") ? axis_at(c, "k") : 1;
    if (is_named(c, "gemv") && by_n && strcmp(arg, "a") == 0)
        return axis_at(c, "m");
    return 1;
}

/* Between argument i of the whole, of `size` bytes an element, and portion `which`. */
static void move(const struct cut *c, int i, int which, size_t size, char *whole, char *part,
                 enum flow flow)
{
    const struct workload *w = c->workload;
    size_t all = (size_t)w->args[i].count(&c->whole.problem) * size;
    size_t some = (size_t)w->args[i].count(&c->part[which].problem) * size;
    size_t times = portion_has(w, &c->whole.problem, &c->portions, i) ? (size_t)repeats(c, i) : 1;
    size_t at = which ? all / times - some / times : 0;

    for (size_t r = 0; r < times; r++) {
        char *of_whole = whole + r * (all / times) + at, *of_part = part + r * (some / times);

        if (all == some) /* whole for everyone */
            of_whole = whole;
        memcpy(flow == FLOW_IN ? of_part : of_whole, flow == FLOW_IN ? of_whole : of_part,
               some / times);
    }
}

static size_t element_bytes(const struct cut *c, int i)
{
    return dtype_bytes(workload_arg_dtype(c->workload, &c->whole.problem, i));
}

/* The portion's own bench, with its piece of the whole's inputs. */
static void open_part(struct cut *c, int which, int64_t units)
{
    struct problem p = portion_problem(&c->whole.problem, &c->portions, units);
    struct bench *part = &c->part[which];
    struct why why = {{0}};

    if (bench_open(part, c->workload, &p, &host, 0, 7, &why) != 0)
        fail_msg("%s", why.text);
    for (int i = 0; i < workload_args(c->workload); i++) {
        char *whole = c->whole.arg[0][i].data;

        if (!part->arg[0][i].bytes || !(c->workload->args[i].flow & FLOW_IN))
            continue;
        move(c, i, which, element_bytes(c, i), whole, part->arg[0][i].data, FLOW_IN);
        if (part->before[i].bytes)
            memcpy(part->before[i].data, part->arg[0][i].data, part->arg[0][i].bytes);
    }
}

static bool cut_open(struct cut *c, const struct workload *w, const struct problem *p)
{
    struct why why = {{0}};

    *c = (struct cut){.workload = w, .portions = portions_of(w, p)};
    if (!c->portions.length)
        return false;
    if (bench_open(&c->whole, w, p, &host, 0, 7, &why) != 0)
        fail_msg("%s", why.text);
    open_part(c, 0, (c->portions.length + 2) / 3);
    open_part(c, 1, c->portions.length - (c->portions.length + 2) / 3);
    return true;
}

static void cut_close(struct cut *c)
{
    bench_close(&c->whole);
    bench_close(&c->part[0]);
    bench_close(&c->part[1]);
}

/* ---- what is said ------------------------------------------------------------------------ */

static void assert_same(double a, double b)
{
    assert_true(fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b)));
}

static void check_counts(const struct cut *c)
{
    const struct workload *w = c->workload;
    const struct problem *all = &c->whole.problem;
    double n = (double)c->portions.length, upload = 0, stationary = 0;
    struct cost cost = w->cost(all);

    for (int which = 0; which < 2; which++) {
        const struct problem *p = &c->part[which].problem;
        double share = which ? n - floor((n + 2) / 3) : floor((n + 2) / 3);
        double slack = 2 + (double)w->args[0].count(all) / n; /* a sum's last addition */

        share /= n;
        assert_int_equal(workload_problem_check(w, p, NULL), 0);
        assert_true(fabs(w->cost(p).flops - share * cost.flops) <= slack);
        for (int i = 0; i < workload_args(w); i++)
            if (portion_has(w, all, &c->portions, i))
                assert_same((double)w->args[i].count(p), share * (double)w->args[i].count(all));
            else
                assert_int_equal(w->args[i].count(p), w->args[i].count(all));
    }
    for (int i = 0; i < workload_args(w); i++)
        if (!portion_has(w, all, &c->portions, i) && w->args[i].flow & FLOW_IN) {
            upload += (double)workload_arg_bytes(w, all, i);
            if (w->args[i].trait == ARG_STATIONARY)
                stationary += (double)workload_arg_bytes(w, all, i);
        }
    assert_same(c->portions.whole_upload_bytes, upload);
    assert_same(c->portions.whole_stationary_bytes, stationary);
    assert_true(c->portions.whole_bytes >= 0 &&
                c->portions.whole_bytes <= cost.bytes_read + cost.bytes_written);
}

/* Two parts of a reduction, reduced. */
static double reduced(enum reduction_op op, double a, double b)
{
    return op == REDUCTION_MAX ? fmax(a, b) : op == REDUCTION_NORM2 ? hypot(a, b) : a + b;
}

static void check_reduction(const struct cut *c)
{
    enum reduction_op op = (enum reduction_op)c->whole.problem.shape.n[0];
    const void *in[2][ARGS];
    double want[2], scale;

    if (op == REDUCTION_ARGMAX) /* the larger of two maxima, as max */
        return;
    for (int which = 0; which < 2; which++) {
        for (int i = 0; i < ARGS; i++)
            in[which][i] = c->part[which].arg[0][i].data;
        c->workload->variants[0].reference(&c->part[which].problem, in[which],
                                           (double *[ARGS]){NULL, NULL, &want[which]},
                                           (double *[ARGS]){NULL, NULL, &scale});
    }
    assert_true(fabs(reduced(op, want[0], want[1]) - c->whole.want[2][0]) <=
                1e-12 * c->whole.scale[2][0]);
}

/* The references of both, put together. */
static void check_reference(struct cut *c)
{
    const struct workload *w = c->workload;

    for (int which = 0; which < 2; which++) {
        const void *in[ARGS];

        for (int i = 0; i < ARGS; i++)
            in[i] = c->part[which].arg[0][i].data;
        w->variants[0].reference(&c->part[which].problem, in, c->part[which].want,
                                 c->part[which].scale);
    }
    for (int i = 0; i < workload_args(w); i++) {
        size_t count = c->whole.want[i] ? (size_t)w->args[i].count(&c->whole.problem) : 0;
        double *got = calloc(count + 1, sizeof *got);

        assert_non_null(got);
        for (int which = 0; which < 2 && count; which++)
            move(c, i, which, sizeof *got, (char *)got, (char *)c->part[which].want[i], FLOW_OUT);
        for (size_t e = 0; e < count; e++)
            if (!(fabs(got[e] - c->whole.want[i][e]) <= 1e-12 * c->whole.scale[i][e]))
                fail_msg("%s along %s: %s[%zu] is %g in portions, %g as a whole", w->name,
                         c->portions.axis, w->args[i].name, e, got[e], c->whole.want[i][e]);
        free(got);
    }
}

static void test_portions_are_the_whole(void **state)
{
    int checked = 0;

    (void)state;
    for (const struct workload *const *w = workloads; *w; w++)
        for (int s = 0, here = 0; (*w)->role == ROLE_JUDGED && s < (*w)->smokes; s++) {
            struct problem p = {(*w)->dtypes >> DTYPE_F32 & 1 ? DTYPE_F32 : DTYPE_I8,
                                (*w)->smoke[s]};
            struct cut c;

            if (cut_open(&c, *w, &p)) {
                check_counts(&c);
                if (is_named(&c, "reduction"))
                    check_reduction(&c);
                else
                    check_reference(&c);
                cut_close(&c);
                here++;
            }
            checked += here == 1;
        }
    assert_true(checked >= 14); /* every judged workload has a shape that can be shared */
}

static void test_what_cannot_be_shared(void **state)
{
    const struct problem one = {DTYPE_F32, {{1, 4096}}}, uneven = {DTYPE_F32, {{1, 4, 3, 64, 8, 0}}};

    (void)state;
    assert_int_equal(portions_of(workload_find("softmax"), &one).length, 0);
    assert_int_equal(portions_of(workload_find("attention_decode"), &uneven).length, 0);
    assert_int_equal(portions_of(workload_find("launch"), &one).length, 0);
}

/* ---- on two devices at the same time ----------------------------------------------------- */

static bool open_first(struct trial *t, struct bench *bench, struct device *d)
{
    for (const struct variant *v = bench->workload->variants + 1; v->name; v++)
        if (trial_runs_on(v, d->kind) && trial_open(t, bench, d, v, THREADS, NULL) == 0)
            return true;
    return false;
}

/* The device's part is under way while the CPU computes. */
static void run_both(struct cut *c, struct device *d)
{
    const struct workload *w = c->workload;
    struct trial on_cpu, on_device;
    struct why why = {{0}};

    assert_true(open_first(&on_cpu, &c->part[0], &host));
    assert_true(open_first(&on_device, &c->part[1], d));
    if (trial_restore(&on_cpu, &why) || trial_restore(&on_device, &why) ||
        trial_run(&on_device, &why) || trial_run(&on_cpu, &why) ||
        d->ops->sync(d, &why) || trial_download(&on_device, &why))
        fail_msg("%s on %s: %s", w->name, d->row.id.text, why.text);
    trial_collect(&on_device);
    bench_restore(&c->whole);
    for (int i = 0; i < workload_args(w); i++)
        for (int which = 0; which < 2; which++)
            if (c->whole.want[i])
                move(c, i, which, element_bytes(c, i), c->whole.arg[0][i].data,
                     c->part[which].arg[0][i].data, FLOW_OUT);
    for (int i = 0; i < workload_args(w); i++)
        if (c->whole.want[i] &&
            !(bench_error(&c->whole, i, c->whole.arg[0][i].data, 0, &why) <= 1))
            fail_msg("%s, %s and %s on %s: %s", w->name, on_cpu.variant->name,
                     on_device.variant->name, d->row.id.text, why.text);
    trial_close(&on_cpu);
    trial_close(&on_device);
}

static void test_both_at_the_same_time(void **state)
{
    (void)state;
    if (!devices)
        skip();
    for (int d = 0; d < devices; d++) {
        int calls = 0;

        for (const struct workload *const *w = workloads; *w; w++)
            for (int s = 0; (*w)->role == ROLE_JUDGED && s < (*w)->smokes; s++) {
                struct problem p = {DTYPE_F32, (*w)->smoke[s]};
                struct cut c;

                if (!((*w)->dtypes >> DTYPE_F32 & 1) || strcmp((*w)->name, "reduction") == 0 ||
                    !cut_open(&c, *w, &p))
                    continue;
                run_both(&c, &device[d]);
                cut_close(&c);
                calls++;
            }
        print_message("%s: %d calls shared with the CPU agree\n", device[d].row.id.text, calls);
        assert_true(calls > 20);
    }
}

const char *__asan_default_options(void); /* see test_every.c */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_portions_are_the_whole),
        cmocka_unit_test(test_what_cannot_be_shared),
        cmocka_unit_test(test_both_at_the_same_time),
    };

    return cmocka_run_group_tests_name("portion", tests, open_devices, close_devices);
}
