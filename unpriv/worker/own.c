/*
 * Answers of our own, in the order in which they count. What is found here must
 * never be asked of an upstream.
 */
#include "dotproxy/counter.h"
#include "unpriv/dns/special.h"

#include "local.h"
#include "own.h"

/* What was found; static, so that nobody clears them for each question. */
static struct local_answer answer;
static struct dns_special special;
static struct dns_question folded;

size_t
own_answer(const struct settings *settings, const struct dns_query *query,
    const struct dns_reply *how, uint8_t *buf, size_t cap)
{
	const struct dns_local *local = NULL;
	size_t len;

	if (settings->local == NULL &&
	    !dns_special_may_be(&query->question, settings->special))
		return 0;
	folded = query->question;
	dns_question_fold(&folded);
	/* An operator's own word counts more than what is usual, and so does
	 * where an operator has questions sent. */
	if (local_find(settings->local, &folded, &answer))
		local = &answer.local;
	else if (dns_special_find(&special, &folded, settings->special,
		     settings_forwarded(
			 settings, folded.name, folded.name_len)))
		local = &special.local;
	if (local == NULL)
		return 0;
	len = dns_local_write(buf, cap, local, NULL, query, how);
	if (len != 0)
		counter_inc(special_answers);
	return len;
}
