/* SPDX-License-Identifier: GPL-2.0-only */
/* trace/pcap.h - writes packets into a capture file that tcpdump and Wireshark read.
 *
 * The file is a pcap with nanoseconds and link type RAW (101): each packet begins with its IPv4 or IPv6 header; or
 * ETHERNET (1): with its MAC addresses, and without the frame check sequence.  Time 0 of the simulation is 1970-01-01
 * 00:00:00 UTC.  Equal packets make equal files on every machine. */
#ifndef FLUE_TRACE_PCAP_H
#define FLUE_TRACE_PCAP_H

#include <stdbool.h>

#include "flue/base.h"

FLUE_BEGIN_C

#define PCAP_MAX_PACKET_BYTES 262144u

struct pcap; /* opaque */

/* Does the file begin as a capture does, this one or another tool's? */
bool pcap_is_capture(const char *path);

/* Makes or replaces the file.  The caller owns the result until pcap_close(); path is read now only.  NULL, and *err:
 * FLUE_EIO (errno says why), FLUE_ENOMEM. */
struct pcap *pcap_open(const char *path, flue_err *err);

/* The packets are Ethernet frames: before the first one. */
void pcap_ethernet(struct pcap *pcap);

/* Adds a packet, copied; packets stand in the order of the calls.  at_ps is cut to nanoseconds.  FLUE_EINVAL, and
 * nothing is written: at_ps is negative or the packet longer than PCAP_MAX_PACKET_BYTES.  FLUE_EIO: it could not be
 * written; so says every later call, and pcap_close() as well. */
FLUE_CHECKED flue_err pcap_packet(struct pcap *pcap, flue_ps at_ps, const uint8_t *bytes, size_t length);

/* Ends the file and frees pcap, whatever it returns.  FLUE_EIO: the file is not whole.  NULL: FLUE_OK. */
FLUE_CHECKED flue_err pcap_close(struct pcap *pcap);

FLUE_END_C

#endif
