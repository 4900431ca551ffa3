/* SPDX-License-Identifier: GPL-2.0-only */
/* Figures.  Everything is made in a folder beside the output and moved to its place when it is complete. */
#include "plots/plots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plot_templates.h"
#include "plots/facts.h"
#include "plots/policies.h"
#include "plots/query.h"
#include "plots/silence.h"
#include "plots/storm.h"
#include "store/store.h"

#define WIDTH_PX 900

typedef flue_err check_fn(struct store *store, char *message, size_t room);
typedef flue_err facts_fn(struct store *store, FILE *out, char *message, size_t room);

/* A figure: its query and its template have its name. */
struct plot {
    struct plot_info info;
    check_fn *check; /* refuses runs that it cannot show together */
    facts_fn *facts; /* writes the settings that its template expects */
    int height_px;
};

static flue_err latency_facts(struct store *store, FILE *out, char *message, size_t room)
{
    return facts_write(store,
                       "Quantiles are pooled over seeds and shown only where at least 10 samples lie above them; bars: "
                       "95 % interval of the seeds' own quantiles (Student's t, 3 seeds or more).",
                       800, 0, out, message, room);
}

static flue_err saving_facts(struct store *store, FILE *out, char *message, size_t room)
{
    return facts_write(store,
                       "Mean over pairs of runs with equal seeds; bars: 95 % interval of the pairs (Student's t, 3 "
                       "pairs or more). Solid: measured window. Dashed: the cycles of all hand-overs of the run are "
                       "added to the window.",
                       770, 1, out, message, room);
}

static const struct plot plots[] = {
    {{"latency", "request latency against the size of a response: p50 and p99, host and chimney",
      "rpc runs with several io_size, of offload=host and offload=chimney; a panel for each load",
      "where the two p99 part, and what limits each point: the strip under the axis"},
     facts_check,
     latency_facts,
     620},
    {{"cpu-saving", "host cycles per byte that offload saves, against the size of a response",
      "rpc runs with several io_size, of offload=host and offload=chimney with equal seeds",
      "where a curve crosses zero: below it offload loses; dashed lines pay for the hand-over, too"},
     facts_check,
     saving_facts,
     620},
    {{"policies", "host cycles per byte and p99 latency by policy, against the contexts for each connection",
      "rpc runs of offload=chimney with several policies, random and oracle among them, and several capacities",
      "how far from the oracle each policy stays where contexts are few: shaded is what there is to gain over random"},
     policies_check,
     policies_facts,
     620},
    {{"storm", "one run over time: who holds the connections, goodput, host CPU by category, retransmissions",
      "a run with sample=TIME; of several that differ only in their seed the newest",
      "what each scheduled event (a vertical line) sets off, how long it lasts, and what the core works on meanwhile"},
     storm_check,
     storm_facts,
     940},
    {{"silence", "how many connections were never silent for longer than a time",
      "runs that differ in one parameter, in offload, or in both; seeds are pooled",
      "the right end of a line: the connections that waited longest; a step: a timeout that many shared"},
     silence_check,
     silence_facts,
     620},
};

struct ending {
    const char *suffix;
    const char *terminal; /* for width and height */
    double scale;         /* of both, from pixels */
    const char *end;      /* what stands among the last 32 bytes of a whole picture */
};

static const struct ending endings[] = {
    {".svg", "set terminal svg size %g,%g dynamic enhanced font 'DejaVu Sans,12' background rgb 'white'\n", 1,
     "</svg>"},
    {".png",
     "set terminal pngcairo size %g,%g enhanced font 'DejaVu Sans,12' fontscale 1.5 linewidth 2 dashlength 0.6 "
     "pointscale 2 background rgb 'white'\n",
     2, "IEND"},
    {".pdf",
     "set terminal pdfcairo size %gin,%gin enhanced font 'DejaVu Sans,12' fontscale 0.58 linewidth 1.2 "
     "pointscale 0.7 background rgb 'white'\n",
     0.01, "%%EOF"},
};

