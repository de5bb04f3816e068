/* SPDX-License-Identifier: MIT */
/* Timelines of the records: what a call's wall time went to, and which measured placement of a
 * problem is the fastest. */
#include <math.h>
#include <string.h>

#include "report/judge.h"

static bool is_timeline(const struct record *r)
{
    return (r->kind == RECORD_PLACEMENT || r->kind == RECORD_COLD) &&
           r->outcome == OUTCOME_OK && r->wall_ns.n > 0;
}

/* The only timelines of files from before placements were measured. */
static bool is_timed_cell(const struct record *r)
{
    return r->kind == RECORD_CELL && r->device_kind != DEVICE_CPU && !r->proof &&
           r->outcome == OUTCOME_OK && !isnan(r->ledger_ns[LEDGER_KERNEL]);
}

static double sum_ns(const struct record *r)
{
    double sum = 0;

    for (int i = 0; i < LEDGERS; i++)
        if (!isnan(r->ledger_ns[i]) &&
            (r->kind != RECORD_CELL || i == LEDGER_LAUNCH || i == LEDGER_KERNEL ||
             i == LEDGER_SYNC))
            sum += r->ledger_ns[i];
    return sum;
}

/* Times of a damaged file may be none: no rest can be told of them. */
static bool is_told(const struct ledger_row *row)
{
    return isfinite(row->sum_ns) && row->sum_ns >= 0 && isfinite(row->wall_ns) && row->wall_ns > 0 &&
           isfinite(row->whole_ns) && row->whole_ns > 0;
}

static int add_rows(struct report *report, bool (*is_row)(const struct record *))
{
    for (size_t i = 0; i < report->results->records; i++) {
        const struct record *r = &report->results->record[i];
        struct ledger_row told, *row;
        double whole_ns;

        if (!is_row(r))
            continue;
        whole_ns = record_wall_us(r).value * 1e3;
        told = (struct ledger_row){r, sum_ns(r), isnan(r->parts_ns) ? whole_ns : r->parts_ns,
                                   whole_ns};
        if (!is_told(&told))
            continue;
        row = report_push(&report->ledger, &report->ledgers, sizeof *row);
        if (!row)
            return STATUS_MEMORY;
        *row = told;
    }
    return 0;
}

int judge_ledger(struct report *report)
{
    int status = add_rows(report, is_timeline);

    return status || report->ledgers ? status : add_rows(report, is_timed_cell);
}

const struct record *ledger_placed(const struct report *report, const struct record *about,
                                   const char *device, enum record_kind kind,
                                   enum placement placement)
{
    const struct ledger_row *best = NULL;

    for (size_t i = 0; i < report->ledgers; i++) {
        const struct ledger_row *row = &report->ledger[i];
        const struct record *r = row->record;

        if (r->kind == kind && r->placement == placement &&
            strcmp(r->device.text, device) == 0 && record_same_problem(r, about) &&
            (!best || row->whole_ns < best->whole_ns))
            best = row;
    }
    return best ? best->record : NULL;
}
