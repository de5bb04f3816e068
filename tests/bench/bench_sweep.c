/* SPDX-License-Identifier: MIT */
/* What the search saves: a sweep against measuring every size, as GPU-BLOB does (step 1). The
 * sweep is run and timed as a whole: processes, inputs, checks, sampling. The exhaustive one would
 * take days: its cost is an estimate from the sweep's own records and a low one: sampling alone, at
 * every size with no more rounds than the sweep gave its neighbours, interpolated over the logarithm
 * of the size, and without what the sweep left out as hopeless. How good that is shows in the
 * sizes that were measured, each estimated from its neighbours. Goal: at most a twentieth, to 8192;
 * over fewer sizes the fixed second or so that each size takes weighs more.
 * usage: bench_sweep [WORKLOAD [SWEEP [TO]]]; 8192 takes about six minutes on two cores, 1024 one */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "report/crossover.h"
#include "report/report.h"
#include "report/stats.h"

enum { SIZES_MOST = 4096 };
static const double goal = 20, goal_size = 8192;
/* The sampler rests before each sample and warms up after it. */
static const double pause_s = 0.0042;

struct visit {
    double size, sampling_s; /* at the rounds of a first look at most */
};

static struct visit visit[SIZES_MOST];
static int visits;
static double sampled_s; /* by the sweep, in all */

/* Seconds of sampling one cell. */
static double sampling_s(const struct record *r, double rounds)
{
    double all = 0;

    for (size_t i = 0; i < r->wall_ns.n; i++)
        all += r->wall_ns.value[i] / (double)r->wall_ns.n;
    return rounds * (pause_s + all * (double)r->calls * 1e-9);
}

static void add(const struct record *r)
{
    int at = 0;

    while (at < visits && visit[at].size < (double)r->size)
        at++;
    if (at == visits || visit[at].size != (double)r->size) {
        if (visits == SIZES_MOST)
            return;
        memmove(&visit[at + 1], &visit[at], (size_t)(visits++ - at) * sizeof *visit);
        visit[at] = (struct visit){(double)r->size, 0};
    }
    visit[at].sampling_s += sampling_s(r, fmin((double)r->wall_ns.n, crossover_look[0]));
    sampled_s += sampling_s(r, (double)r->wall_ns.n);
}

static double between_s(const struct visit *a, const struct visit *b, double size)
{
    double share = log(size / a->size) / log(b->size / a->size);

    return exp(log(a->sampling_s) + share * log(b->sampling_s / a->sampling_s));
}

static double interpolated_s(double size)
{
    int i = 0;

    while (i < visits - 2 && visit[i + 1].size < size)
        i++;
    return between_s(&visit[i], &visit[i + 1], size);
}

/* Estimate over truth of measured sizes, left out: median. */
static double left_out_ratio(void)
{
    double ratio[SIZES_MOST];
    size_t n = 0;

    for (int i = 1; i + 1 < visits; i++)
        ratio[n++] = between_s(&visit[i - 1], &visit[i + 1], visit[i].size) / visit[i].sampling_s;
    return stats_median(ratio, n);
}

static int read_visits(const char *folder, struct why *why)
{
    struct results results = {0};
    char path[200];
    int status;

    snprintf(path, sizeof path, "%s/results.jsonl", folder);
    status = results_read(&results, path, why);
    for (size_t i = 0; i < results.records; i++)
        if (results.record[i].size && results.record[i].wall_ns.n)
            add(&results.record[i]);
    results_release(&results);
    return status;
}

/* The tool lies beside the folder of this program: BUILD/bench/bench_sweep. */
static int run(const char *program, char *const *wish, const char *folder, double *took_s)
{
    char command[1000];
    int64_t start = clock_ns();
    int state;

    snprintf(command, sizeof command,
             "'%.*s/../offload-bench' sweep %.40s --sweep %.40s --to %.12s --gpu h100-sxm --budget 10m "
             "--out %s", (int)(strrchr(program, '/') - program), program, wish[0], wish[1], wish[2],
             folder);
    puts(command);
    fflush(stdout);
    state = system(command);
    *took_s = (double)(clock_ns() - start) * 1e-9;
    return state;
}

int main(int argc, char **argv)
{
    char *wish[] = {"gemm", "square", "8192"}, folder[] = "/tmp/bench_sweep_XXXXXX";
    char program[1024] = {0}, clean[100];
    double took_s, every_s = 0, last, asked;
    bool is_met;
    struct why why = {{0}};

    for (int i = 0; i < 3 && i + 1 < argc; i++)
        wish[i] = argv[i + 1];
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0 || !mkdtemp(folder) ||
        run(program, wish, folder, &took_s) != 0 || read_visits(folder, &why) != 0 || visits < 3) {
        fprintf(stderr, "bench_sweep: the sweep gave nothing to count %s\n", why.text);
        return EXIT_FAILURE;
    }
    asked = atof(wish[2]);
    last = visit[visits - 1].size;
    for (double size = visit[0].size; size <= last; size++)
        every_s += interpolated_s(size);
    is_met = every_s / took_s >= goal && last >= asked;
    printf("\n%s %s, sizes %.0f to %.0f\n"
           "  sweep:      %8.1f s measured, %d sizes, everything included (sampling %.1f s)\n"
           "  exhaustive: %8.1f s estimated, %.0f sizes, sampling alone, interpolated between the "
           "sizes\n              that the sweep measured; of these, each left out in turn, it "
           "estimates %.2f times\n              the truth (median)\n"
           "  exhaustive / sweep = %.0f, goal >= %.0f to %.0f: %s\n",
           wish[0], wish[1], visit[0].size, last, took_s, visits, sampled_s, every_s,
           last - visit[0].size + 1, left_out_ratio(), every_s / took_s, goal, goal_size,
           is_met ? "met" : asked < goal_size ? "not promised here" : "MISSED");
    snprintf(clean, sizeof clean, "rm -rf %s", folder);
    return system(clean) || (asked >= goal_size && !is_met);
}
