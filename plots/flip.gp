# SPDX-License-Identifier: MIT
# By what factor an input must change until the verdict is another one: nearest at the left.
set yrange [INNER:0]
unset ytics
set xlabel XLABEL
plot @row_bands, @row_names, @row_points, @row_texts
