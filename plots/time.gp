# SPDX-License-Identifier: MIT
# Time of one call, by operation: per row, a point and its interval for each side.
set yrange [INNER:0]
unset ytics
set xlabel "time of one call with its data in place (logarithmic)"
plot @row_bands, @row_names, @row_points, @row_texts
