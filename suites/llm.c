/* SPDX-License-Identifier: MIT */
/* The operations of a decoder-only transformer with grouped-query attention and a gated
 * feed-forward, as published inference code runs them: q, k, v in one matrix product,
 * gate and up in another; only the last token of a prompt goes through the output
 * projection. Weights are stored [out, in], as checkpoints have them, hence tb = t. */
#include "suites/llm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suites/shelf.h"
#include "suites/table.h"

/* Room for the 14 links of a pass. */
enum { LINKS = 16 };

/* One pass being written down. The first failure stays in `status`. */
struct pass {
    struct suite *suite;
    struct suite_chain *chain;
    const struct model *model;
    enum dtype dtype;
    int64_t tokens,
        layers; /* rows of the activations; how often a layer's links count */
    int status;
    struct why *why;
};

static struct suite_row row_of(const struct pass *p, const char *workload,
                               enum cache cache)
{
    struct suite_row row = {.dtype = p->dtype, .cache = cache};

    row.workload = name_of(workload);
    return row;
}

static void link_add(struct pass *p, const char *op, const struct suite_row *row,
                     int64_t count)
{
    struct suite_link *link;
    int index = p->status ? p->status : table_row(p->suite, row, p->why);

    if (index < 0) {
        p->status = index;
        return;
    }
    link = &p->chain->link[p->chain->links++];
    *link = (struct suite_link){.row = index, .count = (double)count};
    link->op = name_of(op);
}

static void link_rows(struct pass *p, const char *op, const char *workload,
                      int64_t rows, int64_t cols, int64_t count)
{
    struct suite_row row = row_of(p, workload, CACHE_HOT);

    table_axis_count(&row, "rows", rows);
    table_axis_count(&row, "cols", cols);
    link_add(p, op, &row, count);
}

static void link_gemm(struct pass *p, const char *op, int64_t m, int64_t n, int64_t k,
                      int64_t count)
{
    struct suite_row row = row_of(p, "gemm", CACHE_COLD);

    table_axis_count(&row, "m", m);
    table_axis_count(&row, "n", n);
    table_axis_count(&row, "k", k);
    table_axis(&row, "ta", "n");
    table_axis(&row, "tb", "t");
    link_add(p, op, &row, count);
}

static void link_embedding(struct pass *p)
{
    struct suite_row row = row_of(p, "embedding", CACHE_COLD);

    table_axis_count(&row, "tokens", p->tokens);
    table_axis_count(&row, "vocab", p->model->vocab);
    table_axis_count(&row, "cols", p->model->hidden);
    link_add(p, "embedding", &row, 1);
}

static void link_rope(struct pass *p)
{
    struct suite_row row = row_of(p, "rope", CACHE_HOT);

    table_axis_count(&row, "tokens", p->tokens);
    table_axis_count(&row, "heads", p->model->heads + p->model->kv_heads);
    table_axis_count(&row, "head_dim", p->model->head_dim);
    table_axis_count(&row, "theta", p->model->theta);
    /* the workload's own table of angles covers 4096 positions */
    if (p->chain->context > 4096)
        table_axis_count(&row, "context", p->chain->context);
    link_add(p, "rope", &row, p->layers);
}

static void link_attention(struct pass *p)
{
    const struct model *m = p->model;
    bool is_decode = strcmp(p->chain->phase.text, "decode") == 0;
    struct suite_row row =
        row_of(p, is_decode ? "attention_decode" : "attention_prefill",
               is_decode ? CACHE_COLD : CACHE_HOT);

    table_axis_count(&row, "batch", p->chain->batch);
    table_axis_count(&row, "heads", m->heads);
    table_axis_count(&row, "kv_heads", m->kv_heads);
    table_axis_count(&row, "head_dim", m->head_dim);
    if (!is_decode)
        table_axis_count(&row, "q_len", p->chain->context);
    table_axis_count(&row, "kv_len", p->chain->context);
    if (!is_decode)
        table_axis(&row, "causal", "yes");
    /* a window as long as the context hides nothing */
    if (m->window && m->window < p->chain->context)
        table_axis_count(&row, "window", m->window);
    link_add(p, "attention", &row, p->layers);
}

