/*
 * Answers as the cache keeps them: so that a hit is a copy and a patch. What
 * comes out of the cache's memory is a stranger's: whatever is in it, only what
 * a client reads can be wrong. Pure functions.
 */
#ifndef UNPRIV_DNS_STORED_H
#define UNPRIV_DNS_STORED_H

#include "answer.h"
#include "storable.h"

/*
 * The key of an answer: the question's name in lower case, type, class, and of
 * ask DO and CD (what RD and AD change is in the telling). Returns the length,
 * or 0 if cap is too small; DNS_STORED_KEY_MAX is always enough.
 */
#define DNS_STORED_KEY_MAX (DNS_NAME_MAX + 5)
size_t dns_stored_key(
    uint8_t *buf, size_t cap, const struct dns_question *question, uint8_t ask);

/*
 * Writes the form in which an answer is kept: its flags but AA, its rcode, its
 * errors (texts cut to DNS_EDE_TEXT_MAX), and its records without the OPT, each
 * with its TTL put between storable's ttl and ceiling. It is the answer to
 * any question whose name is as long; the key sees to the rest. Returns the
 * length, or 0 if it is longer than cap.
 */
size_t dns_stored_write(uint8_t *buf, size_t cap, const uint8_t *msg,
    const struct dns_answer *answer, const struct dns_storable *storable);

/* What is different from when it was new. */
struct dns_stored_now {
	uint32_t age; /* seconds; TTLs are lower by this, at least 0 */
	uint32_t ttl; /* or, if this is not 0, all are set to it */
	const struct dns_ede *ede; /* one more error to tell, or NULL */
};

/*
 * Writes the answer for one client, as dns_answer_write does it. Returns the
 * length, at most cap and reply->limit; or 0 if cap is too small for it (see
 * dns_answer_write), or if what is stored is not the form of an answer to a
 * name of this length: then it is to be thrown away. stored may change
 * while it is read.
 */
size_t dns_stored_tell(uint8_t *buf, size_t cap, const uint8_t *stored,
    size_t len, const struct dns_stored_now *now, const struct dns_query *query,
    const struct dns_reply *reply);

#endif
