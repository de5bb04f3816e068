/* SPDX-License-Identifier: MIT */
/* What a strict driver found: a line on stderr and in the findings file, or the end of the
 * process (faults.h names the variables). Also reads the numbers asked for there. */
#ifndef EMULATOR_FINDING_H
#define EMULATOR_FINDING_H

void finding(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The value of an environment variable as a number, or `otherwise`. */
long long setting(const char *name, long long otherwise);

#endif
