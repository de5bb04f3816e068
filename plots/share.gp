# SPDX-License-Identifier: MIT
# Reached share of the ceiling that binds: a bar, and what the interval of the time makes of
# it.
XMIN = 0
set xrange [0:XMAX]
set yrange [INNER:0]
unset ytics
set xtics 0,20 format "%g %%"
set xlabel "share of the ceiling reached (CPU: its measured peak; GPU: its datasheet)"
plot @row_bands, @row_names, @row_bars, @row_whiskers, @row_texts
