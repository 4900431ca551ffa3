/* SPDX-License-Identifier: GPL-2.0-only */
/* flue/embed.h - a file that the build has put into the program (cmake/FlueEmbed.cmake). */
#ifndef FLUE_EMBED_H
#define FLUE_EMBED_H

#include <stddef.h>

/* One file; static storage. */
struct flue_embedded {
    const char *name; /* of the file, without folder and ending; NULL ends a list */
    const char *text; /* ends with a zero byte that `bytes` leaves out */
    size_t bytes;     /* length of text */
};

#endif
