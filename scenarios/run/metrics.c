/* SPDX-License-Identifier: GPL-2.0-only */
/* The metrics, from metrics.def. */
#include <string.h>

#include "run/results.h"

static const struct metric_info metrics[] = {
#define FLUE_METRIC(name, unit, kind, better, title, doc) {#name, unit, METRIC_##kind, METRIC_##better, title, doc},
#include "flue/metrics.def"
#undef FLUE_METRIC
};

#define METRICS (sizeof metrics / sizeof metrics[0])

size_t metrics_count(void)
{
    return METRICS;
}

const struct metric_info *metrics_at(size_t index)
{
    return &metrics[index];
}

const struct metric_info *metrics_find(const char *name)
{
    for (size_t i = 0; i < METRICS; i++) {
        if (strcmp(metrics[i].name, name) == 0) {
            return &metrics[i];
        }
    }
    return NULL;
}

const char *metrics_kind_name(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_counter:
        return "counter";
    case METRIC_gauge:
        return "gauge";
    case METRIC_ratio:
        return "ratio";
    case METRIC_hist:
        return "hist";
    case METRIC_series:
        return "series";
    }
    return "?";
}

const char *metrics_better_name(enum metric_better better)
{
    switch (better) {
    case METRIC_low:
        return "low";
    case METRIC_high:
        return "high";
    case METRIC_none:
        return "none";
    }
    return "?";
}