static void links_of_layers(struct pass *p)
{
    const struct model *m = p->model;
    int64_t t = p->tokens, q = m->heads * m->head_dim, kv = m->kv_heads * m->head_dim;

    link_rows(p, "attn_norm", "rmsnorm", t, m->hidden, p->layers);
    link_gemm(p, "qkv_proj", t, q + 2 * kv, m->hidden, p->layers);
    link_rope(p);
    link_attention(p);
    link_gemm(p, "o_proj", t, m->hidden, q, p->layers);
    link_rows(p, "attn_add", "add", t, m->hidden, p->layers);
    link_rows(p, "ffn_norm", "rmsnorm", t, m->hidden, p->layers);
    link_gemm(p, "gate_up_proj", t, 2 * m->ffn, m->hidden, p->layers);
    link_rows(p, "swiglu", "swiglu", t, m->ffn, p->layers);
    link_gemm(p, "down_proj", t, m->hidden, m->ffn, p->layers);
    link_rows(p, "ffn_add", "add", t, m->hidden, p->layers);
}

int llm_chain(struct suite *suite, struct suite_chain *chain, const struct model *m,
              enum dtype dtype, struct why *why)
{
    bool is_decode = strcmp(chain->phase.text, "decode") == 0;
    struct pass p = {
        .suite = suite, .chain = chain, .model = m, .dtype = dtype, .why = why};

    p.tokens = is_decode ? chain->batch : chain->batch * chain->context;
    p.layers = m->layers;
    chain->tokens = (double)p.tokens;
    chain->link = calloc(LINKS, sizeof *chain->link);
    if (!chain->link)
        return why_fail(why, STATUS_MEMORY, "no memory for the chains of '%s'",
                        m->name.text);
    link_embedding(&p);
    links_of_layers(&p);
    link_rows(&p, "final_norm", "rmsnorm", chain->batch, m->hidden, 1);
    link_gemm(&p, "lm_head", chain->batch, m->vocab, m->hidden, 1);
    if (!p.status)
        chain->link[chain->links - 1].is_shared = m->is_tied;
    link_rows(&p, "sampling", "softmax", chain->batch, m->vocab, 1);
    return p.status;
}

/* A list of whole numbers: the request's, else the file's. */
struct counts {
    int64_t value[64];
    int n;
};

static int counts_read(struct counts *c, const json_t *list, const char *where,
                       const char *field, struct why *why)
{
    *c = (struct counts){0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);

        if (!json_is_integer(value) || json_integer_value(value) < 1 || c->n == 64)
            return why_fail(
                why, STATUS_INVALID,
                "%s: field '%s' must be a list of at most 64 whole numbers above 0",
                where, field);
        c->value[c->n++] = json_integer_value(value);
    }
    if (c->n == 0)
        return why_fail(why, STATUS_INVALID,
                        "%s: field '%s' must be a list of whole numbers", where, field);
    return 0;
}

static int counts_ask(struct counts *c, const int64_t *value, int n, const char *option,
                      struct why *why)
{
    *c = (struct counts){0};
    for (int i = 0; i < n; i++) {
        if (value[i] < 1 || value[i] > INT64_C(1) << 31 || c->n == 64)
            return why_fail(
                why, STATUS_INVALID,
                "%s takes at most 64 whole numbers from 1 to 2^31, not %lld", option,
                (long long)value[i]);
        c->value[c->n++] = value[i];
    }
    return 0;
}

static int chain_add(struct suite *suite, const struct suite_chain *like,
                     const struct model *m, enum dtype dtype, struct why *why)
{
    struct suite_chain *grown =
        realloc(suite->chain, ((size_t)suite->chains + 1) * sizeof *grown);

    if (!grown)
        return why_fail(why, STATUS_MEMORY, "no memory for the chains of '%s'",
                        m->name.text);
    suite->chain = grown;
    grown[suite->chains] = *like;
    return llm_chain(suite, &suite->chain[suite->chains++], m, dtype, why);
}

/* All chains of one entry of the file. */
struct entry {
    const struct model *model;
    const struct counts *batch, *context;
    const char *phase;
    unsigned dtypes;
};

static void chain_name(struct suite_chain *chain, const struct entry *e,
                       enum dtype dtype)
{
    bool is_alone = (e->dtypes & (e->dtypes - 1)) == 0;

    chain->phase = name_of(e->phase);
    if (is_alone)
        chain->model = e->model->name;
    else
        snprintf(chain->model.text, sizeof chain->model.text, "%.50s (%s)",
                 e->model->name.text, dtype_name(dtype));
}

