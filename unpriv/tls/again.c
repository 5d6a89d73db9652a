/*
 * What is asked once more. It must never help a client around an upstream that
 * refused a forged answer, or a filter: another might not.
 */
#include "again.h"

/* RFC 8914 4: info codes that end the matter. */
static bool
is_final(uint16_t code)
{
	switch (code) {
	case 1: /* Unsupported DNSKEY Algorithm */
	case 2: /* Unsupported DS Digest Type */
	case 5: /* DNSSEC Indeterminate */
	case 6: /* DNSSEC Bogus */
	case 7: /* Signature Expired */
	case 8: /* Signature Not Yet Valid */
	case 9: /* DNSKEY Missing */
	case 10: /* RRSIGs Missing */
	case 11: /* No Zone Key Bit Set */
	case 12: /* NSEC Missing */
	case 27: /* Unsupported NSEC3 Iterations Value (RFC 9276) */
	case 15: /* Blocked */
	case 16: /* Censored */
	case 17: /* Filtered */
		return true;
	default:
		return false;
	}
}

bool
again_is_worth(const struct dns_answer *answer)
{
	size_t i;

	if (answer->rcode != DNS_SERVFAIL && answer->rcode != DNS_REFUSED)
		return false;
	for (i = 0; i < answer->nede; i++)
		if (is_final(answer->ede[i].code))
			return false;
	return true;
}
