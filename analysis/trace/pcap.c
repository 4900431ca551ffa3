/* SPDX-License-Identifier: GPL-2.0-only */
/* trace/pcap.c - the capture file: the format is told in draft-ietf-opsawg-pcap. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/pcap.h"

#define MAGIC_NANOSECONDS UINT32_C(0xa1b23c4d)
#define VERSION_2_4       UINT32_C(0x00040002) /* major in the low half */
#define LINKTYPE_ETHERNET UINT32_C(1)
#define LINKTYPE_RAW      UINT32_C(101)
#define FILE_HEADER_WORDS 6
#define RECORD_WORDS      4

struct pcap {
    FILE *file;
    uint32_t link_type;
    bool begun; /* the file's header is written, with the first packet */
    bool failed;
};

/* Numbers are little-endian, whatever the machine; the magic number tells readers. */
static void write_words(struct pcap *pcap, const uint32_t *words, size_t count)
{
    uint8_t bytes[4 * FILE_HEADER_WORDS];

    for (size_t i = 0; i < 4 * count; i++) {
        bytes[i] = (uint8_t)(words[i / 4] >> (i % 4 * 8));
    }
    if (fwrite(bytes, 1, 4 * count, pcap->file) != 4 * count) {
        pcap->failed = true;
    }
}

bool pcap_is_capture(const char *path)
{
    static const uint8_t magics[][4] = {
        {0x4d, 0x3c, 0xb2, 0xa1}, {0xa1, 0xb2, 0x3c, 0x4d}, {0xd4, 0xc3, 0xb2, 0xa1},
        {0xa1, 0xb2, 0xc3, 0xd4}, {0x0a, 0x0d, 0x0d, 0x0a}, /* pcapng */
    };
    uint8_t begin[4];
    FILE *file = fopen(path, "rb");
    bool whole = file != NULL && fread(begin, 1, sizeof begin, file) == sizeof begin;

    if (file != NULL) {
        (void)fclose(file);
    }
    for (size_t i = 0; whole && i < sizeof magics / sizeof magics[0]; i++) {
        if (memcmp(begin, magics[i], sizeof begin) == 0) {
            return true;
        }
    }
    return false;
}

static void begin(struct pcap *pcap)
{
    const uint32_t header[FILE_HEADER_WORDS] = {
        MAGIC_NANOSECONDS, VERSION_2_4, 0, 0, PCAP_MAX_PACKET_BYTES, pcap->link_type,
    };

    if (!pcap->begun) {
        pcap->begun = true;
        write_words(pcap, header, FILE_HEADER_WORDS);
    }
}

struct pcap *pcap_open(const char *path, flue_err *err)
{
    struct pcap *pcap = malloc(sizeof *pcap);

    if (pcap == NULL) {
        *err = FLUE_ENOMEM;
        return NULL;
    }
    *pcap = (struct pcap){.file = fopen(path, "wb"), .link_type = LINKTYPE_RAW};
    if (pcap->file == NULL) {
        free(pcap);
        *err = FLUE_EIO;
        return NULL;
    }
    *err = FLUE_OK;
    return pcap;
}

void pcap_ethernet(struct pcap *pcap)
{
    pcap->link_type = LINKTYPE_ETHERNET;
}

flue_err pcap_packet(struct pcap *pcap, flue_ps at_ps, const uint8_t *bytes, size_t length)
{
    uint32_t record[RECORD_WORDS];

    if (at_ps < 0 || length > PCAP_MAX_PACKET_BYTES) {
        return FLUE_EINVAL;
    }
    begin(pcap);
    record[0] = (uint32_t)(at_ps / FLUE_PS_PER_S);
    record[1] = (uint32_t)(at_ps % FLUE_PS_PER_S / FLUE_PS_PER_NS);
    record[2] = (uint32_t)length; /* in the file */
    record[3] = (uint32_t)length; /* on the wire */
    if (!pcap->failed) {
        write_words(pcap, record, RECORD_WORDS);
    }
    if (!pcap->failed && length > 0 && fwrite(bytes, 1, length, pcap->file) != length) {
        pcap->failed = true;
    }
    return pcap->failed ? FLUE_EIO : FLUE_OK;
}

flue_err pcap_close(struct pcap *pcap)
{
    bool failed;

    if (pcap == NULL) {
        return FLUE_OK;
    }
    begin(pcap);
    failed = pcap->failed;
    failed = fclose(pcap->file) != 0 || failed;
    free(pcap);
    return failed ? FLUE_EIO : FLUE_OK;
}