static int entry_chains(struct suite *suite, const struct entry *e, struct why *why)
{
    int status = 0;

    for (int dtype = 0; dtype < DTYPES; dtype++)
        for (int b = 0; !status && e->dtypes >> dtype & 1 && b < e->batch->n; b++)
            for (int c = 0; !status && c < e->context->n; c++) {
                struct suite_chain chain = {.batch = e->batch->value[b],
                                            .context = e->context->value[c]};

                chain_name(&chain, e, (enum dtype)dtype);
                status = chain_add(suite, &chain, e->model, (enum dtype)dtype, why);
            }
    return status;
}

static int entry_read(struct suite *suite, const char *where, const json_t *item,
                      struct entry *e, const struct suite_request *request,
                      struct why *why)
{
    static const char *const known[] = {"phase", "batch", "context", "note", NULL};
    struct counts batch, context;
    int status = shelf_keys(item, where, known, why);

    e->phase = json_string_value(json_object_get(item, "phase"));
    if (!status &&
        (!e->phase || (strcmp(e->phase, "prefill") && strcmp(e->phase, "decode"))))
        status = why_fail(why, STATUS_INVALID,
                          "%s: field 'phase' must be \"prefill\" or \"decode\"", where);
    if (!status)
        status = request->batches ? counts_ask(&batch, request->batch, request->batches,
                                               "--batch", why)
                                  : counts_read(&batch, json_object_get(item, "batch"),
                                                where, "batch", why);
    if (!status)
        status = request->contexts
                     ? counts_ask(&context, request->context, request->contexts,
                                  "--context", why)
                     : counts_read(&context, json_object_get(item, "context"), where,
                                   "context", why);
    e->batch = &batch;
    e->context = &context;
    return status ? status : entry_chains(suite, e, why);
}

static void note_write(struct suite *suite, const struct model *m, unsigned dtypes)
{
    double parameters = model_parameters(m), kv = model_kv_elements(m);
    size_t bytes = 2;
    int used;

    for (int d = 0; d < DTYPES; d++)
        if (dtypes >> d & 1)
            bytes = dtype_bytes((enum dtype)d);
    used = snprintf(
        suite->note, sizeof suite->note,
        "%s: %.3g billion parameters, %.2f GB of weights at %zu bytes each, %.1f kB "
        "of KV cache per token (%.2f GB for 8 sequences of 4096); ",
        m->name.text, parameters / 1e9, parameters * (double)bytes / 1e9, bytes,
        kv * (double)bytes / 1e3, kv * (double)bytes * 8 * 4096 / 1e9);
    if (used < 0 || (size_t)used >= sizeof suite->note)
        return;
    snprintf(suite->note + used, sizeof suite->note - (size_t)used,
             "%d layers of %d, %d heads and %d KV heads of %d, feed-forward %d; "
             "source: %.90s",
             (int)m->layers, (int)m->hidden, (int)m->heads, (int)m->kv_heads,
             (int)m->head_dim, (int)m->ffn, m->source);
}

static unsigned dtypes_of(const char *path, const json_t *root,
                          const struct suite_request *request, struct why *why)
{
    unsigned set = 0;

    for (int i = 0; i < request->dtypes; i++)
        set |= 1u << request->dtype[i];
    return set ? set : table_dtypes(json_object_get(root, "dtype"), path, why);
}

int llm_read(struct suite *suite, const char *path, const json_t *root,
             const struct suite_request *asked, struct why *why)
{
    static const struct suite_request nothing;
    const struct suite_request *request = asked ? asked : &nothing;
    const json_t *list = json_object_get(root, "chains");
    const char *name = request->model
                           ? request->model
                           : json_string_value(json_object_get(root, "model"));
    struct model model;
    struct entry entry = {.model = &model};
    int status = 0;

    if (!name)
        return why_fail(why, STATUS_INVALID, "%s: field 'model' must name a model",
                        path);
    if (!json_is_array(list) || json_array_size(list) == 0)
        return why_fail(why, STATUS_INVALID, "%s: field 'chains' must be a list", path);
    entry.dtypes = dtypes_of(path, root, request, why);
    if (!entry.dtypes)
        return STATUS_INVALID;
    status = model_load(&model, name, why);
    for (size_t i = 0; !status && i < json_array_size(list); i++) {
        char where[160];

        snprintf(where, sizeof where, "%s: chain %zu", path, i + 1);
        status =
            entry_read(suite, where, json_array_get(list, i), &entry, request, why);
    }
    if (!status)
        note_write(suite, &model, entry.dtypes);
    return status;
}
