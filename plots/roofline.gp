# SPDX-License-Identifier: MIT
# What a device can do at best, and where each operation stands under that roof.
set grid noxtics noytics
set border 3 lc rgb GREY lw 0.8
set xlabel "arithmetic intensity (FLOP per byte read or written, logarithmic)"
set ylabel "operations per second (logarithmic)"
plot for [i=1:ROOFS] $roofs index i-1 using 1:2 with lines lc rgb tone(ROOF[i]) lw 1.8 \
         dt DASH[ROOF[i]], \
     $roof_names using 1:2:5:3 with labels rotate variable font "sans-serif,10", \
     for [i=1:SERIES] $points index i-1 using 1:2:3:4 with yerrorbars lc rgb tone(i) \
         lw 1 pt POINT[i] ps 0.8, \
     $names using 1:2:5 with labels left font "sans-serif,9"
