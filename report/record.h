/* SPDX-License-Identifier: MIT */
/* What is kept: one line of results.jsonl. The first line is the run's header, then chains
 * (what the suite is made of), then one record per cell or projection as it is finished.
 * The whole of the report is made from these lines. */
#ifndef OFFLOAD_BENCH_RECORD_H
#define OFFLOAD_BENCH_RECORD_H

#include <jansson.h>
#include <stdio.h>

#include "base/series.h"
#include "base/terms.h"
#include "base/why.h"

#define RESULTS_SCHEMA "offload-bench/results/1"

/* Kinds of line. */
#define RECORD_KIND_MAP(X)                                                             \
    X(RECORD_CELL, "cell")             /* a variant on a device, measured */            \
    X(RECORD_PROJECTION, "projection") /* a call on a GPU that is not here */           \
    X(RECORD_PLACEMENT, "placement")   /* a device cell's call with its data placed */  \
    X(RECORD_COLD, "cold")             /* a process's first call, from opening to freeing */
enum record_kind {
#define X(value, text) value,
    RECORD_KIND_MAP(X)
#undef X
};

/* Rows of one wall-clock timeline, none within another. context: opening the device (library,
 * driver, context); compile: making kernels and plans, or taking them from the disk cache;
 * alloc: device memory; pin: page-locked host memory, and copying into it; upload, download:
 * transfers until they are done; launch: enqueueing, as far as no kernel runs meanwhile;
 * kernel: on the device's clock; sync: waiting beyond the kernel; free: giving all back.
 * NAN: no such row, or not measured. */
#define LEDGER_MAP(X)                                                                  \
    X(LEDGER_CONTEXT, "context") X(LEDGER_COMPILE, "compile") X(LEDGER_ALLOC, "alloc")  \
    X(LEDGER_PIN, "pin") X(LEDGER_UPLOAD, "upload") X(LEDGER_LAUNCH, "launch")          \
    X(LEDGER_KERNEL, "kernel") X(LEDGER_SYNC, "sync") X(LEDGER_DOWNLOAD, "download")    \
    X(LEDGER_FREE, "free")
enum ledger {
#define X(value, text) value,
    LEDGER_MAP(X)
#undef X
    LEDGERS
};
const char *ledger_name(enum ledger);

/* One observation of a probe, self-described. */
struct measure {
    struct name probe, name, unit;
    double value; /* per call of the variant; NAN: not measured, then `why` says so */
    char why[160];
    bool is_suspect; /* disagrees with the analytic count, or with events, beyond reason */
};

/* Name, C type, kind, unit, meaning: the one list that reader, writer and formats walk.
 * Kinds: TEXT struct name; LONG_TEXT struct why; ENUM; COUNT int64_t; NUMBER double (null
 * when NAN); SERIES struct series; ESTIMATE struct estimate (object value/low/high);
 * JSON json_t * (object or null). */
