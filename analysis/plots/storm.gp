# One run over time: who holds the connections, goodput, the server's core, retransmissions; what was scheduled.
# The lines above set: data, t_from, t_to (s), t_unit, t_name, step_name, events, event_at[], event_row[], event_text[], event_dash[], event_line[],
# event_rows, holds[], works[], captions[], width_px, height_px.
set encoding utf8
set datafile separator "\t"
set datafile missing "NaN"
array holder[6] = ["adapter", "offered", "giving back", "host", "lost", "closed"]
array holder_ink[6] = ["#0072b2", "#56b4e9", "#cc79a7", "#e69f00", "#000000", "#c8c8c8"]
array work[10] = ["offload control", "application", "system call", "copy", "checksum", "TCP/IP", "driver", "interrupt", "scheduling", "other"]
array work_ink[10] = ["#d55e00", "#009e73", "#56b4e9", "#e69f00", "#f6e7a6", "#0072b2", "#cc79a7", "#f0e442", "#7f7f7f", "#c8c8c8"]

# From the bottom: caption, x axis, four graphs, labels of events.  Heights in pixels.
left = 0.095
right = 0.095 + 637.0 / width_px
px(n) = n * 1.0 / height_px
foot = px(16 + 13.4 * |captions|) + px(46)
head = 1 - px(10 + 15 * event_rows)
gap = px(11)
tall = (head - foot - 3 * gap) / 4.5
array bottom[4] = [head - 1.25 * tall, head - 2.15 * tall - gap, head - 3.55 * tall - 2 * gap, foot]
array top[4] = [head, head - 1.25 * tall - gap, head - 2.15 * tall - 2 * gap, head - 3.55 * tall - 3 * gap]
t(x) = x * t_unit

stats data index 0 using 8 name "G" nooutput
stats data index 0 using 19 name "R" nooutput
stats data index 0 using 20 name "T" nooutput
stats data index 0 using (sum [k = 2:7] column(k)) name "C" nooutput
stats data index 0 using (sum [k = 9:18] column(k)) name "B" nooutput
bps = G_max >= 1e9 ? 1e9 : G_max >= 1e6 ? 1e6 : 1e3
bps_name = G_max >= 1e9 ? "Gbit/s" : G_max >= 1e6 ? "Mbit/s" : "kbit/s"

set multiplot
set border 3 lc rgb "#404040"
set tics out scale 0.6 nomirror font ",10"
do for [i = 1:|captions|] {
    set label (500 + i) captions[i] at screen 0.012, screen (px(13.4) * (|captions| - i) + px(12)) left noenhanced font ",8.5" textcolor rgb "#303030"
}
set lmargin at screen left
set rmargin at screen right
set xrange [t(t_from):t(t_to)]
set grid xtics ytics lc rgb "#e4e4e4" lt 1 lw 0.6
set format x ""

# The line of an event goes through all graphs, up to its label.
array ends[4] = [1, 1, 1, 1]
do for [p = 1:4] {
    set tmargin at screen top[p]
    set bmargin at screen bottom[p]
    set key at screen right + 0.012, screen top[p] left top Left reverse vertical samplen 1.3 width 0 spacing 0.93 font ",9" noenhanced
    do for [e = 1:events] {
        x = t(event_at[e])
        if (event_line[e]) { set arrow e from first x, graph 0 to first x, screen (p > 1 ? top[p] + gap : event_row[e] < 0 ? head : head + px(9 + 15 * event_row[e])) nohead front lw 0.8 dt event_dash[e] lc rgb (event_dash[e] == 1 ? "#303030" : "#808080") }
        if (p == 1 && strlen(event_text[e]) > 0) {
            set label e event_text[e] at first x, screen (head + px(9 + 15 * event_row[e])) offset character 0.4, 0 left noenhanced font ",9" textcolor rgb (event_dash[e] == 1 ? "#000000" : "#606060")
        }
    }
    if (p == 4) {
        set format x "%g"
        set xlabel sprintf("simulated time (%s)", t_name) offset 0, 0.3
    }
    if (p == 1) {
        set ylabel "connections held by" offset 1, 0
        set yrange [0:C_max * 1.04 + 0.001]
        plot for [k = 6:1:-1] data index 0 using (holds[k] ? t($1) : NaN):(sum [j = 2:k] column(j)):(sum [j = 2:k + 1] column(j)) with filledcurves fc rgb holder_ink[k] fs solid 1 noborder title (holds[k] ? holder[k] : "")
    }
    if (p == 2) {
        set ylabel bps_name offset 1, 0
        set yrange [0:(G_max > 0 ? G_max * 1.08 / bps : 1)]
        plot data index 0 using (t($1)):($8 / bps) with lines lw 1.3 lc rgb "#303030" title "goodput, both ways"
    }
    if (p == 3) {
        set ylabel "server core busy (%)" offset 1, 0
        set yrange [0:(B_max > 60 ? 101 : B_max > 25 ? 60 : B_max > 10 ? 25 : 10)]
        plot for [k = 10:1:-1] data index 0 using (works[k] ? t($1) : NaN):(sum [j = 9:k + 7] column(j)):(sum [j = 9:k + 8] column(j)) with filledcurves fc rgb work_ink[k] fs solid 1 noborder title (works[k] ? work[k] : "")
    }
    if (p == 4) {
        set ylabel "per " . step_name offset 1, 0
        set ytics autofreq
        if (R_max == 0 && T_max == 0) { set label 400 "none" at graph 0.5, 0.5 center font ",10" textcolor rgb "#606060" }
        if (R_max < 6 && T_max < 6) { set ytics 1 }
        set yrange [0:(R_max > 0 || T_max > 0 ? (R_max > T_max ? R_max : T_max) * 1.1 : 1)]
        plot data index 0 using (t($1)):19 with filledcurves y1=0 fc rgb "#56b4e9" fs solid 1 noborder title "retransmissions", \
             data index 0 using (t($1)):(int($0) % 2 == 0 && $20 > 0 ? $20 : NaN) with points pt 7 ps 0.45 lc rgb "#d55e00" title "timeouts"
    }
    unset label 400
    do for [i = 1:|captions|] { unset label (500 + i) }
    do for [e = 1:events] { unset label e }
}
unset multiplot
set output
