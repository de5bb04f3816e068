/* SPDX-License-Identifier: MIT */
#include "harness/cell.h"

#include <math.h>

#include "base/clock.h"

bool cell_begin(struct cell *c, struct workshop *shop, const char *variant)
{
    const char *device = c->record.device.text, *death = shop->death(shop->to, device, variant);

    if (death)
        record_refuse(&c->record, OUTCOME_FAILED, death);
    else
        shop->at(shop->to, device, variant);
    return !death;
}

void cell_ready(struct cell *c, struct workshop *shop, struct bench *bench,
                struct device *device, const struct variant *v, int threads)
{
    struct why why = {{0}};
    int status = trial_open(&c->trial, bench, device, v, threads, &why);

    if (!status) {
        c->record.prepare_ns = c->trial.prepare_ns;
        status = trial_check(&c->trial, &c->record.error, &why);
        if (!status && !(c->record.error <= 1))
            record_refuse(&c->record, OUTCOME_WRONG, why.text);
    }
    if (status == STATUS_LOST)
        shop->lost(shop->to, why.text);
    if (status)
        record_refuse(&c->record,
                      status == STATUS_UNAVAILABLE || status == STATUS_MEMORY ? OUTCOME_SKIPPED
                                                                              : OUTCOME_FAILED,
                      why.text);
}

/* The samples into the record, which owns them then. */
static void take_samples(struct cell *c)
{
    struct record *r = &c->record;
    struct sample_set *set = &c->set;

    r->calls = set->calls;
    r->stop = name_of(set->stop);
    r->wall_ns = set->wall_ns;
    r->kernel_ns = set->kernel_ns;
    r->position = set->position;
    r->contended = set->contended;
    r->throttled = set->throttled;
    set->wall_ns = set->kernel_ns = set->position = (struct series){0};
    set->contended = set->throttled = (struct series){0};
    if (set->status)
        record_refuse(r, OUTCOME_FAILED, set->why.text);
}

void cells_sample(struct workshop *shop, struct cell *cell, int n,
                  const struct sampler_limits *limits, uint64_t seed)
{
    struct trial *trial[CELLS];
    struct sample_set set[CELLS] = {{0}};
    struct cell *sampled[CELLS];
    int trials = 0, lost;

    for (int i = 0; i < n; i++)
        if (cell[i].record.outcome == OUTCOME_OK) {
            sampled[trials] = &cell[i];
            trial[trials++] = &cell[i].trial;
        }
    shop->at(shop->to, "", "sampling");
    sampler_run(trial, set, trials, limits, seed);
    shop->at(shop->to, "", "reading what was sampled");
    lost = sampler_lost(set, trials);
    if (lost >= 0)
        workshop_lose(shop, trial[lost], &set[lost].why);
    for (int i = 0; i < trials; i++) {
        sampled[i]->set = set[i];
        take_samples(sampled[i]);
    }
}

static double mean(const struct series *s)
{
    double sum = 0;

    for (size_t i = 0; i < s->n; i++)
        sum += s->value[i];
    return s->n ? sum / (double)s->n : NAN;
}

double cell_call_ns(const struct cell *c)
{
    return mean(&c->record.wall_ns);
}

/* Uploads and downloads, each three times. */
static void sample_transfers(struct cell *c)
{
    enum { TIMES = 3 };

    for (int i = 0; i < TIMES; i++) {
        int64_t start = clock_ns(), between;

        if (trial_upload(&c->trial, 1, NULL))
            return;
        between = clock_ns();
        if (trial_download(&c->trial, NULL))
            return;
        series_push(&c->record.upload_ns, (double)(between - start));
        series_push(&c->record.download_ns, (double)(clock_ns() - between));
    }
}

void cell_itemise(struct cell *c)
{
    double *row = c->record.ledger_ns, wait;

    sample_transfers(c);
    row[LEDGER_CONTEXT] = c->trial.device->open_ns;
    row[LEDGER_COMPILE] = c->trial.compile_ns;
    row[LEDGER_ALLOC] = c->trial.alloc_ns;
    row[LEDGER_UPLOAD] = mean(&c->record.upload_ns);
    row[LEDGER_LAUNCH] = mean(&c->set.launch_ns);
    row[LEDGER_KERNEL] = mean(&c->record.kernel_ns);
    wait = cell_call_ns(c) - row[LEDGER_LAUNCH] - row[LEDGER_KERNEL];
    row[LEDGER_SYNC] = wait < 0 ? 0 : wait; /* NAN, not 0, without a device clock */
    row[LEDGER_DOWNLOAD] = mean(&c->record.download_ns);
}

void cell_close(struct cell *c, struct workshop *shop)
{
    shop->emit(shop->to, &c->record);
    record_release(&c->record);
    sample_set_release(&c->set);
    trial_close(&c->trial);
}
