/* SPDX-License-Identifier: MIT */
/* What a curve says, in words: the answer, what would decide more of it, the whole sentence. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/judge.h"
#include "report/units.h"

/* ---- words ----------------------------------------------------------------------------- */

static void say_changes(const struct crossover *x, struct text *out)
{
    const struct crossing *found = &x->found;
    const struct crossover_stretch *below = crossing_doubt_below(found),
                                   *above = crossing_doubt_above(found);
    const char *axis = x->is_sweep ? "size" : x->axis.text, *is = x->is_sweep ? " " : " = ";

    if (below && below->high == found->change[0].low)
        text_printf(out, "%s at %s%s%s", decision_name(found->change[0].before), axis, is,
                    words_count(below->high).text);
    else if (below)
        text_printf(out, "%s from %s%s%s to %s", decision_name(found->change[0].before), axis, is,
                    words_count(below->high).text, words_count(found->change[0].low).text);
    else
        text_printf(out, "%s up to %s%s%s", decision_name(found->change[0].before), axis, is,
                    words_count(found->change[0].low).text);
    for (int i = 0; i < found->changes; i++) {
        double from = found->change[i].high;
        double to = i + 1 < found->changes ? found->change[i + 1].low : above ? above->low : NAN;

        text_printf(out, ", %s %s %s", decision_name(found->change[i].after),
                    from == to ? "at" : "from", words_count(from).text);
        if (isnan(to))
            text_add(out, " on");
        else if (from < to)
            text_printf(out, " to %s", words_count(to).text);
    }
}

/* "stay up to 500, undecided above": a stretch at an end, or in between. Beside changes, what
 * holds next to the ends has been said. */
static void say_doubt(const struct crossover_stretch *s, bool beside, struct text *out)
{
    if (isinf(s->low) && isinf(s->high))
        text_add(out, "undecided at every size");
    else if (beside && (isinf(s->low) || isinf(s->high)))
        text_printf(out, "undecided %s %s", isinf(s->low) ? "below" : "above",
                    words_count(isinf(s->low) ? s->high : s->low).text);
    else if (isinf(s->low))
        text_printf(out, "undecided below %s, %s from there on", words_count(s->high).text,
                    decision_name(s->after));
    else if (isinf(s->high))
        text_printf(out, "%s up to %s, undecided above", decision_name(s->before),
                    words_count(s->low).text);
    else
        text_printf(out, "undecided between %s and %s%s%s%s", words_count(s->low).text,
                    words_count(s->high).text, beside ? " (" : "",
                    beside ? decision_name(s->before) : "", beside ? " on both sides)" : "");
}

/* Those at the ends of the curve, which hold most sizes, before those in between. */
static void say_doubts(const struct crossing *found, struct text *out)
{
    for (int i = 0; i < 2 * found->doubts; i++) {
        const struct crossover_stretch *s = &found->doubt[i % found->doubts];

        if ((isinf(s->low) || isinf(s->high)) != (i < found->doubts))
            continue;
        text_add(out, out->n ? ", " : "");
        say_doubt(s, found->changes > 0, out);
    }
}

static void write_answer(struct crossover *x)
{
    struct text out = {0};

    if (x->found.changes)
        say_changes(x, &out);
    else if (x->found.doubts && !crossing_doubt_below(&x->found) && !crossing_doubt_above(&x->found))
        text_printf(&out, "%s from %s to %s", decision_name(x->found.doubt[0].before),
                    words_count(x->point[0].size).text,
                    words_count(x->point[x->points - 1].size).text);
    else if (!x->found.doubts)
        text_printf(&out, "%s at every %s from %s to %s",
                    x->found.kind == CROSSOVER_ALWAYS ? "offload" : "stay",
                    x->is_sweep ? "size" : x->axis.text,
                    words_count(x->point[0].size).text,
                    words_count(x->point[x->points - 1].size).text);
    say_doubts(&x->found, &out);
    snprintf(x->answer, sizeof x->answer, "%s", out.data ? out.data : "");
    text_release(&out);
}

static void write_decider(struct crossover *x)
{
    struct crossover_question q = crossover_decider(x->point, x->points);
    const struct words size = words_count(q.size);

    switch (q.wish) {
    case WISH_ROUNDS:
        snprintf(x->decider, sizeof x->decider,
                 "about %.0f rounds at size %s", fmax(q.rounds, 3), size.text);
        break;
    case WISH_GPU:
        snprintf(x->decider, sizeof x->decider,
                 "measuring the GPU, as the projection's interval alone leaves size %s open", size.text);
        break;
    case WISH_TIE:
        snprintf(x->decider, sizeof x->decider,
                 "hardly anything, as both sides are as good as alike at size %s", size.text);
        break;
    default:
        break;
    }
}

/* "gemm bf16 n=3072 k=2048": everything but the axis. */
static void add_family(const struct crossover *x, struct text *out)
{
    const struct record *r = x->from->about;
    const char *key;
    json_t *value;

    text_printf(out, "%s %s", r->workload.text, dtype_name(r->dtype));
    if (x->is_sweep)
        text_printf(out, " %s", x->axis.text);
    json_object_foreach(r->shape, key, value)
    {
        if (x->is_sweep || strcmp(key, x->axis.text) == 0)
            continue;
        if (json_is_string(value))
            text_printf(out, " %s=%s", key, json_string_value(value));
        else
            text_printf(out, " %s=%.0f", key, json_number_value(value));
    }
}

static void write_text(struct crossover *x)
{
    struct text out = {0};

    add_family(x, &out);
    text_printf(&out, ", %s on %s: %s", placement_name(x->placement), x->gpu.text, x->answer);
    if (x->found.doubts)
        text_printf(&out, "; what would decide it: %s", x->decider);
    snprintf(x->text, sizeof x->text, "%s", out.data ? out.data : "");
    text_release(&out);
}

void crossover_words(struct crossover *x)
{
    write_answer(x);
    write_decider(x);
    write_text(x);
}
