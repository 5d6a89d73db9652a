/* Lists of prefixes, against looking at each of them. */
#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "unpriv/worker/prefixes.h"

#define MOST 64

static struct netaddr sorted[MOST], all[MOST];

/* Few bits differ, so that many lie within others. */
static struct netaddr
random_address(void)
{
	struct netaddr a;

	memset(&a, 0, sizeof(a));
	a.family = rand() % 2 == 0 ? 4 : 6;
	a.bits = a.family == 4 ? 32 : 128;
	a.bytes[0] = (uint8_t)(rand() & 0xc1);
	a.bytes[a.bits / 8 - 1] = (uint8_t)(rand() & 0x81);
	return a;
}

static struct netaddr
random_prefix(void)
{
	struct netaddr a = random_address();
	int i, bits = rand() % (a.bits + 1);

	for (i = bits; i < a.bits; i++)
		a.bytes[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	a.bits = (uint8_t)bits;
	return a;
}

ATF_TC_WITHOUT_HEAD(an_address_is_in_a_list_that_has_a_prefix_around_it);
ATF_TC_BODY(an_address_is_in_a_list_that_has_a_prefix_around_it, tc)
{
	uint32_t round, i, n, kept, in = 0, left_out = 0;
	struct netaddr a;
	bool is;
	int asked;

	(void)tc;
	srand(4711);
	for (round = 0; round < 2000; round++) {
		n = (uint32_t)rand() % (round % 8 == 0 ? MOST + 1 : 6);
		for (i = 0; i < n; i++)
			all[i] = sorted[i] = random_prefix();
		kept = prefixes_sort(sorted, n);
		ATF_REQUIRE(kept <= n);
		left_out += n - kept;
		for (asked = 0; asked < 64; asked++) {
			a = random_address();
			is = false;
			for (i = 0; i < n; i++)
				is |= netaddr_in_prefix(&all[i], &a);
			in += is;
			ATF_REQUIRE_EQ(is, prefixes_have(sorted, kept, &a));
		}
	}
	/* It was not one answer always. */
	ATF_CHECK(in > 10000 && in < 2000 * 64 - 10000);
	ATF_CHECK(left_out > 1000);
}

ATF_TC_WITHOUT_HEAD(no_prefix_is_left_that_lies_in_another);
ATF_TC_BODY(no_prefix_is_left_that_lies_in_another, tc)
{
	static const char *const text[] = { "10.1.0.0/16", "::/0", "10.0.0.0/8",
		"2001:db8::/32", "10.0.0.0/8", "10.255.255.255", "11.0.0.0/8" };
	struct netaddr want;
	uint32_t i;

	(void)tc;
	for (i = 0; i < 7; i++)
		ATF_REQUIRE(netaddr_parse_prefix(&sorted[i], text[i]));
	ATF_REQUIRE_EQ(3, prefixes_sort(sorted, 7));
	ATF_REQUIRE(netaddr_parse_prefix(&want, "10.0.0.0/8"));
	ATF_CHECK_EQ(0, memcmp(&want, &sorted[0], sizeof(want)));
	ATF_REQUIRE(netaddr_parse_prefix(&want, "11.0.0.0/8"));
	ATF_CHECK_EQ(0, memcmp(&want, &sorted[1], sizeof(want)));
	ATF_REQUIRE(netaddr_parse_prefix(&want, "::/0"));
	ATF_CHECK_EQ(0, memcmp(&want, &sorted[2], sizeof(want)));
	ATF_CHECK_EQ(0, prefixes_sort(sorted, 0));
	ATF_CHECK(!prefixes_have(sorted, 0, &want));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, an_address_is_in_a_list_that_has_a_prefix_around_it);
	ATF_TP_ADD_TC(tp, no_prefix_is_left_that_lies_in_another);
	return atf_no_error();
}
