/*
 * When a certificate that ends soon is warned of, on a clock that the test
 * winds; and what is read of certificates for it.
 */
#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unpriv/tls/ends.h"
#include "unpriv/tls/verify.h"

#include "pki.h"

#define DAY	   ((int64_t)86400)
#define DAY_MS	   ((uint64_t)86400000)
#define CHAIN(...) ((const struct pki_cert *const[]){ __VA_ARGS__, NULL })

static struct ends ends;

static struct cert
cert_that_ends(int64_t when)
{
	struct pki_spec spec = { .cn = "dns.example",
		.san = "DNS:dns.example",
		.ends = (time_t)when };
	struct pki_cert *made = pki_make(&spec, NULL);
	struct cert cert;

	ATF_REQUIRE(cert_describe(&cert, made->cert));
	pki_free(made);
	return cert;
}

ATF_TC_WITHOUT_HEAD(days_are_whole_and_below_zero_after_the_end);
ATF_TC_BODY(days_are_whole_and_below_zero_after_the_end, tc)
{
	ATF_CHECK_EQ(0, ends_days(PKI_NOW, PKI_NOW));
	ATF_CHECK_EQ(0, ends_days(PKI_NOW + DAY - 1, PKI_NOW));
	ATF_CHECK_EQ(1, ends_days(PKI_NOW + DAY, PKI_NOW));
	ATF_CHECK_EQ(13, ends_days(PKI_NOW + 14 * DAY - 1, PKI_NOW));
	ATF_CHECK_EQ(-1, ends_days(PKI_NOW - 1, PKI_NOW));
	ATF_CHECK_EQ(-1, ends_days(PKI_NOW - DAY, PKI_NOW));
	ATF_CHECK_EQ(-2, ends_days(PKI_NOW - DAY - 1, PKI_NOW));
}

ATF_TC_WITHOUT_HEAD(a_certificate_is_described_with_its_end_and_pin);
ATF_TC_BODY(a_certificate_is_described_with_its_end_and_pin, tc)
{
	struct pki_spec spec = { .cn = "dns.example", .ends = PKI_NOW + 7 };
	struct pki_cert *made = pki_make(&spec, NULL);
	struct cert cert;
	uint8_t pin[32];

	memset(&cert, 0xff, sizeof(cert));
	ATF_REQUIRE(cert_describe(&cert, made->cert));
	ATF_CHECK_EQ(PKI_NOW + 7, cert.ends);
	ATF_CHECK_STREQ("CN=dns.example", cert.subject);
	pki_pin(made, pin);
	ATF_CHECK(memcmp(pin, cert.pin, sizeof(pin)) == 0);
	pki_free(made);
}

ATF_TC_WITHOUT_HEAD(a_subject_moves_no_terminal_and_is_cut_to_fit);
ATF_TC_BODY(a_subject_moves_no_terminal_and_is_cut_to_fit, tc)
{
	static const char *const subject[] = {
		"\x1b[31mred\x07\r\n", "\xc3\xa9t\xc3\xa9", "\x7f\xe2\x80\xae",
		"a long common name of sixty-four bytes, all there may be: abcdef"
	};
	struct pki_spec spec = { 0 };
	struct pki_cert *made;
	struct cert cert;
	const char *s;
	size_t i;

	for (i = 0; i < sizeof(subject) / sizeof(subject[0]); i++) {
		spec.cn = subject[i];
		made = pki_make(&spec, NULL);
		memset(&cert, 0xff, sizeof(cert));
		ATF_REQUIRE(cert_describe(&cert, made->cert));
		ATF_CHECK(strlen(cert.subject) > 3);
		for (s = cert.subject; *s != '\0'; s++)
			ATF_CHECK_MSG(
			    *s >= ' ' && *s <= '~', "%s", cert.subject);
		for (; s < &cert.subject[sizeof(cert.subject)]; s++)
			ATF_CHECK_EQ(0, *s);
		pki_free(made);
	}
}

ATF_TC_WITHOUT_HEAD(the_names_of_a_certificate_are_told);
ATF_TC_BODY(the_names_of_a_certificate_are_told, tc)
{
	struct pki_spec spec = { .cn = "unused",
		.san = "DNS:a.example,IP:192.0.2.1,DNS:*.b.example" };
	struct pki_cert *made = pki_make(&spec, NULL);
	char names[96], few[12];

	cert_names(made->cert, names, sizeof(names));
	ATF_CHECK_STREQ("a.example, *.b.example", names);
	cert_names(made->cert, few, sizeof(few));
	ATF_CHECK_STREQ("a.example, ", few);
	pki_free(made);
	spec.san = NULL;
	made = pki_make(&spec, NULL);
	cert_names(made->cert, names, sizeof(names));
	ATF_CHECK_STREQ("no name", names);
	pki_free(made);
}

ATF_TC_WITHOUT_HEAD(fourteen_days_before_its_end_and_no_sooner);
ATF_TC_BODY(fourteen_days_before_its_end_and_no_sooner, tc)
{
	struct cert cert = cert_that_ends(PKI_NOW + 30 * DAY);
	int64_t wall;

	for (wall = PKI_NOW; wall <= PKI_NOW + 16 * DAY; wall += 3600)
		ATF_REQUIRE(!ends_warn(&ends, "ours", &cert, wall, 5));
	ATF_CHECK(ends_warn(&ends, "ours", &cert, PKI_NOW + 16 * DAY + 1, 5));
}

