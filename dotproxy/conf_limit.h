/*
 * What a config says of the limits of clients: the parent reads it, and it
 * goes to a worker as it is.
 */
#ifndef DOTPROXY_CONF_LIMIT_H
#define DOTPROXY_CONF_LIMIT_H

#include <stdint.h>

#include "netaddr.h"

#define CONF_LIMIT_RATE	       500 /* questions a second of a client */
#define CONF_LIMIT_BURST       1000 /* questions at once */
#define CONF_LIMIT_RATE_MAX    100000 /* the most either may be set to */
#define CONF_LIMIT_PREFIX      32 /* bits of an address that are a client */
#define CONF_LIMIT_PREFIX_MIN  8
#define CONF_LIMIT_PREFIX6     56
#define CONF_LIMIT_PREFIX6_MIN 16
#define CONF_LIMIT_HIT_COST    250 /* thousandths of a question */
#define CONF_LIMIT_SLIP	       2
#define CONF_LIMIT_SLIP_MAX    100
#define CONF_LIMIT_MEMORY      (4u << 20) /* bytes of a worker */
#define CONF_LIMIT_MEMORY_MIN  (64u << 10)
#define CONF_LIMIT_MEMORY_MAX  (256u << 20)
#define CONF_LIMIT_LABELS      2
#define CONF_LIMIT_LABELS_MAX  8
#define CONF_LIMIT_EXEMPT_MAX  64 /* prefixes */
#define CONF_AMPLIFICATION     10 /* bytes of an answer for one of a question */
#define CONF_AMPLIFICATION_MAX 1000

/* It is a message, too: no pointer and no padding. A rate of 0 is no limit. */
struct conf_limit {
	uint32_t rate, burst; /* questions a second, and at once */
	uint32_t prefix, prefix6; /* bits that make a client */
	uint32_t hit_cost; /* thousandths of a question */
	uint32_t slip; /* each so manieth over it gets TC=1; 0: none */
	uint32_t memory; /* bytes of a worker */
	uint32_t zone_rate, zone_burst; /* misses beneath one name */
	uint32_t zone_labels; /* of that name, the root not counted */
	uint32_t amplification; /* the most, of an answer over UDP */
	uint32_t nexempt;
	struct netaddr exempt[CONF_LIMIT_EXEMPT_MAX]; /* prefixes */
};

#endif
