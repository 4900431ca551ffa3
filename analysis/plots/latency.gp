# Latency against the size of a response: p50 and p99, host and chimney, a panel for each load.
# The lines above set: data, x_lo, x_hi, loads[], captions[], panels, width_px, and the tics of x.
set encoding utf8
set colorsequence podo
set datafile separator "\t"
set datafile missing "NaN"
array ink[2] = ["#d55e00", "#0072b2"]
array full[2] = [7, 5]
array open[2] = [6, 4]
array arms[2] = ["host", "chimney"]
array dash[2] = [2, 4]
array tints[8] = ["0xffffff", "0xf9cfb0", "0xbfdcf2", "0xdccdec", "0xf6e7a6", "0xc9e8cf", "0xdadada", "0xf4f4f4"]
tint(code) = int(tints[(code >= 1 && code <= 7) ? code + 1 : 1])

# From the bottom: caption, strip, its heading, x axis, panels, key.
left = 0.095
gap = 0.03
wide = (0.985 - left - (panels - 1) * gap) / panels
strip_bottom = 0.028 + 0.0215 * |captions|
strip_top = strip_bottom + 0.062
panel_bottom = strip_top + 0.112
panel_top = 0.875
cell_px = width_px * wide / (x_hi - x_lo)
fit(name, short, cells) = (cells * cell_px >= 5.4 * strlen(name) + 6) ? name : short

stats data index 0 using (valid(9) ? $9 : $6) name "Y" nooutput
stats data index 0 using (valid(7) ? ($7 < $6 ? $7 : $6) : $6) name "Z" nooutput
stats data index 0 using (valid(11) ? ($11 > $9 ? $11 : $9) : (valid(9) ? $9 : $6)) name "H" nooutput
y_lo = Z_min / 1.35
y_hi = H_max * 1.35
narrow = log10(y_hi / y_lo) < 2.3
set multiplot
set border 3 lc rgb "#404040"
set tics out scale 0.6
set xtics font ",10.5"
do for [i = 1:|captions|] {
    set label (100 + i) captions[i] at screen 0.012, screen (0.0215 * (|captions| - i) + 0.02) left noenhanced font ",8.5" textcolor rgb "#303030"
}

do for [p = 1:panels] {
    set lmargin at screen (left + (p - 1) * (wide + gap))
    set rmargin at screen (left + (p - 1) * (wide + gap) + wide)
    set tmargin at screen panel_top
    set bmargin at screen panel_bottom
    set xrange [x_lo:x_hi]
    set yrange [y_lo:y_hi]
    set logscale y
    set grid ytics lc rgb "#d8d8d8" lt 1 lw 0.6, lc rgb "#ececec" lt 1 lw 0.4
    set title sprintf("load %s", loads[p]) offset 0, -0.6 font ",11" noenhanced
    set xlabel "response size" offset 0, 0.4
    if (p == 1) { set ylabel "request latency (µs)" offset 0.6, 0 } else { unset ylabel }
    set ytics () nomirror font ",10.5"
    do for [d = -3:9] {
        set ytics add (((p == 1) ? sprintf("%g", 10.0 ** d) : "") 10.0 ** d)
        do for [k = 2:9] {
            if (narrow && (k == 2 || k == 5)) {
                set ytics add (((p == 1) ? sprintf("%g", k * 10.0 ** d) : "") k * 10.0 ** d)
            } else {
                set ytics add ("" k * 10.0 ** d 1)
            }
        }
    }
    if (p == 1) { set key at screen 0.5, screen 0.985 center top Left reverse horizontal maxrows 2 samplen 3.2 width 2 } else { unset key }
    plot for [a = 0:1] data index 0 using (($1 == p - 1 && $3 == a) ? log($5) / log(2) + 0.08 * a - 0.04 : NaN):6:7:8 with yerrorbars lc rgb ink[a + 1] lw 1.1 pt -1 notitle, \
         for [a = 0:1] data index 0 using (($1 == p - 1 && $3 == a) ? log($5) / log(2) + 0.08 * a - 0.04 : NaN):9:10:11 with yerrorbars lc rgb ink[a + 1] lw 1.1 pt -1 notitle, \
         for [a = 0:1] data index 0 using (($1 == p - 1 && $3 == a) ? log($5) / log(2) + 0.08 * a - 0.04 : NaN):6 with linespoints lc rgb ink[a + 1] lw 1.8 dt 1 pt full[a + 1] ps 0.75 title sprintf("%s p50", arms[a + 1]), \
         for [a = 0:1] data index 0 using (($1 == p - 1 && $3 == a) ? log($5) / log(2) + 0.08 * a - 0.04 : NaN):9 with linespoints lc rgb ink[a + 1] lw 1.8 dt dash[a + 1] pt open[a + 1] ps 0.75 title sprintf("%s p99", arms[a + 1])
    do for [i = 1:|captions|] { unset label (100 + i) }
}

unset key; unset title; unset xlabel; unset ylabel; unset grid; unset logscale y; unset xtics; unset ytics
set border 0
set yrange [-0.5:1.5]
do for [p = 1:panels] {
    set lmargin at screen (left + (p - 1) * (wide + gap))
    set rmargin at screen (left + (p - 1) * (wide + gap) + wide)
    set tmargin at screen strip_top
    set bmargin at screen strip_bottom
    if (p == 1) { set ytics ("host" 1, "chimney" 0) nomirror scale 0 font ",9" format "%g" } else { unset ytics }
    set label 1 "what limits it (binding resource):" at graph 0, graph 1 offset 0, 0.55 left font ",9" textcolor rgb "#303030"
    plot data index 1 using ($1 == p - 1 ? ($3 + $4) / 2 : NaN):(1 - $2):3:4:(0.55 - $2):(1.45 - $2):(tint($5)) with boxxyerror fs solid 1 border lc rgb "#909090" lc rgb variable, \
         data index 1 using ($1 == p - 1 ? ($3 + $4) / 2 : NaN):(1 - $2):(fit(strcol(8), strcol(9), $7) . ($6 > 0 ? "*" : "")) with labels font ",9" noenhanced
}
unset multiplot
set output
