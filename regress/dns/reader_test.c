/* The reader and the writer at their bounds, and every way to a bad name. */
#include <atf-c.h>
#include <string.h>

#include "message.h"
#include "unpriv/dns/dns.h"
#include "unpriv/dns/reader.h"

static struct message m;

/* Reads the name at `at` of m; true if it is well formed. */
static bool
name_at(size_t at, uint8_t *name, uint8_t *len, bool compression)
{
	struct dns_reader r;

	dns_reader_init(&r, m.b, m.len);
	dns_read_skip(&r, at);
	dns_read_name(&r, name, len, compression);
	return !r.failed;
}

static bool
is_name_at(size_t at)
{
	uint8_t len;

	return name_at(at, NULL, &len, true);
}

ATF_TC_WITHOUT_HEAD(a_read_beyond_the_end_gives_zeroes_and_stays_failed);
ATF_TC_BODY(a_read_beyond_the_end_gives_zeroes_and_stays_failed, tc)
{
	static const uint8_t b[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct dns_reader r;

	dns_reader_init(&r, b, sizeof(b));
	ATF_CHECK_EQ(1, dns_read_u8(&r));
	ATF_CHECK_EQ(0x0203, dns_read_u16(&r));
	ATF_CHECK_EQ(0x04050607, dns_read_u32(&r));
	ATF_CHECK_EQ(1, dns_reader_left(&r));
	ATF_CHECK(!r.failed);
	ATF_CHECK_EQ(0, dns_read_u16(&r));
	ATF_CHECK(r.failed);
	ATF_CHECK_EQ_MSG(0, dns_read_u8(&r), "a failed reader reads on");
	ATF_CHECK_EQ(0, dns_read_u32(&r));
	ATF_CHECK(dns_read_bytes(&r, 1) == NULL);
	ATF_CHECK(r.failed && r.pos <= r.len);
}

ATF_TC_WITHOUT_HEAD(bytes_are_read_in_place_up_to_the_last_one);
ATF_TC_BODY(bytes_are_read_in_place_up_to_the_last_one, tc)
{
	static const uint8_t b[] = { 1, 2, 3, 4 };
	struct dns_reader r;

	dns_reader_init(&r, b, sizeof(b));
	dns_read_skip(&r, 1);
	ATF_CHECK(dns_read_bytes(&r, 3) == b + 1);
	ATF_CHECK(dns_read_bytes(&r, 0) == b + 4);
	ATF_CHECK(!r.failed);
	ATF_CHECK(dns_read_bytes(&r, 1) == NULL);
	ATF_CHECK(r.failed);
	dns_reader_init(&r, b, sizeof(b));
	dns_read_skip(&r, (size_t)-1);
	ATF_CHECK_MSG(r.failed && r.pos == 0, "a length wrapped round");
}

ATF_TC_WITHOUT_HEAD(a_writer_stops_at_its_capacity_and_stays_failed);
ATF_TC_BODY(a_writer_stops_at_its_capacity_and_stays_failed, tc)
{
	static const uint8_t want[] = { 1, 9, 9, 4, 5, 6, 7, 0, 0, 0xee };
	uint8_t b[10];
	struct dns_writer w;

	memset(b, 0xee, sizeof(b));
	dns_writer_init(&w, b, 9);
	dns_write_u8(&w, 1);
	dns_write_u16(&w, 0x0203);
	dns_write_u32(&w, 0x04050607);
	dns_write_zeroes(&w, 2);
	dns_write_u16_at(&w, 1, 0x0909);
	ATF_CHECK(!w.failed && w.pos == 9);
	dns_write_u8(&w, 0x77);
	ATF_CHECK(w.failed && w.pos == 9);
	dns_write_bytes(&w, "x", 0);
	ATF_CHECK(w.failed);
	ATF_CHECK(memcmp(b, want, sizeof(b)) == 0);
}

ATF_TC_WITHOUT_HEAD(only_what_was_written_can_be_overwritten);
ATF_TC_BODY(only_what_was_written_can_be_overwritten, tc)
{
	uint8_t b[8];
	struct dns_writer w;

	memset(b, 0xee, sizeof(b));
	dns_writer_init(&w, b, sizeof(b));
	dns_write_u8(&w, 1);
	dns_write_u16_at(&w, 0, 0x0909);
	ATF_CHECK_MSG(w.failed, "one byte was written, not two");
	dns_writer_init(&w, b, sizeof(b));
	dns_write_u32(&w, 0);
	dns_write_u16_at(&w, 3, 0x0909);
	ATF_CHECK(w.failed && b[4] == 0xee);
}

ATF_TC_WITHOUT_HEAD(a_compressed_name_is_read_in_full);
ATF_TC_BODY(a_compressed_name_is_read_in_full, tc)
{
	static const uint8_t want[] = "\3www\7Example\3com";
	uint8_t name[DNS_NAME_MAX], len;
	struct dns_reader r;
	size_t at, example;

	message_begin(&m, 0, 0);
	example = m.len;
	message_name(&m, "Example.com");
	at = m.len;
	message_bytes(&m, "\3www", 4);
	message_pointer(&m, example);
	message_u8(&m, 0x55);
	dns_reader_init(&r, m.b, m.len);
	dns_read_skip(&r, at);
	dns_read_name(&r, name, &len, true);
	ATF_CHECK(!r.failed);
	ATF_CHECK_EQ(sizeof(want), len);
	ATF_CHECK(memcmp(name, want, len) == 0);
	ATF_CHECK_EQ_MSG(0x55, dns_read_u8(&r), "it is not behind the name");
	ATF_CHECK(!name_at(at, name, &len, false));
	ATF_CHECK_EQ_MSG(0, len, "a failed name has a length");
}

ATF_TC_WITHOUT_HEAD(a_name_has_at_most_255_bytes);
ATF_TC_BODY(a_name_has_at_most_255_bytes, tc)
{
	uint8_t label[64], name[DNS_NAME_MAX], len;
	size_t i, at;

	memset(label, 'x', sizeof(label));
	message_begin(&m, 0, 0);
	for (i = 0; i < 3; i++) {
		message_u8(&m, 63);
		message_bytes(&m, label, 63);
	}
	message_u8(&m, 61);
	message_bytes(&m, label, 61);
	message_u8(&m, 0);
	ATF_CHECK(name_at(12, name, &len, false));
	ATF_CHECK_EQ(255, len);
	at = m.len;
	message_bytes(&m, "\0y", 2);
	m.b[at] = 1;
	message_pointer(&m, 12);
	ATF_CHECK_MSG(!is_name_at(at), "257 bytes, two of them by pointer");
	m.b[at - 63] = 62;
	m.b[at - 1] = 'x';
	m.b[at] = 0;
	ATF_CHECK_MSG(!is_name_at(12), "256 bytes");
}

ATF_TC_WITHOUT_HEAD(a_name_cut_short_fails);
ATF_TC_BODY(a_name_cut_short_fails, tc)
{
	size_t whole;

	message_begin(&m, 0, 0);
	message_name(&m, "a.bc");
	whole = m.len;
	ATF_CHECK(is_name_at(12));
	for (m.len = 12; m.len < whole; m.len++)
		ATF_CHECK_MSG(!is_name_at(12), "%zu bytes of it", m.len - 12);
	m.len = whole;
	message_u8(&m, 0xc0);
	ATF_CHECK_MSG(!is_name_at(whole), "half a pointer");
}

ATF_TC_WITHOUT_HEAD(label_types_01_and_10_fail);
ATF_TC_BODY(label_types_01_and_10_fail, tc)
{
	unsigned int c;

	for (c = 64; c < 192; c++) {
		message_begin(&m, 0, 0);
		message_u8(&m, (uint8_t)c);
		m.len += 300;
		ATF_CHECK_MSG(!is_name_at(12), "%#x", c);
	}
}

ATF_TC_WITHOUT_HEAD(a_pointer_goes_back_only_and_never_into_the_header);
ATF_TC_BODY(a_pointer_goes_back_only_and_never_into_the_header, tc)
{
	size_t to;

	message_begin(&m, 0, 0);
	message_name(&m, "a");
	for (to = 0; to < 40; to++) {
		m.len = 15;
		message_bytes(&m, "\1b", 2);
		message_pointer(&m, to);
		message_bytes(&m, "\0\0\0\0\0\0\0", 7);
		ATF_CHECK_EQ_MSG(
		    to == 12 || to == 14, is_name_at(15), "to %zu", to);
	}
}

ATF_TC_WITHOUT_HEAD(pointers_that_point_at_each_other_fail);
ATF_TC_BODY(pointers_that_point_at_each_other_fail, tc)
{
	message_begin(&m, 0, 0);
	message_pointer(&m, 14);
	message_pointer(&m, 12);
	ATF_CHECK(!is_name_at(12));
	ATF_CHECK(!is_name_at(14));
	message_begin(&m, 0, 0);
	message_bytes(&m, "\1a", 2);
	message_pointer(&m, 12);
	ATF_CHECK_MSG(!is_name_at(14), "through a label back to itself");
}

ATF_TC_WITHOUT_HEAD(labels_pointed_to_end_before_what_points_to_them);
ATF_TC_BODY(labels_pointed_to_end_before_what_points_to_them, tc)
{
	message_begin(&m, 0, 0);
	message_u8(&m, 4);
	message_u8(&m, 'x');
	message_pointer(&m, 12);
	message_bytes(&m, "z\0", 2);
	ATF_CHECK_MSG(!is_name_at(14), "a label ran over its own pointer");
	ATF_CHECK_MSG(is_name_at(12), "the label is well formed by itself");
}

ATF_TC_WITHOUT_HEAD(a_chain_of_pointers_is_bounded);
ATF_TC_BODY(a_chain_of_pointers_is_bounded, tc)
{
	uint8_t name[DNS_NAME_MAX], len;
	size_t i, last = 12;

	message_begin(&m, 0, 0);
	message_u8(&m, 0);
	for (i = 0; i < 127; i++) {
		message_bytes(&m, "\1a", 2);
		message_pointer(&m, last);
		last = m.len - 4;
	}
	message_pointer(&m, last);
	ATF_CHECK_MSG(name_at(m.len - 2, name, &len, true),
	    "the longest name, each label by a pointer");
	ATF_CHECK_EQ(255, len);
	message_begin(&m, 0, 0);
	message_u8(&m, 0);
	message_pointer(&m, 12);
	for (i = 1; i < 128; i++)
		message_pointer(&m, m.len - 2);
	ATF_CHECK(is_name_at(m.len - 2));
	message_pointer(&m, m.len - 2);
	ATF_CHECK_MSG(!is_name_at(m.len - 2), "129 pointers");
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_read_beyond_the_end_gives_zeroes_and_stays_failed);
	ATF_TP_ADD_TC(tp, bytes_are_read_in_place_up_to_the_last_one);
	ATF_TP_ADD_TC(tp, a_writer_stops_at_its_capacity_and_stays_failed);
	ATF_TP_ADD_TC(tp, only_what_was_written_can_be_overwritten);
	ATF_TP_ADD_TC(tp, a_compressed_name_is_read_in_full);
	ATF_TP_ADD_TC(tp, a_name_has_at_most_255_bytes);
	ATF_TP_ADD_TC(tp, a_name_cut_short_fails);
	ATF_TP_ADD_TC(tp, label_types_01_and_10_fail);
	ATF_TP_ADD_TC(tp, a_pointer_goes_back_only_and_never_into_the_header);
	ATF_TP_ADD_TC(tp, pointers_that_point_at_each_other_fail);
	ATF_TP_ADD_TC(tp, labels_pointed_to_end_before_what_points_to_them);
	ATF_TP_ADD_TC(tp, a_chain_of_pointers_is_bounded);
	return atf_no_error();
}
