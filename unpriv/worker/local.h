/*
 * Local data: records of an operator's own, from the parent, in a table that
 * is built once for a config and never changes. Pure.
 */
#ifndef UNPRIV_WORKER_LOCAL_H
#define UNPRIV_WORKER_LOCAL_H

#include "dotproxy/conf.h"
#include "unpriv/dns/special.h"

#define LOCAL_ANSWER_MAX  64 /* records that are told */
#define LOCAL_CNAMES_MAX  8 /* of them, that lead to one another */
#define LOCAL_RECORDS_MAX (CONF_LOCAL_MAX + CONF_HOSTS_MAX)
/* The longest that so many can be. */
#define LOCAL_SIZE_MAX                                                         \
	(LOCAL_RECORDS_MAX * (sizeof(struct conf_record) + 2 * DNS_NAME_MAX))

struct local;

/*
 * Checks the records, field by field, and copies them into a table, which is
 * the caller's to local_free (NULL: there are none). NULL, or what is wrong.
 */
const char *local_build(struct local **table, const struct conf_local *head,
    const uint8_t *records);
void local_free(struct local *table);

/* How a question is answered: points into itself and into the table. */
struct local_answer {
	struct dns_local local;
	struct dns_local_record record[LOCAL_ANSWER_MAX];
};

/*
 * Whether a question, folded by the caller, is for a name with local data; then
 * *answer says how. A type that it has none of is NODATA, with a SOA; ANY is
 * one of the types it has (RFC 8482 4.1). A CNAME stands alone, and what it
 * leads to follows, if that is in the table, too. table may be NULL.
 */
bool local_find(const struct local *table, const struct dns_question *folded,
    struct local_answer *answer);

#endif
