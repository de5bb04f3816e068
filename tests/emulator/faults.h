/* SPDX-License-Identifier: MIT */
/* What a test asks of the made-up NVIDIA libraries, by environment variables. Counts start at
 * 1; an unset variable asks for nothing. All doubles (driver, CUPTI, NVML, cuBLASLt) read the
 * same names. */
#ifndef EMULATOR_FAULTS_H
#define EMULATOR_FAULTS_H

/* Faults. */
#define FAULT_ALLOC "OFFLOAD_EMULATOR_FAIL_ALLOC"       /* n-th device allocation: out of memory */
#define FAULT_LAUNCH "OFFLOAD_EMULATOR_FAIL_LAUNCH"     /* n-th launch is refused, once */
#define FAULT_STICKY "OFFLOAD_EMULATOR_FAIL_STICKY"     /* n-th launch: illegal address, sticky */
#define FAULT_LOST "OFFLOAD_EMULATOR_FAIL_LOST"         /* n-th launch: the device is gone */
#define FAULT_SLOW_MS "OFFLOAD_EMULATOR_SLOW_MS"        /* every kernel takes so much longer */
#define FAULT_COUNTERS "OFFLOAD_EMULATOR_NO_COUNTERS"   /* 1: CUPTI: insufficient privileges */

/* The machine. */
#define EMULATED_DEVICES "OFFLOAD_EMULATOR_DEVICES"     /* number of GPUs (1) */
#define EMULATED_MEMORY_MB "OFFLOAD_EMULATOR_MEMORY_MB" /* memory of each in MiB (4096) */
#define EMULATED_CAPABILITY "OFFLOAD_EMULATOR_CC"       /* compute capability, "80" */

/* Another driver, as the documentation allows it. ATTRIBUTES: "16=1,83=0,*=x", by number a value or
 * x for unknown; *: all that are not named. REFUSES: functions that say "not supported", or another
 * error by its number, "cuMemAllocManaged,cuGraphLaunch=1". TICK_US: the events' clock goes in such
 * steps; with a day it stands. NEWEST: cuGetProcAddress gives the newest of each function, whatever it
 * is asked for. */
#define EMULATED_ATTRIBUTES "OFFLOAD_EMULATOR_ATTRIBUTES"
#define EMULATED_REFUSES "OFFLOAD_EMULATOR_REFUSES"
#define EMULATED_TICK_US "OFFLOAD_EMULATOR_TICK_US"
#define EMULATED_NEWEST "OFFLOAD_EMULATOR_NEWEST"
#define EMULATED_PTX "OFFLOAD_EMULATOR_PTX"             /* newest version of PTX it reads, 78 for 7.8 */
#define EMULATED_NAME "OFFLOAD_EMULATOR_NAME"           /* of the GPU ("NVIDIA A0 emulated") */
#define EMULATED_ALIGNMENT "OFFLOAD_EMULATOR_ALIGNMENT" /* of memory, and no more (512 bytes) */
#define EMULATED_INTERFACE "OFFLOAD_EMULATOR_INTERFACE" /* CUDA version of the driver (13000) */

/* When work runs that streams were given. "late" (the default): when a call waits for it, and
 * no other then; "others": then whatever does not wait for it first, the youngest stream before
 * the others; a number: in random order with this seed; "now": when it is enqueued. */
#define EMULATOR_ORDER "OFFLOAD_EMULATOR_ORDER"

/* Findings: a line on stderr each; `abort` in STRICT ends the process at the first one, FILE
 * receives them too (appended, one line each). */
#define EMULATOR_STRICT "OFFLOAD_EMULATOR_STRICT"
#define EMULATOR_FINDINGS "OFFLOAD_EMULATOR_FINDINGS"

#endif
