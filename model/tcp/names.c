/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/names.c - names of the TCP states (RFC 9293 3.3.2). */
#include "flue/tcp.h"

const char *flue_tcp_state_name(unsigned state)
{
    static const char *const names[] = {
        [FLUE_TCP_CLOSED] = "CLOSED",           [FLUE_TCP_LISTEN] = "LISTEN",
        [FLUE_TCP_SYN_SENT] = "SYN-SENT",       [FLUE_TCP_SYN_RECEIVED] = "SYN-RECEIVED",
        [FLUE_TCP_ESTABLISHED] = "ESTABLISHED", [FLUE_TCP_FIN_WAIT_1] = "FIN-WAIT-1",
        [FLUE_TCP_FIN_WAIT_2] = "FIN-WAIT-2",   [FLUE_TCP_CLOSE_WAIT] = "CLOSE-WAIT",
        [FLUE_TCP_CLOSING] = "CLOSING",         [FLUE_TCP_LAST_ACK] = "LAST-ACK",
        [FLUE_TCP_TIME_WAIT] = "TIME-WAIT",
    };

    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}
