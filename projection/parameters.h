/* SPDX-License-Identifier: MIT */
/* The physical parameters of the model, by name: few, each with a unit and a meaning. Their
 * values come from projection/parameters.json, which `make calibrate` writes; those below are
 * what the fit starts from. Those that no timing fits (F) come from assumptions.json alone.
 *
 * A parameter is one number for all GPUs; a trait may differ by architecture generation and
 * falls back to the generation's nearest relative, then to `all`. */
#ifndef OFFLOAD_BENCH_PARAMETERS_H
#define OFFLOAD_BENCH_PARAMETERS_H

#include <math.h>

#include "base/why.h"
#include "projection/assumption.h"
#include "projection/projection.h"

/* X(name, start, least, most, unit, who, meaning); `who`: M matrix, A attention, T traffic
 * models are fitted on it, F: an assumption (assumption.h), neither start nor
 * bounds here. */
#define PARAMETER_MAP(X)                                                               \
    X(clock_power, NAN, NAN, NAN, "", F, "clock ~ (power limit / demand) to this power") \
    X(board_watts, NAN, NAN, NAN, "W", F, "drawn beside the units: memory, regulators, leakage") \
    X(burst_gain, 0.25, 0, 1, "", M, "power above the limit that a short burst may draw") \
    X(burst_us, 3000, 200, 50000, "us", M, "burst after which the limiter has taken half") \
    X(overlap, 4, 1.5, 12, "", M, "how sharply compute hides memory (p-norm)")         \
    X(load_weight, 0.3, 0.02, 2, "", M, "share of a tile's loads that is not hidden")  \
    X(vector_load_weight, 1, 0.02, 30, "", M, "the same, without matrix cores")        \
    X(store_weight, 0.5, 0.02, 4, "", M, "share of a tile's stores that is not hidden") \
    X(turn_cycles, 500, 10, 8000, "", M, "from one tile of a unit to its next")        \
    X(vector_turn, 0.6, 0.01, 2, "", M, "what of stores and turns shows without matrix cores") \
    X(solo_elements, 7000, 500, 65536, "", M, "tile elements that fill a unit of 1024 flops/clock") \
    X(solo_power, 0.5, 0.05, 1, "", M, "how rate falls with fewer elements in flight") \
    X(vector_solo_elements, 6000, 500, 65536, "", M, "the same, without matrix cores") \
    X(tile_start_cycles, 1500, 100, 12000, "", M, "filling and draining a tile's pipeline")\
    X(wave_smooth, 0.3, 0, 1, "", M, "0: whole waves; 1: a partial wave costs its part") \
    X(split_cycles, 3000, 100, 16000, "", M, "second pass of a product split along k")    \
    X(unit_dram_gain, 3, 1, 12, "", M, "DRAM rate one unit can draw / its fair share") \
    X(raster, 1.0, 0.3, 4, "", M, "DRAM re-reads of a wave of tiles / a square wave")  \
    X(odd_vector, 1.1, 1, 3, "", M, "rows not 16-byte aligned, vector pipe")           \
    X(odd_tensor, 1.5, 1, 8, "", M, "rows not 16-byte aligned, matrix cores")          \
    X(smooth_share, 0.9, 0.3, 1.2, "", M, "int8 rate reached / that of 16-bit types")  \
    X(weight_share, 0.9, 0.3, 1.2, "", M, "rate with weights unpacked in the loop")    \
    X(quantise_us, 3, 0.1, 15, "us", M, "quantising the activations first")            \
    X(block_us, 3, 0.1, 15, "us", M, "the same with one scale per block")              \
    X(unpack_us, 1, 0.1, 15, "us", M, "starting a kernel that unpacks weights")        \
    X(matrix_graph_us, 0.5, 0.1, 5, "us", M, "a graph's node beyond the kernel")         \
    X(matrix_eager_us, 55, 10, 150, "us", M, "a linear layer's dispatch")              \
    X(batched_eager_us, 32, 10, 150, "us", M, "a batched product's dispatch")          \
    X(eager_start_us, NAN, NAN, NAN, "us", F, "dispatch that no kernel hides")         \
    X(softmax_start_us, 15, 1, 60, "us", T, "the same of a softmax")                   \
    X(norm_start_us, 30, 1, 60, "us", T, "the same of a norm")                         \
    X(prefill_share, 0.7, 0.2, 1.2, "", A, "multiply rate in prefill / in a gemm")     \
    X(prefill_softmax, 0.5, 0.01, 4, "", A, "exponentials not hidden / special units' rate") \
    X(prefill_tail, 0.5, 0.01, 2, "", A, "uneven end, in longest tiles")               \
    X(prefill_io, 0.5, 0.01, 2, "", A, "share of Q, K, V, O traffic not hidden")       \
    X(solo_step, 1.3, 0.3, 4, "", A, "time of a tile alone on its unit / in company")  \
    X(small_kv_share, 0.9, 0.3, 1.5, "", A, "prefill rate with an 8-bit KV cache")     \
    X(small_kv_cost, 1, 0.5, 4, "", A, "time per byte of an 8-bit KV cache in decode") \
    X(attention_start_cycles, 3000, 50, 30000, "", A, "starting a tile of queries")    \
    X(decode_start_us, 2, 0.1, 15, "us", A, "starting a part of a KV cache")           \
    X(decode_io, 0.5, 0.01, 5, "", A, "queries, outputs and append, in DRAM traffic")  \
    X(decode_step_cycles, 500, 10, 8000, "", A, "latency of a step over 128 keys")     \
    X(decode_dram_share, 0.9, 0.3, 1.2, "", A, "DRAM rate of decode / a stream's")     \
    X(decode_split_us, 1, 0.1, 10, "us", A, "joining the parts of a split KV cache")   \
    X(decode_unit_gain, 2.5, 0.5, 12, "", A, "bandwidth one unit can draw / fair share") \
    X(wide_head, 1.5, 1, 8, "", A, "cost of head dimensions above 256")                \
    X(map_floor_us, 1.5, 0.3, 6, "us", T, "shortest kernel that streams")              \
    X(map_graph_us, 0.5, 0, 5, "us", T, "a graph's node beyond the kernel")              \
    X(map_eager_us, 28, 5, 100, "us", T, "an elementwise call's dispatch")             \
    X(scalar_cost, 1.15, 1, 2, "", T, "the same with a scalar operand / without")      \
    X(softmax_eager_us, 35, 5, 100, "us", T, "a softmax's dispatch")                   \
    X(norm_eager_us, 50, 5, 100, "us", T, "a norm's dispatch")                         \
    X(map_share, 1, 0.6, 1.2, "", T, "DRAM rate of a map / a stream's")                \
    X(norm_share, 0.9, 0.4, 1.2, "", T, "DRAM rate of a norm / a stream's")            \
    X(softmax_share, 0.9, 0.4, 1.2, "", T, "DRAM rate of a softmax / a stream's")      \
    X(row_reuse, NAN, NAN, NAN, "", F, "rows in flight / cache from which passes reread") \
    X(stream_l2_bytes, 20, 4, 64, "B", T, "what a unit streams from L2 per clock")     \
    X(row_step_us, 0.5, 0.02, 3, "us", T, "latency of one row per 1024 elements")      \
    X(norm_work, 40, 5, 800, "flops", T, "unhidden work of an element in rmsnorm")    \
    X(gather_work, 40, 5, 1500, "flops", T, "the same in an embedding lookup")        \
    X(rope_work, 40, 2, 400, "flops", T, "the same in rotary position embedding")      \
    X(gate_work, 40, 2, 400, "flops", T, "the same in a gated activation")             \
    X(amax_work, 40, 2, 400, "flops", T, "the same in the scale of a tensor (its largest)") \
    X(reduce_us, 3, 0.5, 10, "us", T, "second stage of a reduction")                   \
    X(special_share, 1, 0.02, 10, "", T, "unhidden work of other functions / nominal") \
    X(launch_us, NAN, NAN, NAN, "us", F, "host launch and wait beyond the kernel")     \
    X(pinned_share, NAN, NAN, NAN, "", F, "pinned copies / link datasheet")            \
    X(pageable_share, NAN, NAN, NAN, "", F, "pageable copies / link datasheet")        \
    X(copy_us, NAN, NAN, NAN, "us", F, "starting one copy over the link")

