/* SPDX-License-Identifier: MIT */
/* Runs gnuplot on a script and makes what it draws fit for a page: ids that are unique among
 * many figures, black replaced by the colour of the text around it. */
#ifndef OFFLOAD_BENCH_GNUPLOT_H
#define OFFLOAD_BENCH_GNUPLOT_H

#include "base/text.h"

/* Draw `script` (a whole gnuplot program that prints one SVG) and append the dressed SVG to
 * *svg. `id`: letters, digits, '-', '.', '_'; prefix of every id in it. `title`: what the
 * picture shows, for those who cannot see it. Errors: STATUS_UNAVAILABLE when gnuplot is not
 * installed, STATUS_DEVICE with its own words when it fails or takes over 20 s,
 * STATUS_MEMORY, STATUS_IO. */
int gnuplot_draw(const char *script, const char *id, const char *title, struct text *svg,
                 struct why *why);

/* Append `string` so that it is inert within the quotes of a gnuplot program: quotes,
 * backslashes, backticks, '$', '@' and control characters become look-alikes or '?'. */
void gnuplot_text(struct text *out, const char *string);

#endif
