/*
 * An IP address with what goes with it: a port, or a prefix length. The same
 * struct stands in the config and in messages between processes: it has no
 * pointer and no padding, and what is not used is zero.
 */
#ifndef DOTPROXY_NETADDR_H
#define DOTPROXY_NETADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct netaddr {
	uint8_t bytes[16]; /* network order; IPv4 in the first four */
	uint32_t scope; /* IPv6 link-local: the interface's index */
	uint16_t port; /* host order; 0 in a prefix */
	uint8_t family; /* 4 or 6 */
	uint8_t bits; /* length of a prefix; 32 or 128 in an address */
};
_Static_assert(sizeof(struct netaddr) == 24, "no padding");

/* Room for any of the texts below, with its NUL. */
#define NETADDR_TEXT 80

/*
 * Reads a numeric address ("192.0.2.1", "2001:db8::1", "fe80::1%eth0");
 * the port is 0. False when the text is none.
 */
bool netaddr_parse(struct netaddr *a, const char *text);

/*
 * Reads "address" or "address/bits". Bits set beyond the prefix are an error,
 * as is a scope. False when the text is no prefix.
 */
bool netaddr_parse_prefix(struct netaddr *a, const char *text);

/* Whether a struct from another process is well formed (family, bits). */
bool netaddr_is_valid(const struct netaddr *a);

/* Whether the address lies in the prefix; families never match each other.
 * An IPv4-mapped IPv6 address is not an IPv4 address here: sockets are
 * IPV6_V6ONLY, so none is ever seen. */
bool netaddr_in_prefix(const struct netaddr *prefix, const struct netaddr *a);

/* Of one link only (RFC 4291 2.5.6), where each address is a host. */
bool netaddr_is_link_local(const struct netaddr *a);

/* Same family, address, scope and port. */
bool netaddr_equal(const struct netaddr *a, const struct netaddr *b);
bool netaddr_is_wildcard(const struct netaddr *a);

/* To and from the kernel's. netaddr_to_sockaddr returns the length. */
socklen_t
netaddr_to_sockaddr(const struct netaddr *a, struct sockaddr_storage *ss);
bool netaddr_from_sockaddr(struct netaddr *a, const struct sockaddr *sa);

/* "192.0.2.1" / "192.0.2.1 port 53" / "192.0.2.0/24", into buf, which it
 * returns. */
const char *netaddr_text(const struct netaddr *a, char buf[NETADDR_TEXT]);
const char *netaddr_port_text(const struct netaddr *a, char buf[NETADDR_TEXT]);
const char *
netaddr_prefix_text(const struct netaddr *a, char buf[NETADDR_TEXT]);

#endif
