/* SPDX-License-Identifier: MIT */
#include "harness/group_record.h"

#include <math.h>

#include "workloads/portion.h"

json_t *group_shape(const struct group *g)
{
    json_t *shape = json_object();

    for (int i = 0; shape && i < workload_axes(g->workload); i++) {
        const struct axis *axis = &g->workload->axis[i];
        int64_t n = g->problem.shape.n[i];

        if (n != axis->fallback)
            json_object_set_new(shape, axis->name,
                                axis->value ? json_string(axis->value[n]) : json_integer(n));
    }
    return shape;
}

static void describe_bytes(struct record *r, const struct group *g)
{
    const struct workload *w = g->workload;
    struct cost cost = w->cost(&g->problem);

    r->flops = cost.flops;
    r->bytes_read = cost.bytes_read;
    r->bytes_written = cost.bytes_written;
    r->upload_bytes = r->stationary_bytes = r->download_bytes = 0;
    for (int i = 0; i < workload_args(w); i++) {
        double bytes = (double)workload_arg_bytes(w, &g->problem, i);

        if (w->args[i].flow & FLOW_IN)
            r->upload_bytes += bytes;
        if (w->args[i].flow & FLOW_IN && w->args[i].trait == ARG_STATIONARY)
            r->stationary_bytes += bytes;
        if (w->args[i].flow & FLOW_OUT)
            r->download_bytes += bytes;
    }
}

static void describe_portions(struct record *r, const struct group *g)
{
    struct portions s = portions_of(g->workload, &g->problem);

    r->split_axis = name_of(s.axis);
    r->split_length = s.length;
    r->whole_bytes = s.whole_bytes;
    r->whole_upload_bytes = s.whole_upload_bytes;
    r->whole_stationary_bytes = s.whole_stationary_bytes;
}

void group_describe(struct record *r, const struct group *g, const struct device_row *row,
                    const struct variant *v)
{
    record_init(r);
    r->workload = name_of(g->workload->name);
    r->shape = group_shape(g);
    workload_shape_text(g->workload, &g->problem.shape, r->shape_text.text,
                        sizeof r->shape_text.text);
    r->sweep = name_of(g->sweep ? g->sweep->name : NULL);
    r->size = g->size;
    r->dtype = g->problem.dtype;
    r->roundoff = dtype_roundoff(r->dtype);
    r->cache = g->cache;
    r->judged = g->workload->role == ROLE_JUDGED && !g->is_proof;
    r->proof = g->is_proof;
    r->memory = g->workload->host_memory ? g->workload->host_memory(&g->problem)
                                         : MEMORY_PAGEABLE;
    describe_bytes(r, g);
    describe_portions(r, g);
    if (row) {
        r->device_kind = row->kind;
        r->device = name_of(row->id.text);
        r->device_model = why_of(row->model);
        r->evidence = row->evidence;
    }
    if (v) {
        r->variant = name_of(v->name);
        r->provider = name_of(v->provider);
        r->note = why_of(v->note);
        r->judged = r->judged && v->roundoff == 0;
        r->roundoff = fmax(r->roundoff, v->roundoff);
    }
}
