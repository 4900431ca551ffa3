/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing the record of a run. */
#include "store/run_text.h"

#include <inttypes.h>

static void put_field(FILE *out, const char *text)
{
    fputc('\t', out);
    for (const char *c = text != NULL ? text : ""; *c != '\0'; c++) {
        switch (*c) {
        case '\t':
            fputs("\\t", out);
            break;
        case '\n':
            fputs("\\n", out);
            break;
        case '\\':
            fputs("\\\\", out);
            break;
        default:
            fputc(*c, out);
            break;
        }
    }
}

static void put_line(FILE *out, const char *word, const char *text)
{
    fputs(word, out);
    put_field(out, text);
    fputc('\n', out);
}

flue_err run_text_write(FILE *out, const struct store_run *run)
{
    size_t lines = 6 + run->finding_count + run->broken_count + run->schedule_count + run->sample_count +
                   run->metric_count + run->bin_count;

    fputs("flue-run\t1\n", out);
    put_line(out, "status", store_status_word((unsigned)run->status));
    put_line(out, "digest", run->digest);
    fprintf(out, "end_ps\t%" PRId64 "\nevents\t%" PRIu64 "\n", run->sim_end_ps, run->events);
    put_line(out, "evidence", run->evidence);
    for (size_t i = 0; i < run->finding_count; i++) {
        put_line(out, "finding", run->findings[i]);
    }
    for (size_t i = 0; i < run->broken_count; i++) {
        fprintf(out, "broken\t%u", run->brokens[i].rule);
        put_field(out, run->brokens[i].party);
        fprintf(out, "\t%" PRIu64 "\n", run->brokens[i].count);
    }
    for (size_t i = 0; i < run->schedule_count; i++) {
        fprintf(out, "event\t%" PRId64 "\t%d", run->schedule[i].at_ps, run->schedule[i].effect ? 1 : 0);
        put_field(out, run->schedule[i].what);
        fputc('\n', out);
    }
    for (size_t i = 0; i < run->sample_count; i++) {
        fputs("sample", out);
        put_field(out, run->samples[i].metric);
        put_field(out, run->samples[i].entity);
        fprintf(out, "\t%" PRId64 "\t%" PRId64 "\n", run->samples[i].at_ps, run->samples[i].value);
    }
    for (size_t i = 0; i < run->metric_count; i++) {
        const struct store_metric *m = &run->metrics[i];
        fputs("metric", out);
        put_field(out, m->name);
        put_field(out, m->entity);
        fprintf(out, "\t%" PRId64 "\t%" PRId64 "\n", m->num, m->den);
    }
    for (size_t i = 0; i < run->bin_count; i++) {
        const struct store_bin *b = &run->bins[i];
        fputs("bin", out);
        put_field(out, b->metric);
        put_field(out, b->entity);
        fprintf(out, "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", b->lo, b->hi, b->n);
    }
    fprintf(out, "end\t%zu\n", lines);
    return fflush(out) == 0 && ferror(out) == 0 ? FLUE_OK : FLUE_EIO;
}
