/* SPDX-License-Identifier: GPL-2.0-only */
/* im/break.c - a driver that passes everything on, and breaks one rule of the interface on purpose.
 *
 * It breaks it on one occasion and on all that follow.  Nothing of it is safe without the checker: what it does wrong
 * is what the layers above and below rely on. */
#include "im/im_core.h"

#include <stddef.h>

static const struct {
    unsigned rule;
    const char *how;
} ways[] = {
    {325, "it completes a send twice"},
    {326, "it keeps the completion of a disconnect to itself"},
    {327, "it does not restore SourceHandle before it completes a terminate"},
    {333, "it turns a graceful disconnect into an abortive one"},
    {334, "it changes the status of a receive indication"},
    {335, "it tells the adapter that one byte fewer was consumed"},
    {336, "it changes the reason of an event"},
};

unsigned flue_im_breakable(unsigned i, const char **how)
{
    const bool known = i < sizeof ways / sizeof ways[0];

    *how = known ? ways[i].how : NULL;
    return known ? ways[i].rule : 0;
}

bool im_breakable(unsigned rule)
{
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (ways[i].rule == rule) {
            return true;
        }
    }
    return false;
}

bool im_breaks(struct flue_im *im, unsigned rule)
{
    return im->params.kind == FLUE_IM_BREAK && im->params.broken_rule == rule &&
           im->break_count++ >= im->params.broken_after;
}