#define RECORD_FIELDS(X)                                                               \
    X(workload, struct name, TEXT, "", "folder under workloads/")                      \
    X(shape, json_t *, JSON, "", "length or value of each axis, by name")              \
    X(shape_text, struct name, TEXT, "", "the same in one short line")                 \
    X(sweep, struct name, TEXT, "", "the workload's sweep that the shape is part of")  \
    X(size, int64_t, COUNT, "", "its place along the sweep; 0: in none")               \
    X(dtype, enum dtype, ENUM, "", "type of the elements")                             \
    X(variant, struct name, TEXT, "", "implementation that ran, or 'model'")           \
    X(provider, struct name, TEXT, "", "library behind it; '' for our own code")       \
    X(device, struct name, TEXT, "", "device id, or GPU of the catalogue")             \
    X(device_kind, enum device_kind, ENUM, "", "kind of device")                       \
    X(device_model, struct why, LONG_TEXT, "", "model name of the device")             \
    X(evidence, enum evidence, ENUM, "", "measured, projected or software")            \
    X(roundoff, double, NUMBER, "1", "unit roundoff: the dtype's, or what a variant rounds to") \
    X(judged, int64_t, COUNT, "", "1: takes part in verdicts; 0: overhead or proof")   \
    X(proof, int64_t, COUNT, "", "1: run at the smoke shape only to prove the code")   \
    X(straw, int64_t, COUNT, "", "1: a weak way, timed only to say what it would have shown") \
    X(memory, enum memory, ENUM, "", "host memory the arguments came from")            \
    X(placement, enum placement, ENUM, "", "of kinds placement and cold: where data are") \
    X(cache, enum cache, ENUM, "", "cold: stationary arguments rotate past the caches") \
    X(threads, int64_t, COUNT, "", "CPU threads")                                      \
    X(isa, struct name, TEXT, "", "instruction set of our own CPU code")               \
    X(page_bytes, int64_t, COUNT, "byte", "page size behind the largest argument")     \
    X(nodes, struct name, TEXT, "", "how threads and pages lie over NUMA nodes; '': as the system lays them") \
    X(memory_node, double, NUMBER, "", "NUMA node that it lies on, as the kernel says") \
    X(outcome, enum outcome, ENUM, "", "ok, wrong, skipped or failed")                 \
    X(why, struct why, LONG_TEXT, "", "the sentence behind anything but ok")           \
    X(note, struct why, LONG_TEXT, "", "what a reader must know of this variant")      \
    X(error, double, NUMBER, "1", "largest error over its bound; above 1 is wrong")    \
    X(flops, double, NUMBER, "flop", "analytic, per call")                             \
    X(bytes_read, double, NUMBER, "byte", "analytic, per call")                        \
    X(bytes_written, double, NUMBER, "byte", "analytic, per call")                     \
    X(upload_bytes, double, NUMBER, "byte", "inputs that a GPU must be sent")          \
    X(stationary_bytes, double, NUMBER, "byte", "of these, weights and caches")        \
    X(download_bytes, double, NUMBER, "byte", "outputs that it must send back")        \
    X(split_axis, struct name, TEXT, "", "axis along which two devices can share a call") \
    X(split_length, int64_t, COUNT, "", "units of it; 0: the call cannot be shared")   \
    X(whole_bytes, double, NUMBER, "byte", "of those read and written, what each part needs") \
    X(whole_upload_bytes, double, NUMBER, "byte", "of the inputs, what each part needs") \
    X(whole_stationary_bytes, double, NUMBER, "byte", "of these, weights and caches")  \
    X(calls, int64_t, COUNT, "", "calls per sample")                                   \
    X(seed, int64_t, COUNT, "", "seed of inputs and order")                            \
    X(stop, struct name, TEXT, "", "why sampling ended: precise, budget or rounds")    \
    X(wall_ns, struct series, SERIES, "ns", "host time per call, one per round")       \
    X(kernel_ns, struct series, SERIES, "ns", "device time per call, one per round")   \
    X(upload_ns, struct series, SERIES, "ns", "host time of sending all inputs")       \
    X(download_ns, struct series, SERIES, "ns", "host time of fetching all outputs")   \
    X(contended, struct series, SERIES, "", "rounds set aside: the system took the CPU") \
    X(throttled, struct series, SERIES, "", "of these, in which heat or power held the GPU back") \
    X(position, struct series, SERIES, "", "place in each round's random order")       \
    X(prepare_ns, double, NUMBER, "ns", "packing and planning outside the samples")    \
    X(shared_ns, double, NUMBER, "ns", "placement once: the upload that its calls share") \
    X(parts_ns, double, NUMBER, "ns", "of kind placement: the call that its ledger is of, per call") \
    X(chunks, int64_t, COUNT, "", "placement overlapped: pieces that the call is cut into") \
    X(dram_bytes_per_s, double, NUMBER, "byte/s", "DRAM read rate probed beside it")   \
    X(time_us, struct estimate, ESTIMATE, "us", "projected kernel time")               \
    X(launch_us, struct estimate, ESTIMATE, "us", "projected launch and wait")         \
    X(upload_us, struct estimate, ESTIMATE, "us", "projected upload of all inputs")    \
    X(activation_us, struct estimate, ESTIMATE, "us", "projected upload without weights") \
    X(download_us, struct estimate, ESTIMATE, "us", "projected download")              \
    X(setup_us, struct estimate, ESTIMATE, "us", "assumed: opening the GPU, loading code") \
    X(bound, struct name, TEXT, "", "what limits the projected time")

