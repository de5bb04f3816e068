/* SPDX-License-Identifier: MIT */
/* What lower precision would do for a model's pass as a whole: on one side, every operation that
 * it makes shorter by a measured or projected time, the others as they are. No plan counts it. */
#include <math.h>
#include <string.h>

#include "report/judge.h"
#include "report/precision.h"
#include "report/stats.h"
#include "report/units.h"

static const struct lower *lower_for(const struct report *report, const struct contest *contest,
                                     const struct lower_sum *sum)
{
    for (size_t i = 0; contest && i < report->lowers; i++) {
        const struct lower *l = &report->lower[i];
        const struct verdict *v = &report->verdict[l->verdict];

        if (v->contest == contest && v->placement == PLACEMENT_RESIDENT &&
            l->is_cpu == sum->about->is_cpu && l->error == sum->about->error &&
            strcmp(l->record->device.text, sum->about->record->device.text) == 0 &&
            strcmp(record_precision(l->record), record_precision(sum->about->record)) == 0)
            return l;
    }
    return NULL;
}

struct lower_pass lower_pass_of(const struct report *report, const struct chain *chain,
                                const struct lower_sum *sum)
{
    bool is_cpu = sum->about->is_cpu;
    struct lower_pass pass = {.own_us = is_cpu ? chain->cpu_us : chain->gpu_us,
                              .us = estimate_exact(0), .evidence = chain->evidence};

    if (is_cpu)
        pass.evidence = EVIDENCE_MEASURED;
    if (!is_cpu && (!chain->gpu ||
                    strcmp(chain->gpu->id.text, sum->about->record->device.text) != 0))
        return pass;
    for (size_t i = 0; i < chain->steps; i++) {
        const struct chain_step *step = &chain->step[i];
        const struct lower *l = lower_for(report, step->contest, sum);
        struct estimate own = is_cpu ? step->cpu_us : step->gpu_us;

        pass.us = estimate_add(pass.us, l ? estimate_scale(l->us, step->count) : own);
        pass.operations += l != NULL;
        if (l && l->evidence > pass.evidence)
            pass.evidence = l->evidence;
    }
    if (!estimate_is_known(pass.us) || !estimate_is_known(pass.own_us))
        pass.operations = 0;
    return pass;
}

/* "lower precision: decode (batch 1, context 512) wholly on l4 would give 310 instead of 220 tokens
 * per second with e4m3 in 9 of 15 operations (projected), at ..." */
static int note_pass(struct report *report, const struct chain *chain, const struct lower_sum *sum)
{
    struct lower_pass pass = lower_pass_of(report, chain, sum);

    if (!pass.operations || pass.us.value * (1 + VERDICT_TIE) > pass.own_us.value)
        return 0;
    return report_note(report,
                       "lower precision: %s (batch %lld, context %lld) wholly on %s %s %s instead of "
                       "%s tokens per second with %s in %zu of %zu operations (%s), at %s times the "
                       "rounding error there: not the same answer",
                       chain->phase.text, (long long)chain->batch, (long long)chain->context,
                       sum->about->is_cpu ? "this CPU" : chain->gpu->id.text,
                       pass.evidence == EVIDENCE_MEASURED ? "gives" : "would give",
                       words_number(chain_tokens_per_s(chain, pass.us).value).text,
                       words_number(chain_tokens_per_s(chain, pass.own_us).value).text,
                       record_precision(sum->about->record), pass.operations, chain->steps,
                       evidence_name(pass.evidence), words_count(sum->about->error).text);
}

/* On the first GPU of the report, and on the CPU: report.json has the others. */
int note_precision_passes(struct report *report)
{
    int status = 0;

    for (size_t c = 0; c < report->chains; c++)
        for (size_t i = 0; i < report->lower_sums && !status; i++)
            if (report->chain[c].gpu == report->gpu)
                status = note_pass(report, &report->chain[c], &report->lower_sum[i]);
    return status;
}
