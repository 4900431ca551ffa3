/* SPDX-License-Identifier: GPL-2.0-only */
/* base/error.c - names and sentences of flue_err. */
#include "flue/base.h"

const char *flue_err_name(flue_err err)
{
    switch (err) {
#define FLUE_ERR(code, name, sentence)                                                                                 \
    case FLUE_##name:                                                                                                  \
        return #name;
#include "flue/err.def"
#undef FLUE_ERR
    }
    return "EUNKNOWN";
}

const char *flue_err_sentence(flue_err err)
{
    switch (err) {
#define FLUE_ERR(code, name, sentence)                                                                                 \
    case FLUE_##name:                                                                                                  \
        return sentence;
#include "flue/err.def"
#undef FLUE_ERR
    }
    return "an error code that this version does not know";
}
