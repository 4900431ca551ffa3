# Host cycles per byte and p99 of latency by policy, against contexts per connection; shaded: between the bounds.
# The lines above set: data, captions[], names[] (policies, the bounds first), x_lo, x_hi, and the tics of x.
set encoding utf8
set datafile separator "\t"
set datafile missing "NaN"
array ink[8] = ["#a0522d", "#1b7837", "#0072b2", "#d55e00", "#cc79a7", "#000000", "#e69f00", "#56b4e9"]
array mark[8] = [1, 2, 5, 7, 9, 13, 11, 15]
inked(n) = (names[n] eq "never") ? "#808080" : ink[(n - 1) % 8 + 1]
marked(n) = (names[n] eq "never") ? 6 : mark[(n - 1) % 8 + 1]
dashed(n) = n <= 2 ? 2 : ((names[n] eq "never") ? 3 : 1)

set border 3 lc rgb "#404040"
set tics out scale 0.6
set xtics font ",10"
set ytics nomirror font ",10"
bottom = 0.12 + 0.0215 * |captions|
top = 0.865
stats data index 0 using (valid(7) ? 1 : 0) name "P" nooutput
unset key
set multiplot
do for [i = 1:|captions|] {
    set label (100 + i) captions[i] at screen 0.012, screen (0.0215 * (|captions| - i) + 0.02) left noenhanced font ",8.5" textcolor rgb "#303030"
}
set tmargin at screen top
set bmargin at screen bottom
set xrange [x_lo:x_hi]
set grid ytics lc rgb "#e0e0e0" lt 1 lw 0.6
set xlabel "adapter's contexts per connection" offset 0, 0.3
do for [p = 0:1] {
    v = p == 0 ? 4 : 7
    set lmargin at screen (p == 0 ? 0.075 : 0.575)
    set rmargin at screen (p == 0 ? 0.485 : 0.985)
    set title (p == 0 ? "host cycles per byte, hand-overs included" : "request latency, p99 (µs; not from 0)") offset 0, -0.4 font ",11"
    if (p == 0) {
        set yrange [0:*]
    } else {
        if (P_sum > 0) {
            set yrange [*:*]
            set offsets 0, 0, graph 0.05, graph 0.25
        } else {
            set yrange [0:1]
            unset ytics
            set label 1 "not known: fewer than 10 samples above it" at graph 0.5, graph 0.5 center font ",10"
        }
    }
    plot data index 0 using ($1 == 0 ? log($3) / log(2) : NaN):(column(p == 0 ? 11 : 13)):(column(p == 0 ? 12 : 14)) with filledcurves fc rgb "#dfe9dc" fs solid 1 noborder notitle, \
         for [n = 1:|names|] data index 0 using ($1 == n - 1 ? log($3) / log(2) + 0.025 * (n - 0.5 * |names|) : NaN):(column(v)):(column(v + 1)):(column(v + 2)) with yerrorbars lc rgb inked(n) lw 1.0 pt -1 notitle, \
         for [n = 1:|names|] data index 0 using ($1 == n - 1 ? log($3) / log(2) + 0.025 * (n - 0.5 * |names|) : NaN):(column(v)) with linespoints lc rgb inked(n) lw 1.8 dt dashed(n) pt marked(n) ps 0.8 notitle
    do for [i = 1:|captions|] { unset label (100 + i) }
}

# The key: an empty graph as wide as the figure.
set border 0
unset xtics; unset ytics; unset label; unset grid; unset title; unset xlabel; unset offsets
set lmargin at screen 0.03
set rmargin at screen 0.985
set tmargin at screen 0.985
set bmargin at screen 0.90
set xrange [0:1]
set yrange [0:1]
set key at screen 0.5, screen 0.985 center top Left reverse horizontal maxrows 2 samplen 3.2 width 1 noenhanced font ",11"
plot NaN with filledcurves fc rgb "#dfe9dc" fs solid 1 noborder title "between the bounds", \
     for [n = 1:|names|] NaN with linespoints lc rgb inked(n) lw 1.8 dt dashed(n) pt marked(n) ps 0.8 title names[n]
unset multiplot
set output
