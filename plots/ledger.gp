# SPDX-License-Identifier: MIT
# Waterfall of timelines: each row begins where the one before ended, in milliseconds.
set xrange [XMIN:XMAX]
set yrange [INNER:0]
unset ytics
set xtics format "%g ms"
set xlabel "wall time"
plot @row_bands, @row_names, \
    for [i=1:SERIES] $points index i-1 using (0):1:3:4:($1-half):($1+half) with boxxyerror \
        lc rgb tone(i) fillstyle pattern FILLED[i] border, \
    @row_texts