/* X(name, start, least, most, unit, who, meaning); values by family. */
#define TRAIT_MAP(X)                                                                   \
    X(dram_share, 0.85, 0.5, 1, "", T, "DRAM bandwidth reached / datasheet")           \
    X(l2_bytes_per_clock, NAN, NAN, NAN, "B", F, "L2 bandwidth per unit and clock")    \
    X(l1_kib, NAN, NAN, NAN, "KiB", F, "L1 of a unit")                                 \
    X(issue_share, NAN, NAN, NAN, "", F, "vector rate that the issue slots leave / datasheet") \
    X(tensor_share, 0.85, 0.3, 1, "", M, "matrix rate reached / datasheet, at its clock") \
    X(tensor_watts, 2, 0.3, 6, "W/GHz", M, "power of a unit at full matrix rate")      \
    X(vector_share, 0.9, 0.3, 1, "", M, "vector rate reached / datasheet, at its clock") \
    X(vector_watts, 1.5, 0.3, 6, "W/GHz", M, "power of a unit at full vector rate")    \
    X(weight_dram_share, 0.85, 0.4, 1.05, "", M, "DRAM bandwidth of a product / datasheet") \
    X(matrix_floor_cycles, 3000, 300, 15000, "", M, "shortest matrix kernel")           \
    X(fp8_share, 0.85, 0.3, 1.1, "", M, "fp8 rate reached / that of 16-bit types")     \
    X(fp8_block_share, 0.6, 0.1, 1.1, "", M, "the same with one scale per block")      \
    X(prefill_kernel_us, 4, 0.5, 15, "us", A, "shortest kernel of a prefill with append") \
    X(decode_floor_cycles, 18000, 2000, 60000, "", A, "shortest decode with append")   \
    X(attention_share, 1, 0.4, 1.6, "", A, "attention kernels of the generation / all") \
    X(decode_share, 1, 0.4, 1.6, "", A, "decode kernels of the generation / all")