const struct plot_info *plot_at(size_t index)
{
    return index < sizeof plots / sizeof plots[0] ? &plots[index].info : NULL;
}

static const struct plot *find(const char *name)
{
    for (size_t i = 0; i < sizeof plots / sizeof plots[0]; i++) {
        if (strcmp(plots[i].info.name, name) == 0) {
            return &plots[i];
        }
    }
    return NULL;
}

const struct plot_info *plot_find(const char *name)
{
    const struct plot *plot = find(name);

    return plot != NULL ? &plot->info : NULL;
}

static const struct ending *ending_of(const char *output)
{
    const char *dot = strrchr(output, '.');

    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++) {
        if (strcmp(dot, endings[i].suffix) == 0) {
            return &endings[i];
        }
    }
    return NULL;
}

/* Where things are made and where they go; texts are owned. */
struct workshop {
    char folder[4096]; /* temporary, beside the output */
    char base[256];    /* the output's name without folder and ending */
    char target[4096]; /* the output's folder and a slash, or "" */
    const char *suffix;
    const char *output; /* as the request names it */
};

static flue_err say_unwritten(const struct workshop *shop, int reason, char *message, size_t room)
{
    snprintf(message, room, "%s: cannot be written: %s", shop->output, strerror(reason));
    return FLUE_EIO;
}

/* Whether the disk of the workshop is full, as far as it tells. */
static bool disk_is_full(const struct workshop *shop)
{
    struct statvfs facts;

    return statvfs(shop->folder, &facts) == 0 && facts.f_bavail == 0;
}

/* Why a stream could not be written; 0: it could. */
static int reason_of(const struct workshop *shop, FILE *out)
{
    errno = 0;
    if (fflush(out) == 0 && ferror(out) == 0) {
        return 0;
    }
    /* An earlier write was refused, and its reason is gone. */
    return errno != 0 ? errno : disk_is_full(shop) ? ENOSPC : EIO;
}

static flue_err open_workshop(const struct plot_request *request, struct workshop *shop, char *message, size_t room)
{
    const char *slash = strrchr(request->output, '/');
    const char *name = slash != NULL ? slash + 1 : request->output;
    size_t stem = strlen(name) - strlen(shop->suffix);

    if (stem == 0 || stem >= sizeof shop->base || strlen(request->output) + 64 > sizeof shop->folder) {
        snprintf(message, room, "%s: is no name for a file; use NAME.svg, NAME.png or NAME.pdf", request->output);
        return FLUE_EINVAL;
    }
    snprintf(shop->base, sizeof shop->base, "%.*s", (int)stem, name);
    snprintf(shop->target, sizeof shop->target, "%.*s", (int)(name - request->output), request->output);
    snprintf(shop->folder, sizeof shop->folder, "%.*s.flue-plot-XXXXXX", (int)(name - request->output),
             request->output);
    if (mkdtemp(shop->folder) == NULL) {
        snprintf(message, room, "%s: cannot be made: %s; name a file in a folder that may be written", request->output,
                 strerror(errno));
        return FLUE_EIO;
    }
    return FLUE_OK;
}

static FILE *open_part(const struct workshop *shop, const char *suffix, const char *mode)
{
    char path[8192];

    snprintf(path, sizeof path, "%s/%s%s", shop->folder, shop->base, suffix);
    return fopen(path, mode);
}

/* Moves a part to its place. */
static bool deliver(const struct workshop *shop, const char *suffix)
{
    char from[8192], to[8192];

    snprintf(from, sizeof from, "%s/%s%s", shop->folder, shop->base, suffix);
    snprintf(to, sizeof to, "%s%s%s", shop->target, shop->base, suffix);
    return rename(from, to) == 0;
}

static void close_workshop(const struct workshop *shop)
{
    const char *const suffixes[] = {".gp", ".dat", ".log", shop->suffix};
    char path[8192];

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        snprintf(path, sizeof path, "%s/%s%s", shop->folder, shop->base, suffixes[i]);
        unlink(path);
    }
    rmdir(shop->folder);
}

