# SPDX-License-Identifier: MIT
# Speed-up of moving, by operation: right of the line at 1 the GPU is faster.
set yrange [INNER:0]
unset ytics
set xlabel XLABEL
set arrow 1 from 1, graph 0 to 1, graph 1 nohead lw 1.6 front
plot @row_bands, @row_names, @row_points, @row_texts