struct parameters {
#define X(name, start, least, most, unit, who, meaning) double name;
    PARAMETER_MAP(X)
#undef X
#define X(name, start, least, most, unit, who, meaning) double name[FAMILIES];
    TRAIT_MAP(X)
#undef X
};

enum who { WHO_F, WHO_M, WHO_A, WHO_T };

/* One number of struct parameters. family: -1 for a parameter that all GPUs share. */
struct knob {
    const char *name, *unit, *meaning;
    double start, least, most;
    enum who who;
    int family;
    size_t offset;
};

enum { KNOBS = 280 };

/* All numbers, parameters first, then traits by family; returns how many. */
int knobs_list(struct knob knob[KNOBS]);
double *knob_value(struct parameters *, const struct knob *);

/* Name of a family in the file; -1 when unknown. */
const char *family_name(int family);
int family_parse(const char *name);
/* The generation whose traits stand in for `family` where it has none of its own. */
int family_parent(int family);
/* What a trait of `family` is expected to be / that of its parent; 1 but for power. */
double family_scale(const struct knob *trait, int family);

/* Start values everywhere, traits NAN but for `all` (FAMILY_OTHER); assumptions as they are. */
void parameters_init(struct parameters *);
/* Give the number that `assumption` speaks of, in its generations, another value; nothing
 * when it speaks of none. */
void parameters_assume(struct parameters *, const struct assumption *, double value);
/* Give traits that are NAN their relative's value. */
void parameters_inherit(struct parameters *);
/* Read the text of parameters.json. Errors: STATUS_INVALID naming the key. */
int parameters_read(struct parameters *, const char *json, size_t n, struct why *);
/* As compiled in, inherited; never NULL. */
const struct parameters *parameters_builtin(void);

#endif
