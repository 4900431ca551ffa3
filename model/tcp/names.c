/* SPDX-License-Identifier: GPL-2.0-only */
/* tcp/names.c - names of the TCP states (RFC 9293 3.3.2), of reasons and of the kinds of recovery. */
#include "flue/tcp_engine.h"

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

const char *flue_tcp_reason_name(unsigned reason)
{
    static const char *const names[] = {
        [FLUE_TCP_BY_OPEN] = "open",
        [FLUE_TCP_BY_SEGMENT] = "segment",
        [FLUE_TCP_BY_CLOSE] = "close",
        [FLUE_TCP_BY_RESET] = "reset",
        [FLUE_TCP_BY_ABORT] = "abort",
        [FLUE_TCP_BY_TIMEOUT] = "timeout",
        [FLUE_TCP_BY_2MSL] = "2 MSL",
        [FLUE_TCP_BY_IMPORT] = "import",
        [FLUE_TCP_BY_EXPORT] = "export",
        [FLUE_TCP_BY_KEEP_ALIVE] = "keep-alive",
        [FLUE_TCP_BY_USER_TIMEOUT] = "user timeout",
        [FLUE_TCP_BY_UNREACHABLE] = "unreachable",
    };

    return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "?";
}

const char *flue_tcp_recovery_name(unsigned recovery)
{
    static const char *const names[] = {
        [FLUE_TCP_CA_OPEN] = "open", [FLUE_TCP_CA_DISORDER] = "disorder", [FLUE_TCP_CA_RECOVERY] = "recovery",
        [FLUE_TCP_CA_LOSS] = "loss", [FLUE_TCP_CA_CWR] = "cwr",
    };

    return recovery < sizeof(names) / sizeof(names[0]) ? names[recovery] : "?";
}
