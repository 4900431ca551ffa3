# How many connections were never silent for longer: a line for each value of a parameter, and for each arm.
# The lines above set: data, lines, line_value[], line_arm[], line_ink[], line_name[], captions[], width_px, height_px.
set encoding utf8
set datafile separator "\t"
set datafile missing "NaN"
array ink[10] = ["#d55e00", "#0072b2", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#000000", "#56b4e9", "#d55e00", "#f0e442"]
array dash[2] = [2, 1]
px(n) = n * 1.0 / height_px

stats data index 0 using 3 name "X" nooutput
x_lo = X_min / 1.5
x_hi = X_max * 1.5
set border 3 lc rgb "#404040"
set tics out scale 0.6 nomirror font ",10.5"
do for [i = 1:|captions|] {
    set label (500 + i) captions[i] at screen 0.012, screen (px(13.4) * (|captions| - i) + px(12)) left noenhanced font ",8.5" textcolor rgb "#303030"
}
set lmargin at screen 0.085
set rmargin at screen 0.975
set tmargin at screen (1 - px(16 + 18 * lines))
set bmargin at screen px(72 + 13.4 * |captions|)
set logscale x
set xrange [x_lo:x_hi]
set yrange [0:102]
set ytics 0, 20, 100
set xtics ()
narrow = log10(x_hi / x_lo) < 2
do for [d = -6:10] {
    v = 10.0 ** d
    set xtics add ((d < 3 ? sprintf("%g µs", v) : d < 6 ? sprintf("%g ms", v / 1e3) : sprintf("%g s", v / 1e6)) v)
    do for [k = 2:9] {
        w = k * v
        if (narrow && (k == 2 || k == 5)) {
            set xtics add ((d < 3 ? sprintf("%g µs", w) : d < 6 ? sprintf("%g ms", w / 1e3) : sprintf("%g s", w / 1e6)) w)
        } else {
            set xtics add ("" w 1)
        }
    }
}
set grid xtics ytics lc rgb "#dcdcdc" lt 1 lw 0.6
set xlabel "longest silence of a connection" offset 0, 0.3
set ylabel "connections with at most that (%)" offset 0.8, 0
set key at screen 0.085, screen (1 - px(6)) left top Left reverse maxcols 1 samplen 4 font ",10.5" noenhanced
# Curves that coincide lie on each other: the first is the widest.
plot for [l = 1:lines] data index 0 using (($1 == line_value[l] && $2 == line_arm[l]) ? $3 : NaN):4 with lines lw (1.9 + 1.6 * (lines > 4 ? 0 : lines - l)) dt dash[line_arm[l] + 1] lc rgb ink[line_ink[l] + 1] title line_name[l]
set output
