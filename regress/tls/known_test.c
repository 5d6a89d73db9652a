/*
 * What is verified by less than all that there is: only what was verified by
 * all of it a short time ago.
 */
#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "unpriv/tls/known.h"

#include "pki.h"

static const uint8_t chain[] = "a chain", other[] = "a chaim";

ATF_TC_WITHOUT_HEAD(only_the_very_chain_that_was_verified_is_known);
ATF_TC_BODY(only_the_very_chain_that_was_verified_is_known, tc)
{
	ATF_CHECK(!known_chain(0, chain, sizeof(chain), 1000));
	known_learn_chain(0, chain, sizeof(chain), 1000);
	ATF_CHECK(known_chain(0, chain, sizeof(chain), 1000));
	ATF_CHECK(!known_chain(0, other, sizeof(other), 1000));
	ATF_CHECK(!known_chain(0, chain, sizeof(chain) - 1, 1000));
	ATF_CHECK(!known_chain(0, chain, 0, 1000));
	ATF_CHECK(!known_chain(1, chain, sizeof(chain), 1000));
	/* Of several, the last. */
	known_learn_chain(0, other, sizeof(other), 2000);
	ATF_CHECK(known_chain(0, other, sizeof(other), 2000));
	ATF_CHECK(!known_chain(0, chain, sizeof(chain), 2000));
	known_reset();
	ATF_CHECK(!known_chain(0, other, sizeof(other), 2000));
}

ATF_TC_WITHOUT_HEAD(a_chain_is_known_for_a_minute);
ATF_TC_BODY(a_chain_is_known_for_a_minute, tc)
{
	known_learn_chain(0, chain, sizeof(chain), 1000);
	ATF_CHECK(known_chain(0, chain, sizeof(chain), 60999));
	ATF_CHECK(!known_chain(0, chain, sizeof(chain), 61000));
	/* That it was met meanwhile is no verification. */
	ATF_CHECK(!known_chain(0, chain, sizeof(chain), 61000));
}

ATF_TC_WITHOUT_HEAD(cas_that_do_not_do_three_times_are_left_alone);
ATF_TC_BODY(cas_that_do_not_do_three_times_are_left_alone, tc)
{
	struct pki_cert *root =
	    pki_make(&(struct pki_spec){ .cn = "root", .ca = true }, NULL);
	char *pem = pki_pem((const struct pki_cert *const[]){ root, NULL });
	struct verify_result result = { .nanchor = 1 };
	struct upstream u = { .host = "dns.example" };

	u.anchors = verify_anchors_new(pem, strlen(pem));
	ATF_REQUIRE(u.anchors != NULL);
	ATF_CHECK(known_config(0) == NULL);
	known_learn(0, &u, &result, KNOWN_BY_ALL);
	ATF_REQUIRE(known_config(0) != NULL);
	ATF_CHECK(known_config(1) == NULL);
	/* They did at last: that begins anew. */
	known_learn(0, &u, &result, KNOWN_BY_ALL_ONLY);
	known_learn(0, &u, &result, KNOWN_BY_ALL_ONLY);
	known_learn(0, &u, &result, KNOWN_BY_FEW);
	known_learn(0, &u, &result, KNOWN_BY_ALL_ONLY);
	known_learn(0, &u, &result, KNOWN_BY_ALL_ONLY);
	ATF_CHECK(known_config(0) != NULL);
	known_learn(0, &u, &result, KNOWN_BY_ALL_ONLY);
	ATF_CHECK(known_config(0) == NULL);
	known_reset();
	known_learn(0, &u, &result, KNOWN_BY_ALL);
	ATF_CHECK(known_config(0) != NULL);
	known_reset();
	ATF_CHECK(known_config(0) == NULL);
	verify_anchors_free(u.anchors);
	free(pem);
	pki_free(root);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, only_the_very_chain_that_was_verified_is_known);
	ATF_TP_ADD_TC(tp, a_chain_is_known_for_a_minute);
	ATF_TP_ADD_TC(tp, cas_that_do_not_do_three_times_are_left_alone);
	return atf_no_error();
}
