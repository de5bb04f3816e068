# SPDX-License-Identifier: MIT
# A sweep: time against size with the intervals as bands; the brackets in which the winner
# changes as boxes over the whole height, outlined, with a filled strip per placement below.
set border 3 lc rgb GREY lw 0.8
set xlabel XLABEL
set ylabel "time of one call (logarithmic)"
strip = 0.03
do for [i=1:BRACKETS] {
    c = tone(BRACKET_OF[i])
    y = (BRACKET_OF[i] - 2) * strip
    set object 100+i rectangle from BRACKET_LOW[i], graph 0 to BRACKET_HIGH[i], graph 1 \
        fillcolor rgb c fillstyle transparent solid 0.08 border lc rgb c behind
    set object 200+i rectangle from BRACKET_LOW[i], graph y to BRACKET_HIGH[i], graph y+strip \
        fillcolor rgb c fillstyle transparent solid 0.75 noborder behind
}
plot for [i=1:SERIES] $points index i-1 using 1:3:4 with filledcurves lc rgb tone(i) \
         fillstyle transparent solid 0.16 noborder, \
     for [i=1:SERIES] $points index i-1 using 1:2 with linespoints lc rgb tone(i) lw 1.8 \
         dt DASH[i] pt POINT[i] ps 0.7
