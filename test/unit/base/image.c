/* SPDX-License-Identifier: GPL-2.0-only */
/* Images: what is written is read; what is damaged, cut, doubled or unknown is refused with its name. */
#include "support/test.h"

#include <string.h>

#include "base/image.h"

static size_t write_some(uint8_t *out, size_t room)
{
    struct image_writer writer;

    image_writer_start(&writer, out, room);
    image_put_u(&writer, "a.byte", true, 0xfe, 1);
    image_put_u(&writer, "a.half", true, 0xfedc, 2);
    image_put_u(&writer, "a.word", false, 0xfedcba98, 4);
    image_put_u(&writer, "a.long", true, UINT64_C(0xfedcba9876543210), 8);
    image_put_bytes(&writer, "a.none", true, NULL, 0);
    image_put_start(&writer, "a.pieces", true, 10);
    image_put_more(&writer, "pie", 3);
    image_put_more_u(&writer, 0x6563, 2);
    image_put_more(&writer, "meal.", 5);
    return image_writer_end(&writer);
}

static void round_trip(void **state)
{
    uint8_t image[256];
    struct image_reader reader;
    struct image_record record;
    size_t bytes = write_some(image, sizeof image);

    (void)state;
    assert_true(bytes < sizeof image);
    assert_int_equal(write_some(NULL, 0), bytes);
    assert_int_equal(image_reader_start(&reader, image, bytes), FLUE_OK);
    assert_true(image_next(&reader, &record) && image_is(&record, "a.byte"));
    assert_true(record.mandatory);
    assert_int_equal(image_get_u(&reader, &record, 1), 0xfe);
    assert_int_equal(image_get_i(&reader, &record, 1), -2);
    assert_true(image_next(&reader, &record) && image_is(&record, "a.half"));
    assert_int_equal(image_get_u(&reader, &record, 2), 0xfedc);
    assert_true(image_next(&reader, &record) && image_is(&record, "a.word"));
    assert_false(record.mandatory);
    assert_int_equal(image_get_u(&reader, &record, 4), 0xfedcba98);
    assert_true(image_next(&reader, &record) && image_is(&record, "a.long"));
    assert_false(image_is(&record, "a.lon"));
    assert_true(image_has_prefix(&record, "a.") && image_has_prefix(&record, "a.lon"));
    assert_false(image_has_prefix(&record, "b.") || image_has_prefix(&record, "a.long") ||
                 image_has_prefix(&record, "a.longer"));
    assert_false(image_is(&record, "a.longer"));
    assert_true(image_get_u(&reader, &record, 8) == UINT64_C(0xfedcba9876543210));
    assert_true(image_next(&reader, &record) && image_is(&record, "a.none"));
    assert_int_equal(record.length, 0);
    assert_true(image_next(&reader, &record) && image_is(&record, "a.pieces"));
    assert_int_equal(record.length, 10);
    assert_memory_equal(record.value, "piecemeal.", 10);
    assert_int_equal(image_number_at(&record, 3, 2), 0x6563);
    assert_false(image_next(&reader, &record));
    assert_false(image_reader_failed(&reader));
}

static void too_little_room_is_counted(void **state)
{
    uint8_t image[256];
    size_t bytes = write_some(image, sizeof image);

    (void)state;
    for (size_t room = 0; room < bytes; room++) {
        memset(image, 0x5a, sizeof image);
        assert_int_equal(write_some(image, room), bytes);
        for (size_t i = room; i < sizeof image; i++) {
            assert_int_equal(image[i], 0x5a);
        }
    }
}

static void every_cut_and_every_flipped_bit_is_seen(void **state)
{
    uint8_t image[257];
    struct image_reader reader;
    size_t bytes = write_some(image, sizeof image);

    (void)state;
    for (size_t length = 0; length < bytes; length++) {
        assert_int_equal(image_reader_start(&reader, image, length), FLUE_EPARSE);
        assert_true(image_reader_failed(&reader));
    }
    image[bytes] = 0;
    assert_int_equal(image_reader_start(&reader, image, bytes + 1), FLUE_EPARSE);
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        image[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(image_reader_start(&reader, image, bytes), FLUE_EPARSE);
        image[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(image_reader_start(&reader, image, bytes), FLUE_OK);
}

static void failures_name_the_field(void **state)
{
    uint8_t image[256];
    struct image_writer writer;
    struct image_reader reader;
    struct image_record record;
    size_t bytes;
    char what[100];

    (void)state;
    image_writer_start(&writer, image, sizeof image);
    image_put_u(&writer, "twice", false, 1, 1);
    image_put_u(&writer, "between", false, 1, 1);
    image_put_u(&writer, "twice", false, 2, 1);
    bytes = image_writer_end(&writer);
    assert_int_equal(image_reader_start(&reader, image, bytes), FLUE_EPARSE);
    image_reader_tell(&reader, what, sizeof what);
    assert_string_equal(what, "the image has a field twice: twice");
    image_reader_tell(&reader, what, 10);
    assert_string_equal(what, "the image");
    image_reader_tell(&reader, NULL, 0);

    image_writer_start(&writer, image, sizeof image);
    image_put_u(&writer, "new.optional", false, 1, 1);
    image_put_u(&writer, "new.needed", true, 1, 2);
    bytes = image_writer_end(&writer);
    assert_int_equal(image_reader_start(&reader, image, bytes), FLUE_OK);
    image_reader_tell(&reader, what, sizeof what);
    assert_string_equal(what, "");
    assert_true(image_next(&reader, &record));
    image_unknown(&reader, &record);
    assert_false(image_reader_failed(&reader));
    assert_true(image_next(&reader, &record));
    image_unknown(&reader, &record);
    assert_true(image_reader_failed(&reader));
    assert_false(image_next(&reader, &record));
    image_reader_tell(&reader, what, sizeof what);
    assert_string_equal(what, "the image has a mandatory field that this version does not know: new.needed");

    assert_int_equal(image_reader_start(&reader, image, bytes), FLUE_OK);
    assert_true(image_next(&reader, &record) && image_next(&reader, &record));
    assert_int_equal(image_get_u(&reader, &record, 4), 0);
    image_reader_tell(&reader, what, sizeof what);
    assert_string_equal(what, "a field has another width than this version expects: new.needed");
}

static void checksum_is_the_known_one(void **state)
{
    uint8_t image[64];
    static const uint8_t known[4] = {0xdd, 0xc4, 0x0e, 0x0a};
    struct image_writer writer;

    (void)state;
    /* "FLUEIMG", 0, 1, 0, 0, 0 and its CRC-32, made by another program. */
    image_writer_start(&writer, image, sizeof image);
    assert_int_equal(image_writer_end(&writer), 22);
    assert_memory_equal(image + 18, known, sizeof known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(too_little_room_is_counted),
        cmocka_unit_test(every_cut_and_every_flipped_bit_is_seen),
        cmocka_unit_test(failures_name_the_field),
        cmocka_unit_test(checksum_is_the_known_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
