# SPDX-License-Identifier: MIT
# Time against size: a line through the sizes that were measured or projected, and the band
# of their intervals. Grey columns: the winner changes in there.
set border 3 lc rgb GREY lw 0.8
set xlabel XLABEL
set ylabel "time of one call (logarithmic)"
do for [i=1:CROSSINGS] {
    set object 100+i rectangle from CROSS_LOW[i], graph 0 to CROSS_HIGH[i], graph 1 \
        fillcolor rgb GREY fillstyle transparent solid 0.15 noborder behind
}
plot for [i=1:SERIES] $points index i-1 using 1:3:4 with filledcurves lc rgb tone(i) \
         fillstyle transparent solid 0.2 noborder, \
     for [i=1:SERIES] $points index i-1 using 1:2 with linespoints lc rgb tone(i) lw 1.8 \
         dt DASH[i] pt POINT[i] ps 0.8
