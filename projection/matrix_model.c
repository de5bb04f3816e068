/* SPDX-License-Identifier: MIT */
/* Matrix products as tiles on units: for each tile shape and split of k that a library could
 * choose, whole waves of tiles at the rate the pipe keeps at the clock that the power limit
 * allows, or the DRAM and L2 traffic of those waves, whichever takes longer; the best choice
 * is what the library is credited with. Method: tile and wave quantisation as in NVIDIA's
 * "Matrix Multiplication Background User's Guide", split along k as in CUTLASS. */
#include "projection/model.h"

#include <math.h>

struct tile {
    double m, n;
};

/* Tile shapes found in cuBLAS and CUTLASS, with matrix cores and without. */
static const struct tile tensor_tiles[] = {{256, 256}, {256, 128}, {128, 256}, {128, 128}, {128, 64},
                                           {64, 128},  {64, 64},   {32, 128},  {128, 32},
                                           {64, 32},   {32, 64},   {16, 64},   {64, 16}};
static const struct tile vector_tiles[] = {{128, 128}, {128, 64}, {64, 128}, {64, 64},
                                           {128, 32},  {32, 128}, {64, 32},  {32, 64},
                                           {32, 32},   {16, 64},  {64, 16}};
static const double splits[] = {1, 2, 3, 4, 6, 8, 12, 16, 32};

enum { SPLITS = sizeof splits / sizeof *splits };

/* One product in the model's units: seconds are microseconds, bytes per microsecond. */
struct product {
    double m, n, k, batch, units;
    double unit_flops, unit_l2, dram, l2; /* rates per us */
    double a_bytes, b_bytes, c_bytes;     /* of an element */
    double cold_bytes, hot_share;         /* what DRAM must give at least */
    double solo_elements, solo_power, load_weight;
    double sharers; /* units that load a tile's columns once, together */
};

struct choice {
    double compute, dram, start, total, waves;
};

/* Clock under the power limit / boost, when a unit draws `watts` per GHz for `busy_us`:
 * limiters average over milliseconds, shorter bursts may draw more. */
static double clock_share(const struct work *w, double watts, double busy_us)
{
    const struct parameters *p = w->parameter;
    double demand = watts * w->gpu->units * w->gpu->boost_hz * 1e-9;
    double limit = fmax(w->gpu->tdp_w - p->board_watts, 0.3 * w->gpu->tdp_w) *
                   (1 + p->burst_gain / (1 + busy_us / p->burst_us));

    if (!(limit < demand))
        return 1;
    return pow(limit / demand, p->clock_power);
}

static double pipe_watts(const struct work *w)
{
    const struct parameters *p = w->parameter;

    return w->is_tensor ? p->tensor_watts[w->gpu->family] : p->vector_watts[w->gpu->family];
}

double model_tensor_rate(const struct work *w, double utilisation, double flops)
{
    const struct parameters *p = w->parameter;
    int family = (int)w->gpu->family;
    double peak = w->pipe_flops_per_s * 1e-6;
    double clock = clock_share(w, utilisation * pipe_watts(w), flops / peak);

    /* Units of 128 lanes and four schedulers have no issue slot to spare for the loads. */
    if (!w->is_tensor)
        return peak * p->issue_share[family] * p->vector_share[family] * clock;
    return peak * p->tensor_share[family] * clock;
}

double model_throttle(const struct work *w, double utilisation, double flops)
{
    static const double apart = 1.25; /* as far as traits of power are uncertain */
    double watts = utilisation * pipe_watts(w), busy_us = flops / w->pipe_flops_per_s * 1e6;

    return log(clock_share(w, watts / apart, busy_us) / clock_share(w, watts * apart, busy_us)) /
           (2 * log(apart));
}

static double precision_share(const struct work *w)
{
    const struct parameters *p = w->parameter;

    switch (w->op->precision) {
    case PRECISION_FP8:
    case PRECISION_FP4:
        return p->fp8_share[w->gpu->family];
    case PRECISION_FP8_BLOCK:
        return p->fp8_block_share[w->gpu->family];
    case PRECISION_SMOOTH:
        return p->smooth_share;
    case PRECISION_I8_WEIGHT:
    case PRECISION_I4_WEIGHT:
        return p->weight_share;
    default:
        return w->op->dtype == DTYPE_I8 ? p->smooth_share : 1;
    }
}

/* Rows that do not start on 16 bytes cannot be loaded in vectors. */
static double alignment_cost(const struct work *w)
{
    int64_t unit = (int64_t)(16 / (w->element_bytes > 1 ? w->element_bytes : 1));
    bool is_odd = w->op->k % unit != 0 || w->op->n % unit != 0;

    if (!is_odd)
        return 1;
    return w->is_tensor ? w->parameter->odd_tensor : w->parameter->odd_vector;
}

