/*
 * Packets that others made, many of them malformed, through the reader and the
 * writer. They are not in the repository: DOTPROXY_DATA says where they are.
 */
#include <atf-c.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "unpriv/dns/answer.h"

/* What becomes of a corpus; so that a change in strictness shows. */
struct outcome {
	unsigned int files;
	unsigned int dropped, taken, formerr, notimp, badvers, refused;
	unsigned int answers; /* that read */
	/* With QR turned round, which makes a question of an answer. */
	unsigned int taken_turned, answers_turned;
};

static void walk(const char *, struct outcome *);
static void check_packet(const char *, uint8_t *, size_t, struct outcome *);
static void count_packet(const uint8_t *, size_t, struct outcome *);
static size_t read_file(const char *, uint8_t *, size_t);

#define SAME(field)                                                            \
	ATF_CHECK_EQ_MSG(got.field, want.field, "%s: %u, expected %u", #field, \
	    got.field, want.field)

static void
expect(const char *corpus, struct outcome want)
{
	struct outcome got = { 0 };

	walk(corpus, &got);
	SAME(files);
	SAME(dropped);
	SAME(taken);
	SAME(formerr);
	SAME(notimp);
	SAME(badvers);
	SAME(refused);
	SAME(answers);
	SAME(taken_turned);
	SAME(answers_turned);
}

ATF_TC_WITHOUT_HEAD(packets_of_bind9_are_read_as_a_second_decoder_reads_them);
ATF_TC_BODY(packets_of_bind9_are_read_as_a_second_decoder_reads_them, tc)
{
	expect("bind9",
	    (struct outcome){ .files = 300,
		.dropped = 207,
		.notimp = 66,
		.badvers = 26,
		.refused = 1,
		.answers = 198,
		.taken_turned = 65,
		.answers_turned = 27 });
}

ATF_TC_WITHOUT_HEAD(packets_of_c_ares_are_read_as_a_second_decoder_reads_them);
ATF_TC_BODY(packets_of_c_ares_are_read_as_a_second_decoder_reads_them, tc)
{
	expect("c-ares",
	    (struct outcome){ .files = 74,
		.dropped = 62,
		.taken = 2,
		.formerr = 5,
		.notimp = 5,
		.answers = 61,
		.taken_turned = 61,
		.answers_turned = 1 });
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(
	    tp, packets_of_bind9_are_read_as_a_second_decoder_reads_them);
	ATF_TP_ADD_TC(
	    tp, packets_of_c_ares_are_read_as_a_second_decoder_reads_them);
	return atf_no_error();
}

static void
walk(const char *corpus, struct outcome *out)
{
	const char *data = getenv("DOTPROXY_DATA");
	static uint8_t packet[1 << 20]; /* some are no message */
	char dir[2048], path[4096];
	struct dirent *entry;
	DIR *d;

	(void)snprintf(dir, sizeof(dir), "%s/packets/%s",
	    data != NULL ? data : SRCDIR "/../shared/data", corpus);
	d = opendir(dir);
	if (d == NULL)
		atf_tc_skip("no packets in %s: set DOTPROXY_DATA", dir);
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		check_packet(
		    path, packet, read_file(path, packet, sizeof(packet)), out);
	}
	closedir(d);
}

static void
check_packet(const char *path, uint8_t *packet, size_t len, struct outcome *out)
{
	const char *broken = NULL;
	struct dns_query query;
	struct dns_answer answer;
	int turned;

	out->files++;
	count_packet(packet, len, out);
	for (turned = 0; turned < 2 && broken == NULL; turned++) {
		broken = check_query(packet, len);
		if (broken == NULL)
			broken = check_answer(packet, len);
		if (broken == NULL)
			broken = check_stored(packet, len);
		if (broken == NULL)
			broken = check_scribble(packet, len);
		ATF_CHECK_MSG(broken == NULL, "%s%s: not so: %s", path,
		    turned ? " (QR turned)" : "", broken);
		if (len > 2)
			packet[2] ^= 0x80;
	}
	/* Now as it came; once more round. */
	if (len > 2)
		packet[2] ^= 0x80;
	out->taken_turned += dns_query_read(&query, packet, len) == DNS_TAKE;
	out->answers_turned += dns_answer_read(&answer, packet, len);
}

static void
count_packet(const uint8_t *packet, size_t len, struct outcome *out)
{
	struct dns_answer answer;
	struct dns_query query;

	switch (dns_query_read(&query, packet, len)) {
	case DNS_DROP:
		out->dropped++;
		break;
	case DNS_TAKE:
		out->taken++;
		break;
	case DNS_REJECT:
		out->formerr += query.rcode == DNS_FORMERR;
		out->notimp += query.rcode == DNS_NOTIMP;
		out->badvers += query.rcode == DNS_BADVERS;
		out->refused += query.rcode == DNS_REFUSED;
		break;
	}
	out->answers += dns_answer_read(&answer, packet, len);
}

static size_t
read_file(const char *path, uint8_t *buf, size_t cap)
{
	FILE *f = fopen(path, "r");
	size_t n;

	ATF_REQUIRE_MSG(f != NULL, "%s", path);
	n = fread(buf, 1, cap, f);
	ATF_REQUIRE_MSG(fgetc(f) == EOF, "%s is too long", path);
	fclose(f);
	return n;
}
