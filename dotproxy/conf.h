/*
 * What a config says, as the parent reads it (parent/parse.y) and prints it.
 * Every list has a fixed bound; a struct conf is plain data: no pointer, so it
 * is copied with =, compared with care and freed with free(3).
 */
#ifndef DOTPROXY_CONF_H
#define DOTPROXY_CONF_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf_limit.h"
#include "netaddr.h"

#define CONF_WORKERS_MAX     64
#define CONF_LISTEN_MAX	     32 /* addresses */
#define CONF_ALLOW_MAX	     1024 /* prefixes */
#define CONF_UPSTREAMS_MAX   16
#define CONF_ADDRESSES_MAX   16 /* for each upstream */
#define CONF_PINS_MAX	     16 /* for each upstream */
#define CONF_NAME_MAX	     64 /* an upstream's name in the config, with NUL */
#define CONF_HOST_MAX	     256 /* a name in a certificate, with NUL */
#define CONF_ZONES_MAX	     64 /* the default zone included */
#define CONF_ZONE_NAME_MAX   255 /* on the wire, RFC 1035 2.3.4 */
#define CONF_SOCKS_MAX	     256 /* a user or password, with NUL (RFC 1929) */
#define CONF_INTERFACE_MAX   16 /* with NUL: IFNAMSIZ */
#define CONF_USER_MAX	     33 /* with NUL */
#define CONF_PIN_LEN	     32 /* SHA-256 */
#define CONF_CA_MAX	     (4 << 20) /* bytes of a CA bundle */

#define CONF_PORT	     53
#define CONF_TLS_PORT	     853
#define CONF_USER	     "_dotproxy"
#define CONF_CHROOT	     "/var/empty"
#define CONF_UDP_SIZE	     1232 /* bytes; DNS flag day 2020 */
#define CONF_UDP_SIZE_MIN    512
#define CONF_UDP_SIZE_MAX    4096
#define CONF_TCP_MAX	     1024 /* connections of a worker */
#define CONF_TCP_EACH	     64 /* connections of one client address */
#define CONF_TCP_LIMIT	     16384 /* the most either may be set to */

#define CONF_CACHE_SIZE	     (32u << 20) /* bytes */
#define CONF_CACHE_SIZE_MIN  (1u << 20)
#define CONF_CACHE_SIZE_MAX  (1u << 31)
#define CONF_CACHE_PAGE	     4096 /* its size is a whole number of these */
#define CONF_TTL_MAX	     86400 /* seconds; RFC 8767 4: cap it */
#define CONF_TTL_NEGATIVE    3600 /* RFC 2308 5 has 1 to 3 hours */
#define CONF_TTL_LIMIT	     604800 /* the most any of these may be set to */
#define CONF_STALE	     86400 /* seconds; RFC 8767 5: 1 to 3 days */

#define CONF_LOCAL_MAX	     1024 /* records in the config */
#define CONF_LOCAL_BYTES     65536 /* all of them */
#define CONF_LOCAL_TTL	     300 /* seconds */
#define CONF_HOSTS_MAX	     4096 /* records of the hosts file */

#define CONF_BLOCK_AFTER     1000 /* questions over the limit ... */
#define CONF_BLOCK_OVER	     10 /* ... in so many seconds */
#define CONF_BLOCK_FOR	     60 /* seconds, the first time */
#define CONF_BLOCK_MAX	     86400 /* seconds; twice as long each time */
#define CONF_BLOCK_AFTER_MAX 60000
#define CONF_BLOCK_OVER_MAX  3600 /* seconds */
#define CONF_BLOCK_FOR_MAX   604800 /* seconds, for either */
#define CONF_BLOCKED_MAX     256 /* prefixes that are always */
#define CONF_COOKIES_MAX     64 /* prefixes that cookies are required for */

/* When a client is blocked, and how long. In messages, too: no padding. */
struct conf_block {
	uint32_t after; /* questions over its limit; 0: never */
	uint32_t over; /* seconds in which they came */
	uint32_t first, max; /* seconds */
};

