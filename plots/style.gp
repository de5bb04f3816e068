# SPDX-License-Identifier: MIT
# The one look of all figures. Set before: WIDTH HEIGHT LEFT RIGHT TOP INNER BOTTOM (pixels),
# TITLE, LEGEND, SERIES and, per series, NAMES POINT DASH TONE FILLED LEGEND_X LEGEND_ROW. Colours are
# mid-tones that read on light and on dark; what is black here takes the colour of the page's
# text. Evidence never rests on colour: measured is filled and solid, projected hollow or
# hatched and dashed, software emulation a dotted cross.
set encoding utf8
set terminal svg size WIDTH,HEIGHT fixed font "sans-serif,12" noenhanced linewidth 1
array COLOUR[6] = ["#3a7fc4", "#c8660a", "#8a5cc7", "#0f8f7c", "#c2477f", "#80801a"]
GREY = "#808080"
tone(i) = COLOUR[TONE[i]]
set dashtype 2 (6,4)
set dashtype 3 (2,3)
set lmargin at screen LEFT/WIDTH
set rmargin at screen 1.0 - RIGHT/WIDTH
set tmargin at screen 1.0 - TOP/HEIGHT
set bmargin at screen BOTTOM/HEIGHT
set border 0
set tics scale 0 textcolor rgb "black"
set grid xtics ytics lc rgb GREY lw 0.5 dt 3
unset key
set label 1 TITLE at screen 10.0/WIDTH, screen 1.0 - 16.0/HEIGHT left font "sans-serif,14" front

# The legend: LEGEND "points" draws a marker on its interval, "bars" a box.
legend_x(i) = LEGEND_X[i] / WIDTH
legend_y(i) = 1.0 - (38.0 + 20.0 * LEGEND_ROW[i]) / HEIGHT
do for [i=1:SERIES] {
    set label 10+i NAMES[i] at screen legend_x(i) + 42.0/WIDTH, screen legend_y(i) left \
        font "sans-serif,11" front
    if (LEGEND eq "points") {
        set arrow 10+i from screen legend_x(i), screen legend_y(i) \
            to screen legend_x(i) + 34.0/WIDTH, screen legend_y(i) nohead \
            lc rgb tone(i) lw 1.8 dt DASH[i] front
        set label 30+i "" at screen legend_x(i) + 17.0/WIDTH, screen legend_y(i) \
            point pt POINT[i] ps 0.8 lc rgb tone(i) front
    } else {
        set object 10+i rectangle from screen legend_x(i), screen legend_y(i) - 5.0/HEIGHT \
            to screen legend_x(i) + 34.0/WIDTH, screen legend_y(i) + 5.0/HEIGHT \
            fillcolor rgb tone(i) fillstyle pattern FILLED[i] border lc rgb tone(i) front
    }
}

# Rows: a light band behind every other one, its name at the left, a text in the right margin.
half = 5.0
row_bands = '$bands using (XMIN):1:(XMIN):(XMAX):2:3 with boxxyerror fillstyle transparent solid 0.09 noborder lc rgb GREY'
row_names = '$labels using (XMIN):1:5 with labels right offset -0.8,0'
row_texts = 'for [i=1:SERIES] $points index i-1 using (XMAX):1:5 with labels left offset 0.6,0 font "sans-serif,10"'
row_points = 'for [i=1:SERIES] $points index i-1 using 2:1:3:4 with xerrorbars lc rgb tone(i) lw 1.8 dt DASH[i] pt POINT[i] ps 0.8'
row_bars = 'for [i=1:SERIES] $points index i-1 using (0):1:(0):2:($1-half):($1+half) with boxxyerror lc rgb tone(i) fillstyle pattern FILLED[i] border'
row_whiskers = 'for [i=1:SERIES] $points index i-1 using 2:1:3:4 with xerrorbars lc rgb "black" lw 1 dt DASH[i] pt 0 ps 0'
