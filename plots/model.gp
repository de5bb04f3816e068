# SPDX-License-Identifier: MIT
# A model as a whole: time to first token or tokens per second, from zero, so that lengths
# compare.
XMIN = 0
set xrange [0:XMAX]
set yrange [INNER:0]
unset ytics
step = 10 ** floor(log10(XMAX / 4.0)) # then 1, 2 or 5 of it: at most five ticks
step = XMAX / 4.0 / step <= 1 ? step : XMAX / 4.0 / step <= 2 ? 2 * step : \
       XMAX / 4.0 / step <= 5 ? 5 * step : 10 * step
set xtics 0,step format "%g"
set xlabel XLABEL
plot @row_bands, @row_names, @row_bars, @row_whiskers, @row_texts
