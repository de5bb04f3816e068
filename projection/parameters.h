/* SPDX-License-Identifier: MIT */
/* The physical parameters of the model, by name: few, each with a unit and a meaning. Their
 * values come from projection/parameters.json, which `make calibrate` writes; those below are
 * what the fit starts from. */
#ifndef OFFLOAD_BENCH_PARAMETERS_H
#define OFFLOAD_BENCH_PARAMETERS_H

/* X(name, start, least, most, unit, meaning) */
#define PARAMETER_MAP(X)                                                               \
    X(dram_share, 0.88, 0.5, 1, "", "DRAM bandwidth reached / datasheet")              \
    X(tensor_share, 0.85, 0.3, 1, "", "tensor pipe rate reached / datasheet")          \
    X(vector_share, 0.9, 0.3, 1, "", "vector pipe rate reached / datasheet")           \
    X(kernel_floor_us, 2, 0.5, 5, "us", "shortest kernel")                             \
    X(graph_gap_us, 0.8, 0, 5, "us", "a graph's node beyond the kernel")               \
    X(launch_us, 6, 1, 30, "us", "host launch and wait beyond the kernel")             \
    X(eager_us, 25, 5, 100, "us", "a framework's dispatch beyond the kernel")          \
    X(pinned_share, 0.85, 0.5, 1, "", "pinned copies / link datasheet")                \
    X(pageable_share, 0.4, 0.1, 1, "", "pageable copies / link datasheet")             \
    X(copy_us, 8, 1, 30, "us", "starting one copy over the link")

struct parameters {
#define X(name, start, least, most, unit, meaning) double name;
    PARAMETER_MAP(X)
#undef X
};

#endif
