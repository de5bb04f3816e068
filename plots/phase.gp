# SPDX-License-Identifier: MIT
# Where the time of a GPU call goes: shares of the whole, stacked, one bar per placement.
XMIN = 0
XMAX = 100
set xrange [0:100]
set yrange [INNER:0]
unset ytics
set xtics 0,20 format "%g %%"
set xlabel "share of the time of a call or a pass"
plot @row_bands, @row_names, \
    for [i=1:SERIES] $points index i-1 using (0):1:3:4:($1-half):($1+half) with boxxyerror \
        lc rgb tone(i) fillstyle pattern FILLED[i] border, \
    @row_texts