static flue_err write_data(struct store *store, const struct plot *plot, const struct workshop *shop, char *message,
                           size_t room)
{
    FILE *out = open_part(shop, ".dat", "w");
    flue_err err;
    size_t rows = 0;
    int reason;

    if (out == NULL) {
        return say_unwritten(shop, errno, message, room);
    }
    err = query_write(store, query_text(plot->info.name), QUERY_DATA, out, &rows, message, room);
    reason = reason_of(shop, out);
    if (fclose(out) != 0 || reason != 0) {
        err = say_unwritten(shop, reason != 0 ? reason : errno, message, room);
    }
    if (err == FLUE_OK && rows == 0) {
        snprintf(message, room, "%s: has no runs for this plot; it needs %s", store_path(store), plot->info.needs);
        err = FLUE_ENOENT;
    }
    return err;
}

static flue_err write_script(struct store *store, const struct plot *plot, const struct workshop *shop,
                             const struct ending *ending, char *message, size_t room)
{
    FILE *out = open_part(shop, ".gp", "w");
    char name[512];
    flue_err err;
    int reason;

    if (out == NULL) {
        return say_unwritten(shop, errno, message, room);
    }
    fputs("# Made by flue plot.  In this folder: gnuplot FILE.gp\n", out);
    fprintf(out, ending->terminal, WIDTH_PX * ending->scale, plot->height_px * ending->scale);
    snprintf(name, sizeof name, "%s%s", shop->base, shop->suffix);
    fputs("set output ", out);
    facts_put_string(out, name);
    snprintf(name, sizeof name, "%s.dat", shop->base);
    fputs("\ndata = ", out);
    facts_put_string(out, name);
    fprintf(out, "\nwidth_px = %d\nheight_px = %d\n", WIDTH_PX, plot->height_px);
    err = plot->facts(store, out, message, room);
    fputs("\n", out);
    for (const struct flue_embedded *file = plot_templates; file->name != NULL; file++) {
        if (strcmp(file->name, plot->info.name) == 0) {
            fputs(file->text, out);
        }
    }
    reason = reason_of(shop, out);
    if ((fclose(out) != 0 || reason != 0) && err == FLUE_OK) {
        err = say_unwritten(shop, reason != 0 ? reason : errno, message, room);
    }
    return err;
}

/* In the child: gnuplot in the workshop, its words in the log. */
static void become_gnuplot(const char *program, const struct workshop *shop)
{
    char log[512], script[512];
    char first[] = "--default-settings";
    char *argv[4];
    int in = open("/dev/null", O_RDONLY), out;

    snprintf(log, sizeof log, "%s.log", shop->base);
    snprintf(script, sizeof script, "./%s.gp", shop->base);
    if (chdir(shop->folder) != 0) {
        _exit(126);
    }
    out = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) {
        _exit(126);
    }
    argv[0] = (char *)program;
    argv[1] = first;
    argv[2] = script;
    argv[3] = NULL;
    execvp(program, argv);
    _exit(errno == ENOENT || errno == EACCES ? 127 : 126);
}

/* The first line of the log that has a letter in it. */
static void first_words(const struct workshop *shop, char *out, size_t room)
{
    FILE *log = open_part(shop, ".log", "r");
    char line[512];

    snprintf(out, room, "it said nothing");
    while (log != NULL && fgets(line, sizeof line, log) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strstr(line, "line ") != NULL || strstr(line, "error") != NULL) {
            snprintf(out, room, "%s", line);
            break;
        }
    }
    if (log != NULL) {
        fclose(log);
    }
}

/* gnuplot does not look whether its picture arrived; every kind of picture has an end. */
static flue_err check_picture(const struct workshop *shop, const char *end, char *message, size_t room)
{
    FILE *picture = open_part(shop, shop->suffix, "r");
    char tail[33] = "";
    size_t got = 0;

    if (picture != NULL && (fseek(picture, -32, SEEK_END) == 0 || fseek(picture, 0, SEEK_SET) == 0)) {
        got = fread(tail, 1, sizeof tail - 1, picture);
    }
    if (picture != NULL) {
        fclose(picture);
    }
    for (size_t at = 0; at + strlen(end) <= got; at++) {
        if (memcmp(tail + at, end, strlen(end)) == 0) {
            return FLUE_OK;
        }
    }
    return say_unwritten(shop, disk_is_full(shop) ? ENOSPC : EIO, message, room);
}

