/* SPDX-License-Identifier: GPL-2.0-only */
/* host/charge.h - one function per host price: charge_NAME(host, account, bytes).  account NULL: the core's general
 * book. */
#ifndef FLUE_HOST_CHARGE_H
#define FLUE_HOST_CHARGE_H

#include "host/host.h"

#define FLUE_PRICE(name, side, category, title)                                                                        \
    static inline void charge_##name(struct flue_host *host, struct flue_account *account, uint64_t bytes)             \
    {                                                                                                                  \
        (void)flue_server_charge(&host->core, account, FLUE_COST_##category, &host->params.profile.name, bytes);       \
    }
#define FLUE_VALUE(name, side, unit, minimum, maximum, title)
#include "flue/profile.def"
#undef FLUE_PRICE
#undef FLUE_VALUE

/* One send or receive call of the application, without its copy. */
static inline void charge_call(struct flue_host *host, struct flue_account *account)
{
    charge_syscall(host, account, 0);
    charge_socket_call(host, account, 0);
    charge_other_call(host, account, 0);
}

#endif
