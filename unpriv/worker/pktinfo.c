/* Control messages about addresses; see pktinfo.h. None may be believed to be
 * longer than it is. */
#include <string.h>

#include "pktinfo.h"

static size_t put_control(struct pktinfo *, int, int, const void *, size_t);

bool
pktinfo_read(struct msghdr *msg, struct query_client *client)
{
	struct in6_pktinfo v6;
	struct in_pktinfo v4;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO &&
		    c->cmsg_len >= CMSG_LEN(sizeof(v4))) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			memcpy(client->local, &v4.ipi_addr, 4);
			return v4.ipi_addr.s_addr == v4.ipi_spec_dst.s_addr;
		}
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO &&
		    c->cmsg_len >= CMSG_LEN(sizeof(v6))) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			memcpy(client->local, &v6.ipi6_addr, 16);
			if (IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr))
				client->interface = (uint32_t)v6.ipi6_ifindex;
			return !IN6_IS_ADDR_MULTICAST(&v6.ipi6_addr);
		}
	}
	return false;
}

size_t
pktinfo_write(const struct query_client *client, struct pktinfo *room)
{
	struct in6_pktinfo v6;
	struct in_pktinfo v4;

	if (client->address.family == 4) {
		memset(&v4, 0, sizeof(v4));
		memcpy(&v4.ipi_spec_dst, client->local, 4);
		return put_control(
		    room, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	}
	memset(&v6, 0, sizeof(v6));
	memcpy(&v6.ipi6_addr, client->local, 16);
	v6.ipi6_ifindex = client->interface;
	return put_control(room, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
}

static size_t
put_control(
    struct pktinfo *room, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *head = (struct cmsghdr *)room->bytes;

	memset(room, 0, sizeof(*room));
	head->cmsg_level = level;
	head->cmsg_type = type;
	head->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(head), data, len);
	return CMSG_SPACE(len);
}