/* Types of local data, as DNS numbers them. */
#define CONF_LOCAL_A	 1
#define CONF_LOCAL_CNAME 5
#define CONF_LOCAL_PTR	 12
#define CONF_LOCAL_TXT	 16
#define CONF_LOCAL_AAAA	 28

/* A record of local data: its owner's name follows, on the wire and folded,
 * then its rdata. Of many, each begins where the one before ends. */
struct conf_record {
	uint16_t type; /* CONF_LOCAL_* */
	uint8_t name_len;
	uint8_t rdata_len;
	uint32_t ttl; /* seconds */
};

/* Of all of them: as many records, as many bytes. */
struct conf_local {
	uint32_t records;
	uint32_t size;
};

struct conf_upstream {
	char name[CONF_NAME_MAX]; /* as the config calls it */
	char host[CONF_HOST_MAX]; /* in the certificate; "" is none */
	char ca[PATH_MAX]; /* PEM file; "" is the system's bundle */
	struct netaddr address[CONF_ADDRESSES_MAX]; /* with ports */
	uint8_t pin[CONF_PINS_MAX][CONF_PIN_LEN]; /* SHA-256 of the SPKI */
	uint32_t naddress;
	uint32_t npin;
	bool builtin; /* known without the config's help */
	bool plain; /* DNS without TLS: for a named zone only */
	char interface[CONF_INTERFACE_MAX]; /* to go out by; "" is any */
	struct netaddr source4, source6; /* to come from; family 0: any */
	struct netaddr socks; /* the proxy and its port; family 0: none */
	char socks_user[CONF_SOCKS_MAX]; /* "": none */
	char socks_password[CONF_SOCKS_MAX];
};

/* How an upstream of several is chosen. */
enum conf_policy {
	CONF_FAILOVER,
	CONF_FASTEST,
	CONF_ROUND_ROBIN,
	CONF_RACE,
	CONF_POLICIES
};

/* A domain, whose questions go to these upstreams and no others. */
struct conf_zone {
	uint8_t name[CONF_ZONE_NAME_MAX]; /* on the wire, folded */
	uint8_t name_len; /* bytes; 1 is the root's */
	uint32_t policy; /* enum conf_policy */
	uint32_t nupstream;
	uint8_t upstream[CONF_UPSTREAMS_MAX]; /* indices of conf.upstream[],
						   in the order of preference */
};

struct conf {
	uint32_t workers; /* 0: one for each CPU */
	char user[CONF_USER_MAX];
	char chroot[PATH_MAX];
	struct netaddr listen[CONF_LISTEN_MAX]; /* with ports */
	uint16_t listen_or[CONF_LISTEN_MAX]; /* the port where that one is
						not permitted; 0: none */
	uint32_t nlisten;
	struct netaddr allow[CONF_ALLOW_MAX]; /* prefixes */
	uint32_t nallow;
	uint32_t udp_size; /* bytes */
	uint32_t cache_size; /* bytes; 0: no cache */
	uint32_t ttl_min, ttl_max, ttl_negative; /* seconds */
	uint32_t stale; /* seconds after its end; 0: never */
	uint32_t special; /* set of what is answered here (special.h) */
	uint8_t local[CONF_LOCAL_BYTES]; /* records of local data */
	uint32_t local_len, nlocal; /* bytes, records */
	char hosts[PATH_MAX]; /* "": none */
	struct conf_limit limit;
	bool cookies;
	struct netaddr cookies_for[CONF_COOKIES_MAX]; /* who needs one */
	uint32_t ncookies_for;
	struct conf_block block;
	bool block_kernel; /* the kernel drops them, too */
	struct netaddr blocked[CONF_BLOCKED_MAX]; /* always */
	uint32_t nblocked;
	uint32_t tcp_max; /* connections of one worker */
	uint32_t tcp_each; /* connections of one client in it */
	struct conf_upstream upstream[CONF_UPSTREAMS_MAX];
	uint32_t nupstream;
	uint32_t nused; /* that zones name: the first of upstream[], in the
			   order in which they are named; messages know them
			   by their index */
	struct conf_zone zone[CONF_ZONES_MAX]; /* [0], the root, is what no
						    other zone has */
	uint32_t nzone;
};

#endif
