/* SPDX-License-Identifier: MIT */
/* What the search saves: a sweep against measuring every size, as GPU-BLOB does (step 1). The
 * sweep is run and timed as a whole: processes, inputs, checks, sampling. The exhaustive cost is
 * an estimate from the sweep's own records and a low one: sampling alone, at every size with no more
 * rounds than the sweep gave its neighbours, interpolated over the logarithm of the size, and
 * without what the sweep left out as hopeless. Goal: at most a twentieth.
 * usage: bench_sweep [WORKLOAD [SWEEP [TO]]]; 2048 takes two minutes or three, 8192 up to 15 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "report/crossover.h"
#include "report/report.h"
#include "report/stats.h"

enum { SIZES_MOST = 4096 };
static const double goal = 20;
/* The sampler rests before each sample and warms up after it. */
static const double pause_s = 0.0042;

struct visit {
    double size, sampling_s;
};

static struct visit visit[SIZES_MOST];
static int visits;

/* Seconds of sampling one cell, at the rounds of a first look at most. */
static double sampling_s(const struct record *r)
{
    double all = 0, rounds = fmin((double)r->wall_ns.n, crossover_look[0]);

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
    visit[at].sampling_s += sampling_s(r);
}

static double interpolated_s(double size)
{
    int i = 0;
    double share;

    while (i < visits - 2 && visit[i + 1].size < size)
        i++;
    share = log(size / visit[i].size) / log(visit[i + 1].size / visit[i].size);
    return exp(log(visit[i].sampling_s) +
               share * log(visit[i + 1].sampling_s / visit[i].sampling_s));
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
             "'%.*s/../offload-bench' sweep %.40s --sweep %.40s --to %.12s --gpu h100-sxm --budget 15m "
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
    char *wish[] = {"gemm", "square", "2048"}, folder[] = "/tmp/bench_sweep_XXXXXX";
    char program[1024] = {0}, clean[100];
    double took_s, every_s = 0;
    struct why why = {{0}};

    for (int i = 0; i < 3 && i + 1 < argc; i++)
        wish[i] = argv[i + 1];
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0 || !mkdtemp(folder) ||
        run(program, wish, folder, &took_s) != 0 || read_visits(folder, &why) != 0 || visits < 2) {
        fprintf(stderr, "bench_sweep: the sweep gave nothing to count %s\n", why.text);
        return EXIT_FAILURE;
    }
    for (double size = visit[0].size; size <= visit[visits - 1].size; size++)
        every_s += interpolated_s(size);
    printf("\n%s %s, sizes %.0f to %.0f\n"
           "  sweep:      %8.1f s measured, %d sizes, everything included\n"
           "  exhaustive: %8.1f s estimated, %.0f sizes, sampling alone\n"
           "  exhaustive / sweep = %.0f, goal >= %.0f: %s\n",
           wish[0], wish[1], visit[0].size, visit[visits - 1].size, took_s, visits, every_s,
           visit[visits - 1].size - visit[0].size + 1, every_s / took_s, goal,
           every_s / took_s >= goal ? "met" : "MISSED");
    snprintf(clean, sizeof clean, "rm -rf %s", folder);
    return system(clean) || every_s / took_s < goal;
}
