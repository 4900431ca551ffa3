# Host cycles per byte that offload saves, against the size of a response.
# The lines above set: data, x_lo, x_hi, loads[], tic_loads[] (% doubled), captions[], panels (loads), width_px, and the tics of x.
set encoding utf8
set colorsequence podo
set datafile separator "\t"
set datafile missing "NaN"
array ink[6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00"]
array full[6] = [7, 5, 9, 13, 11, 15]
array open[6] = [6, 4, 8, 12, 10, 14]
array tints[8] = ["0xffffff", "0xf9cfb0", "0xbfdcf2", "0xdccdec", "0xf6e7a6", "0xc9e8cf", "0xdadada", "0xf4f4f4"]
tint(code) = int(tints[(code >= 1 && code <= 7) ? code + 1 : 1])

# From the bottom: caption, strip, its heading, x axis, the graph, key.
left = 0.125
wide = 0.985 - left
rows = 2 * panels
strip_bottom = 0.028 + 0.0215 * |captions|
strip_top = strip_bottom + 0.031 * rows
panel_bottom = strip_top + 0.112
panel_top = 0.985 - 0.037 * (panels > 3 ? 3 : panels)
cell_px = width_px * wide / (x_hi - x_lo)
fit(name, short, cells) = (cells * cell_px >= 5.4 * strlen(name) + 6) ? name : short

stats data index 0 using (valid(5) && $5 < $4 ? $5 : $4) name "A" nooutput
stats data index 0 using (valid(8) && $8 < $7 ? $8 : $7) name "B" nooutput
stats data index 0 using (valid(6) && $6 > $4 ? $6 : $4) name "C" nooutput
low = A_min < B_min ? A_min : B_min
high = C_max > 10 ? C_max : 10
y_hi = high + 0.08 * (high - (low < 0 ? low : 0))
y_lo = (low < 0 ? low : 0) - 0.13 * (y_hi - (low < 0 ? low : 0))

set multiplot
set border 3 lc rgb "#404040"
set tics out scale 0.6
set xtics font ",10.5"
do for [i = 1:|captions|] {
    set label (100 + i) captions[i] at screen 0.012, screen (0.0215 * (|captions| - i) + 0.02) left noenhanced font ",8.5" textcolor rgb "#303030"
}
set lmargin at screen left
set rmargin at screen (left + wide)
set tmargin at screen panel_top
set bmargin at screen panel_bottom
set xrange [x_lo:x_hi]
set yrange [y_lo:y_hi]
set ytics nomirror font ",10.5"
set grid ytics lc rgb "#e0e0e0" lt 1 lw 0.6
set object 1 rectangle from graph 0, first y_lo to graph 1, first 0 behind fillcolor rgb "#f0dfe4" fillstyle solid 1 noborder
set label 1 "offload loses" at graph 0.99, first y_lo offset 0, 0.7 right font ",10" textcolor rgb "#8b2942"
set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead lw 1.2 lc rgb "#8b2942" front
set xlabel "response size" offset 0, 0.4
set ylabel "host cycles per byte saved (% of host arm)" offset 0.6, 0
set key at screen 0.55, screen 0.99 center top Left reverse maxrows panels samplen 4 width 2 noenhanced
plot for [l = 1:panels] data index 0 using ($1 == l - 1 ? log($3) / log(2) + 0.05 * (l - 1) : NaN):4:5:6 with yerrorbars lc rgb ink[l] lw 1.1 pt -1 notitle, \
     for [l = 1:panels] data index 0 using ($1 == l - 1 ? log($3) / log(2) + 0.05 * (l - 1) : NaN):7:8:9 with yerrorbars lc rgb ink[l] lw 1.1 pt -1 notitle, \
     for [l = 1:panels] data index 0 using ($1 == l - 1 ? log($3) / log(2) + 0.05 * (l - 1) : NaN):4 with linespoints lc rgb ink[l] lw 1.8 dt 1 pt full[l] ps 0.8 title sprintf("load %s, steady state", loads[l]), \
     for [l = 1:panels] data index 0 using ($1 == l - 1 ? log($3) / log(2) + 0.05 * (l - 1) : NaN):7 with linespoints lc rgb ink[l] lw 1.8 dt 2 pt open[l] ps 0.8 title sprintf("load %s, hand-over included", loads[l])

do for [i = 1:|captions|] { unset label (100 + i) }
unset object 1; unset arrow 1; unset key; unset xlabel; unset ylabel; unset grid; unset xtics; unset ytics
set border 0
set tmargin at screen strip_top
set bmargin at screen strip_bottom
set yrange [-0.5:rows - 0.5]
set ytics () nomirror scale 0 font ",9"
do for [l = 1:panels] {
    set ytics add (tic_loads[l] . " host" rows - 1 - 2 * (l - 1), tic_loads[l] . " chimney" rows - 2 - 2 * (l - 1))
}
set label 1 "what limits it (binding resource):" at graph 0, graph 1 offset 0, 0.55 left font ",9" textcolor rgb "#303030"
row(load, arm) = rows - 1 - 2 * load - arm
plot data index 1 using (($3 + $4) / 2):(row($1, $2)):3:4:(row($1, $2) - 0.45):(row($1, $2) + 0.45):(tint($5)) with boxxyerror fs solid 1 border lc rgb "#909090" lc rgb variable, \
     data index 1 using (($3 + $4) / 2):(row($1, $2)):(fit(strcol(8), strcol(9), $7) . ($6 > 0 ? "*" : "")) with labels font ",9" noenhanced
unset multiplot
set output