struct record {
    enum record_kind kind;
#define X(name, type, kind, unit, meaning) type name;
    RECORD_FIELDS(X)
#undef X
    /* Per call. Of kind placement parts of parts_ns, else of wall_ns. NAN: no such row, or not
     * measured. */
    double ledger_ns[LEDGERS];
    struct measure *measure;
    size_t measures;
    size_t line; /* where it stood in the file, from 1; 0 when made here */
    /* How often the cell had been measured before, and the median of wall_ns of the last time but
     * one; NAN: once only. */
    size_t repeats;
    double before_ns;
};

/* Everything zero, numbers NAN. record_release is safe after it, and on any record. */
void record_init(struct record *);
void record_release(struct record *);
/* Any outcome but ok, and the sentence behind it. */
void record_refuse(struct record *, enum outcome, const char *why);
/* Append a measure (copied). STATUS_MEMORY. */
int record_observe(struct record *, const struct measure *);

/* One line of JSON, with its newline, into a string to free(); NULL when out of memory. */
char *record_write(const struct record *);
/* From a parsed line. Errors: STATUS_INVALID naming the field that is of another kind, negative,
 * out of its order (low, value, high) or impossible beside the others. */
int record_read(struct record *, const json_t *line, struct why *);

/* A whole results file. Every whole line is used; a broken or cut one becomes a note. A later
 * record of the same cell (kind, workload, shape, dtype, variant, device, memory, placement,
 * cache, threads, isa, nodes) replaces the earlier: a resumed run may hold both.
 *
 * The first line:
 *   {"kind":"header", "schema":RESULTS_SCHEMA, "version", "date", "command", "suites":[...],
 *    "model", "seed", "budget_s", "threads", "suite_notes":[...],
 *    "gpus":    [{"id","model","arch","memory_bytes","memory_bytes_per_s","link_bytes_per_s",
 *                 "tdp_w","peak_flops_per_s":{"f32":...,"bf16":...}}...]  projected ones
 *    "devices": [{"id","model","driver","evidence","is_gpu"}...],
 *    "missing": [{"what","why"}...], "choice": {"device","dtype","batch","context"},
 *    "lesson": "what --calibrate taught",
 *    "lessons": [{"gpu","workload","shape","dtype","variant","measured_us","projected_us",
 *                 "corrected_us"}...],
 *    "prices":  {"cpu_per_hour","gpu_per_hour":{"*" or GPU},"energy_per_kwh","cpu_watt"}  given ones
 *    "machine": {free form, may be nested; "cache_bytes": last-level cache}}
 * and of a sweep also "sweep": {"workload","name","shape","from","to","dtypes","placements"}.
 * A chain's line: the passes of a model, each link one operation done `count` times:
 *   {"kind":"chain", "model","phase","batch","context","tokens",
 *    "links":[{"op","workload","dtype","cache","shape":{...},"count","shared"}...]}
 * Of a link, workload, dtype, cache and shape are spelled as in the record it belongs to;
 * "shared": true when its weights are another link's and in memory once (tied embeddings). */
struct results {
    json_t *header;          /* first line: machine, run, ceilings, devices missing, ... */
    json_t **chain;          /* lines of kind "chain" */
    size_t chains;
    struct record *record;
    size_t records;
    char **note;             /* "line 17 of 'x' is broken (...): left out" */
    size_t notes;
};

/* Append `path` to *results (zeroed before the first); a folder stands for the results.jsonl in
 * it. Several files may be read into one; the first header wins. Errors: STATUS_IO when unreadable, STATUS_INVALID when it holds no
 * header, STATUS_MEMORY. */
int results_read(struct results *, const char *path, struct why *);
/* The file that `given` stands for. */
void results_path(char *out, size_t size, const char *given);
int results_note(struct results *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void results_release(struct results *);

#endif
