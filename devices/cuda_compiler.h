/* SPDX-License-Identifier: MIT */
/* NVRTC, NVIDIA's run-time compiler: opened at run time, needs no GPU. */
#ifndef OFFLOAD_BENCH_CUDA_COMPILER_H
#define OFFLOAD_BENCH_CUDA_COMPILER_H

#include <stdbool.h>

#include "base/terms.h"
#include "base/text.h"
#include "base/why.h"

/* Version "13.0" of the NVRTC that would be used. Errors: STATUS_UNAVAILABLE with the reason
 * (no NVRTC, CUDA not built in) and what to install. */
int cuda_compiler_version(struct name *, struct why *);

/* Is this the name of an architecture: "sm_90", "compute_80", "sm_90a"? */
bool cuda_compiler_is_target(const char *);

/* What to compile for: the environment's OFFLOAD_BENCH_CUDA_ARCH (--cuda-arch), "sm_NN" for
 * machine code or "compute_NN" for PTX, which the driver compiles further; else machine code
 * where NVRTC knows the GPU of this `capability` and it is real, PTX of the nearest older one
 * otherwise. Errors: STATUS_INVALID for a malformed wish, STATUS_UNAVAILABLE for one that NVRTC
 * does not know or that is newer than the GPU. */
int cuda_compiler_target(int capability, enum evidence, struct name *target, struct why *);

/* What code may use of a GPU of this `capability`: less where the environment's wish names an older
 * architecture, what it names where the driver does not tell the GPU's (0). */
int cuda_compiler_capability(int capability);

/* Write an older version of PTX over that of the compiler, for a driver that is older than NVRTC;
 * false when it is as old already. Code for at most compute_90 has nothing that came after PTX 7.8
 * (CUDA 11.8); the driver's compiler refuses it otherwise. */
bool cuda_compiler_age(struct text *ptx);

/* `source` with the dialect in front, for `target`, with `options` as a command line has them,
 * from the disk cache where it was compiled before. `code`: machine code or PTX, followed by a
 * NUL; released by the caller in any case. `name`: what the errors call it. Errors:
 * STATUS_DEVICE with the first error of the compiler's log, STATUS_UNAVAILABLE. */
int cuda_compile(const char *source, const char *name, const char *target,
                 const char *options, struct text *code, struct why *);

#endif
