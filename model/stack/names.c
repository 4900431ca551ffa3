/* SPDX-License-Identifier: GPL-2.0-only */
/* stack/names.c - errors: their names, and what the engine's words mean to a user of sockets. */
#include "stack/stack.h"

int flue_stack_version(void)
{
    return FLUE_STACK_VERSION;
}

const char *flue_stack_error_name(int error)
{
    switch (error) {
    case FLUE_STACK_OK:
        return "OK";
#define FLUE_STACK_ERROR(number, name, sentence)                                                                       \
    case -(number):                                                                                                    \
        return #name;
#include "flue/stack_error.def"
#undef FLUE_STACK_ERROR
    default:
        return "?";
    }
}

const char *flue_stack_error_sentence(int error)
{
    switch (error) {
    case FLUE_STACK_OK:
        return "no error";
#define FLUE_STACK_ERROR(number, name, sentence)                                                                       \
    case -(number):                                                                                                    \
        return sentence;
#include "flue/stack_error.def"
#undef FLUE_STACK_ERROR
    default:
        return "?";
    }
}

int stack_error_of(flue_err err)
{
    switch (err) {
    case FLUE_OK:
        return FLUE_STACK_OK;
    case FLUE_ENOMEM:
        return FLUE_STACK_ENOMEM;
    case FLUE_EEXIST:
        return FLUE_STACK_EADDRINUSE;
    case FLUE_ESTATE:
        return FLUE_STACK_EPIPE;
    case FLUE_EPARSE:
    case FLUE_EFOREIGN:
        return FLUE_STACK_EPROTO;
    case FLUE_EINVAL:
    case FLUE_ENOENT:
    case FLUE_EIO:
    case FLUE_ETOOL:
        return FLUE_STACK_EINVAL;
    }
    return FLUE_STACK_EINVAL;
}

int stack_error_for(enum flue_tcp_reason reason, enum socket_phase phase)
{
    switch (reason) {
    case FLUE_TCP_BY_RESET:
        return phase == SOCKET_OPENING ? FLUE_STACK_ECONNREFUSED : FLUE_STACK_ECONNRESET;
    case FLUE_TCP_BY_ABORT:
        return FLUE_STACK_ECONNABORTED;
    case FLUE_TCP_BY_TIMEOUT:
    case FLUE_TCP_BY_KEEP_ALIVE:
    case FLUE_TCP_BY_USER_TIMEOUT:
        return FLUE_STACK_ETIMEDOUT;
    case FLUE_TCP_BY_UNREACHABLE:
        return FLUE_STACK_EHOSTUNREACH;
    case FLUE_TCP_BY_OPEN:
    case FLUE_TCP_BY_SEGMENT:
    case FLUE_TCP_BY_CLOSE:
    case FLUE_TCP_BY_2MSL:
    case FLUE_TCP_BY_IMPORT:
    case FLUE_TCP_BY_EXPORT:
        return FLUE_STACK_OK;
    }
    return FLUE_STACK_OK;
}
