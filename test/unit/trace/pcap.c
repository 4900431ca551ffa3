/* SPDX-License-Identifier: GPL-2.0-only */
/* Captures of Ethernet frames: the bytes of the file, and that another tool finds nothing wrong in frames of any kind.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame/frame.h"
#include "support/test.h"
#include "trace/pcap.h"
#include "unit/frame/kinds.h"

static uint32_t word(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Writes all known frames, a nanosecond apart. */
static void write_known(const char *path)
{
    uint8_t bytes[256];
    flue_err err;
    struct pcap *pcap = pcap_open(path, &err);

    assert_non_null(pcap);
    pcap_ethernet(pcap);
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        size_t length = frame_link_encode(&known[i].frame, bytes, sizeof bytes, true);

        assert_int_equal(length, known[i].length);
        assert_int_equal(pcap_packet(pcap, (flue_ps)i * FLUE_PS_PER_NS, bytes, length), FLUE_OK);
    }
    assert_int_equal(pcap_close(pcap), FLUE_OK);
}

static size_t read_whole(const char *path, uint8_t *out, size_t room)
{
    FILE *file = fopen(path, "rb");
    size_t length;

    assert_non_null(file);
    length = fread(out, 1, room, file);
    (void)fclose(file);
    return length;
}

static void make_name(char path[32])
{
    int file;

    strcpy(path, "/tmp/flue-pcap-XXXXXX");
    file = mkstemp(path);
    assert_true(file >= 0);
    (void)close(file);
}

static void ethernet_frames_stand_in_the_file(void **state)
{
    static uint8_t bytes[8192];
    char path[32];
    size_t length, at = 24;

    (void)state;
    make_name(path);
    write_known(path);
    assert_true(pcap_is_capture(path));
    length = read_whole(path, bytes, sizeof bytes);
    assert_int_equal(word(bytes + 20), 1); /* Ethernet */
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        assert_true(at + 16 + known[i].length <= length);
        assert_int_equal(word(bytes + at + 4), i);
        assert_int_equal(word(bytes + at + 8), known[i].length);
        assert_memory_equal(bytes + at + 16, known[i].bytes, known[i].length);
        at += 16 + known[i].length;
    }
    assert_int_equal(at, length);
    (void)remove(path);
}

static void an_empty_capture_is_one(void **state)
{
    uint8_t bytes[64];
    char path[32];
    flue_err err;
    struct pcap *pcap;

    (void)state;
    make_name(path);
    pcap = pcap_open(path, &err);
    assert_non_null(pcap);
    assert_int_equal(pcap_close(pcap), FLUE_OK);
    assert_int_equal(read_whole(path, bytes, sizeof bytes), 24);
    assert_int_equal(word(bytes + 20), 101); /* IP packets */
    (void)remove(path);
}

/* Lines that tshark prints for a filter; checksums are verified.  A fragment's TCP checksum nobody can know. */
static unsigned lines(const char *path, const char *filter)
{
    char command[512];
    unsigned count = 0;
    FILE *pipe;

    (void)snprintf(command, sizeof command,
                   "tshark -n -o ip.defragment:FALSE -o ipv6.defragment:FALSE -o ip.check_checksum:TRUE "
                   "-o tcp.check_checksum:TRUE -r %s -Y '%s' 2>/dev/null",
                   path, filter);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) {
        count += c == '\n';
    }
    assert_int_equal(pclose(pipe), 0);
    return count;
}

static void another_tool_finds_nothing_wrong(void **state)
{
    char path[32];

    (void)state;
    if (system("command -v tshark >/dev/null 2>&1") != 0) {
        skip();
    }
    make_name(path);
    write_known(path);
    assert_int_equal(lines(path, "frame"), COUNT_OF(known));
    assert_int_equal(lines(path, "_ws.malformed"), 0);
    assert_int_equal(lines(path,
                           "ip.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0 || "
                           "(tcp.checksum.status == 0 && !ip.flags.mf && !ipv6.fraghdr)"),
                     0);
    assert_int_equal(lines(path, "arp"), 4);
    assert_int_equal(lines(path, "icmpv6.type == 135 || icmpv6.type == 136"), 4);
    assert_int_equal(lines(path, "icmp.type == 3 || icmp.type == 11 || icmpv6.type == 2"), 3);
    assert_int_equal(lines(path, "vlan"), 3);
    assert_int_equal(lines(path, "ip.flags.mf == 1 || ip.frag_offset > 0 || ipv6.fraghdr"), 5);
    (void)remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ethernet_frames_stand_in_the_file),
        cmocka_unit_test(an_empty_capture_is_one),
        cmocka_unit_test(another_tool_finds_nothing_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