ATF_TC_WITHOUT_HEAD(once_a_day_of_each_upstream_and_certificate);
ATF_TC_BODY(once_a_day_of_each_upstream_and_certificate, tc)
{
	struct cert one = cert_that_ends(PKI_NOW + 5 * DAY);
	struct cert two = cert_that_ends(PKI_NOW + 6 * DAY), renewed = one;
	uint64_t now;
	int said = 0;

	/* A connection a minute, for three days; the clock begins at 0. */
	for (now = 0; now < 3 * DAY_MS; now += 60000)
		said += ends_warn(
		    &ends, "ours", &one, PKI_NOW + (int64_t)(now / 1000), now);
	ATF_CHECK_EQ(3, said);
	now -= 60000;
	ATF_CHECK(!ends_warn(&ends, "ours", &one, PKI_NOW, now));
	ATF_CHECK(ends_warn(&ends, "theirs", &one, PKI_NOW, now));
	ATF_CHECK(ends_warn(&ends, "ours", &two, PKI_NOW, now));
	ATF_CHECK(!ends_warn(&ends, "theirs", &one, PKI_NOW, now));
	ATF_CHECK(!ends_warn(&ends, "ours", &two, PKI_NOW, now));
	/* Of the same key, with another end: another certificate. */
	renewed.ends += DAY;
	ATF_CHECK(ends_warn(&ends, "ours", &renewed, PKI_NOW, now));
}

ATF_TC_WITHOUT_HEAD(a_wall_clock_that_is_set_does_not_repeat_it);
ATF_TC_BODY(a_wall_clock_that_is_set_does_not_repeat_it, tc)
{
	struct cert cert = cert_that_ends(PKI_NOW + 5 * DAY);

	ATF_CHECK(ends_warn(&ends, "ours", &cert, PKI_NOW, 1000));
	ATF_CHECK(!ends_warn(&ends, "ours", &cert, PKI_NOW + 3 * DAY, 2000));
	ATF_CHECK(!ends_warn(&ends, "ours", &cert, PKI_NOW - 3 * DAY, 3000));
	ATF_CHECK(!ends_warn(&ends, "ours", &cert, PKI_NOW, 1000 + DAY_MS - 1));
	ATF_CHECK(ends_warn(&ends, "ours", &cert, PKI_NOW, 1000 + DAY_MS));
}

ATF_TC_WITHOUT_HEAD(of_too_many_the_oldest_is_forgotten);
ATF_TC_BODY(of_too_many_the_oldest_is_forgotten, tc)
{
	struct cert cert = cert_that_ends(PKI_NOW + DAY);
	char name[32];
	int i;

	for (i = 0; i <= ENDS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "u%d", i);
		ATF_REQUIRE(
		    ends_warn(&ends, name, &cert, PKI_NOW, 1000 + (uint64_t)i));
	}
	ATF_CHECK(!ends_warn(&ends, "u1", &cert, PKI_NOW, 2000));
	ATF_CHECK(ends_warn(&ends, "u0", &cert, PKI_NOW, 2000));
}

ATF_TC_WITHOUT_HEAD(the_pinned_cas_of_a_bundle_are_found);
ATF_TC_BODY(the_pinned_cas_of_a_bundle_are_found, tc)
{
	struct pki_spec spec = { .ca = true, .cn = "one" };
	struct pki_cert *one = pki_make(&spec, NULL), *two, *three;
	struct verify_anchors *anchors;
	struct cert found[2];
	uint8_t pin[2][VERIFY_PIN_LEN];
	char *pem;

	spec.cn = "two";
	spec.ends = PKI_NOW + 3 * DAY;
	two = pki_make(&spec, NULL);
	spec.cn = "three";
	three = pki_make(&spec, NULL);
	pem = pki_pem(CHAIN(one, two, three));
	anchors = verify_anchors_new(pem, strlen(pem));
	ATF_REQUIRE(anchors != NULL);
	pki_pin(three, pin[0]);
	pki_pin(two, pin[1]);
	ATF_REQUIRE_EQ(2,
	    verify_anchors_pinned(
		anchors, (const uint8_t(*)[VERIFY_PIN_LEN])pin, 2, found, 2));
	ATF_CHECK_STREQ("CN=two", found[0].subject);
	ATF_CHECK_STREQ("CN=three", found[1].subject);
	ATF_CHECK(ends_warn(&ends, "ours", &found[0], PKI_NOW, 1));
	ATF_CHECK_EQ(1,
	    verify_anchors_pinned(
		anchors, (const uint8_t(*)[VERIFY_PIN_LEN])pin, 2, found, 1));
	ATF_CHECK_EQ(0,
	    verify_anchors_pinned(
		anchors, (const uint8_t(*)[VERIFY_PIN_LEN])pin, 0, found, 2));
	verify_anchors_free(anchors);
	free(pem);
	pki_free(one);
	pki_free(two);
	pki_free(three);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, days_are_whole_and_below_zero_after_the_end);
	ATF_TP_ADD_TC(tp, a_certificate_is_described_with_its_end_and_pin);
	ATF_TP_ADD_TC(tp, a_subject_moves_no_terminal_and_is_cut_to_fit);
	ATF_TP_ADD_TC(tp, the_names_of_a_certificate_are_told);
	ATF_TP_ADD_TC(tp, fourteen_days_before_its_end_and_no_sooner);
	ATF_TP_ADD_TC(tp, once_a_day_of_each_upstream_and_certificate);
	ATF_TP_ADD_TC(tp, a_wall_clock_that_is_set_does_not_repeat_it);
	ATF_TP_ADD_TC(tp, of_too_many_the_oldest_is_forgotten);
	ATF_TP_ADD_TC(tp, the_pinned_cas_of_a_bundle_are_found);
	return atf_no_error();
}