/* RRZE-HPC/gpu-benches, bandwidth against working set of A100, H100 and L40. */
double model_resident_share(const struct work *w, double bytes)
{
    /* The halves of GA100, GH100 and GB100 keep copies of each other's lines. */
    bool is_split = w->gpu->family == FAMILY_AMPERE || w->gpu->family == FAMILY_HOPPER ||
                    w->gpu->family == FAMILY_BLACKWELL;
    double from = is_split ? 0.65 : 0.95, to = is_split ? 1.25 : 1.2;
    double lost = fmin(1, fmax(0, (bytes / w->l2_bytes - from) / (to - from)));

    return 1 - (is_split ? sqrt(lost) : lost);
}

/* Elements of tiles that must be in flight on a unit before latency no longer limits it: by
 * Little's law in proportion to what it multiplies per clock (in 16 bits; narrower types take
 * more of k per instruction, not more tile). */
static double solo_elements(const struct work *w)
{
    const struct parameters *p = w->parameter;
    double rate = w->gpu->flops_per_s[DTYPE_F16];

    if (!w->is_tensor)
        return p->vector_solo_elements;
    if (!(rate > 0))
        rate = w->pipe_flops_per_s * w->gpu->dies;
    return p->solo_elements * rate / w->gpu->boost_hz / w->gpu->units / 1024;
}

static void product_init(const struct work *w, struct product *x)
{
    const struct parameters *p = w->parameter;
    const struct operation *op = w->op;
    double weights, others, copies;

    *x = (struct product){.m = (double)op->m, .n = (double)op->n, .k = (double)op->k,
                          .batch = op->batch > 0 ? (double)op->batch : 1,
                          .units = w->units, .a_bytes = w->element_bytes,
                          .b_bytes = w->weight_bytes};
    x->c_bytes = w->element_bytes < 2 ? 2 : w->element_bytes;
    x->unit_flops = model_tensor_rate(w, 1, 2 * x->m * x->n * x->k * x->batch) *
                    precision_share(w) / alignment_cost(w) / x->units;
    x->unit_l2 = p->l2_bytes_per_clock[w->gpu->family] * w->gpu->boost_hz * 1e-6;
    x->l2 = x->unit_l2 * x->units;
    x->dram = w->dram_bytes_per_s * 1e-6 * p->weight_dram_share[w->gpu->family];
    x->solo_elements = solo_elements(w);
    x->solo_power = p->solo_power;
    /* Thread block clusters (Hopper Tuning Guide): a load is multicast to pairs of units. */
    x->sharers = w->gpu->family == FAMILY_HOPPER || w->gpu->family == FAMILY_BLACKWELL ? 2 : 1;
    x->load_weight = w->is_tensor ? p->load_weight : p->vector_load_weight;
    weights = x->batch * x->k * x->n * x->b_bytes;
    others = x->batch * (x->m * x->k * x->a_bytes + x->m * x->n * x->c_bytes);
    /* Serving frameworks time graphs over rotating copies of the weights: as many as
     * exceed the L2, five at most (aiconfigurator's collector). */
    copies = w->timing == TIMING_GRAPH ? fmin(5, ceil(w->l2_bytes / weights)) : 1;
    x->hot_share = op->cold ? 0 : model_resident_share(w, copies * weights + others);
    x->cold_bytes = weights * (1 - x->hot_share) +
                    others * (1 - model_resident_share(w, weights + others));
}

/* DRAM bytes when every wave reads its rows and columns anew. */
static double wave_bytes(const struct work *w, const struct product *x, struct tile t,
                         double tiles)
{
    double at_once = fmin(tiles / x->batch, x->units);
    double side = sqrt(at_once * t.m * t.n) * w->parameter->raster;
    /* in tiles: a product of few rows has no more of them than it needs */
    double rows = fmin(ceil(x->m / t.m), fmax(side / t.m, 1));
    double high = fmin(x->m, rows * t.m), wide = fmin(x->n, at_once / rows * t.n);
    double waves = fmax(1, tiles / x->units);

    return waves * x->k * (high * x->a_bytes + wide * x->b_bytes) *
           fmax(1, x->units / (tiles / x->batch) < 1 ? 1 : fmin(x->batch, x->units * x->batch / tiles));
}