static flue_err run_gnuplot(const char *program, const struct workshop *shop, char *message, size_t room)
{
    int status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        become_gnuplot(program, shop);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return FLUE_OK;
    }
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        snprintf(message, room, "%s is not installed; on Debian: apt-get install gnuplot-nox", program);
        return FLUE_ETOOL;
    }
    if (disk_is_full(shop)) {
        return say_unwritten(shop, ENOSPC, message, room);
    }
    char words[600];
    first_words(shop, words, sizeof words);
    snprintf(message, room, "%s could not draw: %s", program, words);
    return FLUE_EIO;
}

/* --keep replaces scripts and data of an earlier figure, and nothing else. */
static flue_err check_target(const struct plot_request *request, const struct workshop *shop, char *message,
                             size_t room)
{
    static const struct {
        const char *suffix, *first;
    } kept[] = {{".gp", "# Made by flue plot."}, {".dat", "# index 0:"}};

    for (size_t i = 0; request->keep && i < sizeof kept / sizeof kept[0]; i++) {
        char path[4096], line[64] = "";
        int stem = (int)(strlen(request->output) - strlen(shop->suffix));
        FILE *file;
        bool ours;

        snprintf(path, sizeof path, "%.*s%s", stem, request->output, kept[i].suffix);
        if (access(path, F_OK) != 0) {
            continue;
        }
        file = fopen(path, "r");
        ours = file != NULL && fgets(line, sizeof line, file) != NULL &&
               strncmp(line, kept[i].first, strlen(kept[i].first)) == 0;
        if (file != NULL) {
            fclose(file);
        }
        if (!ours) {
            snprintf(message, room,
                     "%s: is not from flue plot and is left alone; name another picture, or leave --keep out", path);
            return FLUE_EIO;
        }
    }
    return FLUE_OK;
}

flue_err plot_draw(struct store *store, const struct plot_request *request, char *message, size_t room)
{
    const struct plot *plot = find(request->name);
    const struct ending *ending = ending_of(request->output);
    struct workshop shop = {.suffix = ending != NULL ? ending->suffix : "", .output = request->output};
    flue_err err;

    if (plot == NULL) {
        snprintf(message, room, "there is no plot %s", request->name);
        return FLUE_ENOENT;
    }
    if (ending == NULL) {
        snprintf(message, room, "%s: unknown kind of picture; end its name in .svg, .png or .pdf", request->output);
        return FLUE_EINVAL;
    }
    err = query_choose(store, request->where, request->where_count, message, room);
    err = err == FLUE_OK ? plot->check(store, message, room) : err;
    err = err == FLUE_OK ? check_target(request, &shop, message, room) : err;
    err = err == FLUE_OK ? open_workshop(request, &shop, message, room) : err;
    if (err != FLUE_OK) {
        return err;
    }
    err = write_data(store, plot, &shop, message, room);
    err = err == FLUE_OK ? write_script(store, plot, &shop, ending, message, room) : err;
    err = err == FLUE_OK ? run_gnuplot(request->gnuplot != NULL ? request->gnuplot : "gnuplot", &shop, message, room)
                         : err;
    err = err == FLUE_OK ? check_picture(&shop, ending->end, message, room) : err;
    /* What gnuplot could not draw is kept as well: it shows why. */
    if (request->keep && (!deliver(&shop, ".gp") || !deliver(&shop, ".dat")) && err == FLUE_OK) {
        err = say_unwritten(&shop, errno, message, room);
    }
    if (err == FLUE_OK && !deliver(&shop, shop.suffix)) {
        err = say_unwritten(&shop, errno, message, room);
    }
    close_workshop(&shop);
    return err;
}
