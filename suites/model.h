/* SPDX-License-Identifier: MIT */
/* The facts of a decoder-only transformer that decide what its operations cost. Written
 * with the key names of a Hugging Face config.json, so that most of those files work as
 * they are: hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
 * vocab_size are required; num_key_value_heads (= num_attention_heads), head_dim (=
 * hidden_size / num_attention_heads), rope_theta (10000), tie_word_embeddings (false),
 * sliding_window (none; ignored where use_sliding_window is false) have the fallbacks
 * that the library `transformers` gives them for these model types. */
#ifndef OFFLOAD_BENCH_MODEL_H
#define OFFLOAD_BENCH_MODEL_H

#include <stdint.h>

#include "base/terms.h"
#include "base/why.h"

struct model {
    struct name name, type; /* "llama-3.2-1b", model_type "llama" */
    char source[160];       /* where the facts come from */
    int64_t hidden, ffn, layers, heads, kv_heads, head_dim, vocab, theta;
    int64_t window; /* tokens a query sees; 0: all before it */
    bool is_tied;   /* the output projection is the embedding table */
    bool has_qkv_bias;
};

/* Load a built-in model by name (case ignored), or a config.json, or a folder with one.
 * Only models made of the suite's operations: rmsnorm before attention and before a
 * gated SiLU feed-forward, rotary positions, grouped-query attention. Errors:
 * STATUS_INVALID (unknown name with the nearest ones; the file with its field),
 * STATUS_IO. */
int model_load(struct model *, const char *name_or_path, struct why *why);
/* The same from JSON text; `path` names it in sentences and, without a field "name" or
 * "_name_or_path", names the model. */
int model_parse(struct model *, const char *path, const char *text, struct why *why);

/* Weights of the whole model, norms and biases included. */
double model_parameters(const struct model *);
/* Elements that one token adds to the KV cache, all layers. */
double model_kv_elements(const struct model *);

#endif