static struct choice choice_time(const struct work *w, const struct product *x, struct tile t,
                                 double split)
{
    const struct parameters *p = w->parameter;
    double tiles = ceil(x->m / t.m) * ceil(x->n / t.n) * x->batch * split;
    double per_unit = tiles / x->units, whole = ceil(per_unit);
    double rounds = per_unit <= 1 ? 1 : whole + (per_unit - whole) * p->wave_smooth;
    double steps = ceil(x->k / split / 32) * 32;
    double in_flight = fmin(fmin(whole, 4) * t.m * t.n, x->solo_elements);
    double fill = in_flight < x->solo_elements
                      ? powf((float)(in_flight / x->solo_elements), (float)x->solo_power) : 1;
    double multiply = 2 * t.m * t.n / (x->unit_flops * fill);
    double load = (t.m * x->a_bytes + t.n * x->b_bytes / x->sharers) / x->unit_l2;
    double reach = fmin(1, tiles * p->unit_dram_gain / x->units);
    double cycles_per_us = w->gpu->boost_hz * 1e-6;
    /* Without matrix cores several tiles share a unit: one's end hides behind another. */
    double turn = w->is_tensor ? 1 : p->vector_turn;
    struct choice c;

    c.compute = rounds * (steps * (multiply + x->load_weight * load) +
                          turn * p->store_weight * t.m * t.n * x->c_bytes / x->unit_l2) +
                (rounds - 1) * turn * p->turn_cycles / cycles_per_us;
    c.dram = fmax(x->cold_bytes, wave_bytes(w, x, t, tiles) * (1 - x->hot_share)) /
             (x->dram * reach);
    c.start = p->tile_start_cycles / cycles_per_us;
    if (split > 1)
        c.start += p->split_cycles / cycles_per_us + 8 * split * x->m * x->n * x->batch / x->l2;
    c.total = fmax(c.compute, c.dram) + c.start;
    c.waves = per_unit;
    return c;
}

static struct choice choice_best(const struct work *w, const struct product *x)
{
    const struct tile *tile = w->is_tensor ? tensor_tiles : vector_tiles;
    int tiles = w->is_tensor ? (int)(sizeof tensor_tiles / sizeof *tile)
                             : (int)(sizeof vector_tiles / sizeof *tile);
    struct choice best = {.total = INFINITY};
    /* Kernels that scale block by block along k come without a split of k. */
    int last_split = w->op->precision == PRECISION_FP8_BLOCK ? 1 : SPLITS;

    /* From Ampere on cuBLAS ships batched products without matrix cores in one tile only. */
    if (!w->is_tensor && w->kind->is_batched && w->gpu->family >= FAMILY_AMPERE &&
        w->gpu->family < FAMILY_CDNA)
        tiles = 1;
    /* Only Blackwell's paired units (tcgen05, two-unit products) hold tiles of 256 x 256. */
    for (int i = w->is_tensor && w->gpu->family != FAMILY_BLACKWELL; i < tiles; i++) {
        double grid = ceil(x->m / tile[i].m) * ceil(x->n / tile[i].n) * x->batch;

        for (int s = 0; s < last_split; s++) {
            struct choice c;

            if (s > 0 && (x->batch > 1 || grid * splits[s] > 2.1 * x->units || x->k / splits[s] < 128))
                break;
            c = choice_time(w, x, tile[i], splits[s]);
            if (c.total < best.total)
                best = c;
        }
    }
    return best;
}

/* Activations are brought to the small type before the product; small weights unpacked. */
static double quantise_us(const struct work *w, const struct product *x)
{
    const struct parameters *p = w->parameter;

    switch (w->op->precision) {
    case PRECISION_FP8:
    case PRECISION_FP4:
    case PRECISION_SMOOTH:
        return p->quantise_us + 3 * x->m * x->k / x->dram;
    case PRECISION_FP8_BLOCK:
        return p->block_us + 3 * x->m * x->k / x->dram;
    case PRECISION_I8_WEIGHT:
    case PRECISION_I4_WEIGHT:
        return p->unpack_us;
    default:
        return 0;
    }
}

void model_matrix(const struct work *w, struct ledger *l)
{
    const struct parameters *p = w->parameter;
    struct product x;
    struct choice c;
    double hard, soft, both;

    product_init(w, &x);
    c = choice_best(w, &x);
    l->compute = c.compute;
    l->memory = c.dram;
    l->overlap = p->overlap;
    l->few = fmin(1, 1 / c.waves);
    l->throttle = model_throttle(w, 1, 2 * x.m * x.n * x.k * x.batch);
    hard = fmax(c.compute, c.dram);
    soft = fmin(c.compute, c.dram);
    both = hard > 0 ? hard * pow(1 + pow(soft / hard, p->overlap), 1 / p->overlap) : 0;
    l->latency = p->matrix_floor_cycles[w->gpu->family] / (w->gpu->boost_hz * 1e-6) + c.start;
    l->latency += quantise_us(w, &x);
    l->total = both + l->latency;
    ledger_add(l, "multiply-add in whole waves", c.compute);
    ledger_add(l, "DRAM", c.dram);
    ledger_add(l, "start, split and floor", l->latency);
}
