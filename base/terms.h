/* SPDX-License-Identifier: MIT */
/* The shared vocabulary: the nouns of the project and how they are spelled in files. */
#ifndef OFFLOAD_BENCH_TERMS_H
#define OFFLOAD_BENCH_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How each enum below is spelled in records, options and reports: X(value, "text"). */
#define DEVICE_KIND_MAP(X) X(DEVICE_CPU, "cpu") X(DEVICE_CUDA, "cuda") X(DEVICE_OPENCL, "opencl")
#define DTYPE_MAP(X)                                                                   \
    X(DTYPE_F32, "f32") X(DTYPE_F64, "f64") X(DTYPE_F16, "f16") X(DTYPE_BF16, "bf16")  \
    X(DTYPE_I8, "i8") X(DTYPE_I32, "i32") X(DTYPE_E4M3, "e4m3")
#define MEMORY_MAP(X)                                                                  \
    X(MEMORY_PAGEABLE, "pageable") X(MEMORY_PINNED, "pinned")                          \
    X(MEMORY_MANAGED, "managed") X(MEMORY_MAPPED, "mapped") X(MEMORY_DEVICE, "device")
#define PLACEMENT_MAP(X)                                                               \
    X(PLACEMENT_RESIDENT, "resident") X(PLACEMENT_ONCE, "once")                        \
    X(PLACEMENT_EVERY, "every") X(PLACEMENT_MANAGED, "managed")                        \
    X(PLACEMENT_MAPPED, "mapped") X(PLACEMENT_OVERLAPPED, "overlapped")                \
    X(PLACEMENT_GRAPH, "graph")
#define EVIDENCE_MAP(X)                                                                \
    X(EVIDENCE_MEASURED, "measured") X(EVIDENCE_PROJECTED, "projected")                \
    X(EVIDENCE_SOFTWARE, "software")
#define OUTCOME_MAP(X)                                                                 \
    X(OUTCOME_OK, "ok") X(OUTCOME_WRONG, "wrong") X(OUTCOME_SKIPPED, "skipped")        \
    X(OUTCOME_FAILED, "failed")
#define CACHE_MAP(X) X(CACHE_HOT, "hot") X(CACHE_COLD, "cold")

#define TERM(value, text) value,
enum device_kind { DEVICE_KIND_MAP(TERM) DEVICE_KINDS };
enum dtype { DTYPE_MAP(TERM) DTYPES };
enum memory { MEMORY_MAP(TERM) MEMORIES };
enum placement { PLACEMENT_MAP(TERM) PLACEMENTS };
enum evidence { EVIDENCE_MAP(TERM) EVIDENCES };
enum outcome { OUTCOME_MAP(TERM) OUTCOMES };
enum cache { CACHE_MAP(TERM) CACHES };
#undef TERM

/* Spelling of an enum value; "?" when out of range. */
const char *device_kind_name(enum device_kind);
const char *dtype_name(enum dtype);
const char *memory_name(enum memory);
const char *placement_name(enum placement);
const char *evidence_name(enum evidence);
const char *outcome_name(enum outcome);
const char *cache_name(enum cache);

/* Value spelled `text`, or -1 when no value is spelled so. Types also answer to the names that
 * frameworks have for them: "int8", "fp8" (e4m3). */
int device_kind_parse(const char *text);
int dtype_parse(const char *text);
int memory_parse(const char *text);
int placement_parse(const char *text);
int evidence_parse(const char *text);
int outcome_parse(const char *text);
int cache_parse(const char *text);

/* Bytes of one element. */
size_t dtype_bytes(enum dtype);

/* Unit roundoff of a floating type (2^-p, p = significand bits: f64 53, f32 24, f16 11,
 * bf16 8, e4m3 4); 0 for integers. */
double dtype_roundoff(enum dtype);

/* What products of a type are stored as: i32 of i8, bf16 of e4m3, else the type itself. */
enum dtype dtype_product(enum dtype);

/* Most axes that a workload may have; what each one means is named by the workload. */
enum { AXES = 8 };

struct shape {
    int64_t n[AXES];
};

/* What is to be computed: one workload's shape in one dtype. */
struct problem {
    enum dtype dtype;
    struct shape shape;
};

/* Short text, copied, never owned. */
struct name {
    char text[64];
};
/* As much of it as fits; "" for NULL. */
struct name name_of(const char *text);

/* A number with its interval. Missing: all three NAN. */
struct estimate {
    double value, low, high;
};

#endif
