/*
 * UDP. Decides nothing about a question but where its answer goes: to the
 * address it came from, from the address that was asked (RFC 2181 4.1).
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "dotproxy/counter.h"
#include "dotproxy/log.h"

#include "loop.h"
#include "udp.h"

#define BATCH	    32
#define TURN	    8 /* batches, before others have their turn */
#define DRAIN	    256 /* batches, when a socket is retired */
#define ROOM	    CONF_UDP_SIZE_MAX /* of a message, either way */
#define CONTROL_LEN 64 /* more than a pktinfo of either family */

_Static_assert(CONTROL_LEN >= CMSG_SPACE(sizeof(struct in6_pktinfo)), "room");

struct control {
	_Alignas(struct cmsghdr) uint8_t bytes[CONTROL_LEN];
};

struct packet {
	uint8_t bytes[ROOM];
	struct sockaddr_storage address;
	struct control control;
	struct iovec iov;
};

struct waiting {
	struct packet packet;
	socklen_t address_len;
	size_t control_len;
	uint32_t object, serial; /* of the listener */
	bool sent;
};

static bool read_batch(struct listener *);
static void take(struct listener *, struct mmsghdr *, struct packet *);
static bool
asked_address(const struct listener *, struct msghdr *, struct query_client *);
static size_t answer_from(const struct query_client *, struct control *);
static size_t put_control(struct control *, int, int, const void *, size_t);
static void send_through(uint32_t, uint32_t, unsigned int);
static void send_all(int, struct mmsghdr *, unsigned int);

static struct packet in[BATCH];
static struct mmsghdr in_msg[BATCH];
static struct waiting out[BATCH];
static unsigned int nout;

void
udp_init(void)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		in[i].iov.iov_base = in[i].bytes;
		in[i].iov.iov_len = ROOM;
		in_msg[i].msg_hdr.msg_iov = &in[i].iov;
		in_msg[i].msg_hdr.msg_iovlen = 1;
		in_msg[i].msg_hdr.msg_name = &in[i].address;
		in_msg[i].msg_hdr.msg_control = in[i].control.bytes;
	}
}

void
udp_read(struct listener *listener)
{
	int i;

	for (i = 0; i < TURN; i++)
		if (!read_batch(listener))
			break;
}

void
udp_drain(struct listener *listener)
{
	int i;

	for (i = 0; i < DRAIN; i++)
		if (!read_batch(listener))
			break;
}

void
udp_reply(const struct query_reply *reply)
{
	struct listener *l =
	    listener_get(reply->client.object, reply->client.serial);
	struct waiting *w;

	if (l == NULL || reply->len > ROOM) {
		counter_inc(udp_send_dropped);
		return;
	}
	if (reply->was_in_flight)
		l->in_flight--;
	if (nout == BATCH)
		udp_flush();
	w = &out[nout++];
	memcpy(w->packet.bytes, reply->bytes, reply->len);
	w->packet.iov.iov_base = w->packet.bytes;
	w->packet.iov.iov_len = reply->len;
	w->address_len =
	    netaddr_to_sockaddr(&reply->client.address, &w->packet.address);
	w->control_len =
	    l->wildcard ? answer_from(&reply->client, &w->packet.control) : 0;
	w->object = reply->client.object;
	w->serial = reply->client.serial;
	w->sent = false;
}

/* One sendmmsg for each socket that anything is to be sent through. */
void
udp_flush(void)
{
	unsigned int i;

	for (i = 0; i < nout; i++)
		if (!out[i].sent)
			send_through(out[i].object, out[i].serial, i);
	nout = 0;
}

/* All from the i-th on that go the same way. */
static void
send_through(uint32_t object, uint32_t serial, unsigned int i)
{
	struct listener *l = listener_get(object, serial);
	struct mmsghdr msg[BATCH];
	struct waiting *w;
	unsigned int n = 0;

	for (; i < nout; i++) {
		w = &out[i];
		if (w->sent || w->serial != serial)
			continue;
		w->sent = true;
		memset(&msg[n], 0, sizeof(msg[n]));
		msg[n].msg_hdr.msg_name = &w->packet.address;
		msg[n].msg_hdr.msg_namelen = w->address_len;
		msg[n].msg_hdr.msg_iov = &w->packet.iov;
		msg[n].msg_hdr.msg_iovlen = 1;
		if (w->control_len != 0)
			msg[n].msg_hdr.msg_control = w->packet.control.bytes;
		msg[n].msg_hdr.msg_controllen = w->control_len;
		n++;
	}
	if (l != NULL)
		send_all(l->fd, msg, n);
	else
		counter_add(udp_send_dropped, n);
}

/* False: there is nothing more to read for now. */
static bool
read_batch(struct listener *listener)
{
	int i, n;

	for (i = 0; i < BATCH; i++) {
		in_msg[i].msg_hdr.msg_namelen = sizeof(in[i].address);
		in_msg[i].msg_hdr.msg_controllen = CONTROL_LEN;
		in_msg[i].msg_hdr.msg_flags = 0;
	}
	do
		n = recvmmsg(listener->fd, in_msg, BATCH, MSG_DONTWAIT, NULL);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return false;
	for (i = 0; i < n; i++)
		take(listener, &in_msg[i], &in[i]);
	return n == BATCH;
}

static void
take(struct listener *listener, struct mmsghdr *msg, struct packet *packet)
{
	struct query_client client;

	counter_inc(queries_udp);
	memset(&client, 0, sizeof(client));
	client.proto = IPC_UDP;
	client.object = listener_object(listener);
	client.serial = listener->serial;
	if (!netaddr_from_sockaddr(
		&client.address, (const struct sockaddr *)&packet->address) ||
	    client.address.port == 0 ||
	    !asked_address(listener, &msg->msg_hdr, &client)) {
		counter_inc(queries_dropped);
		return;
	}
	switch (
	    query_take(&loop_queries, &loop_settings, &client, packet->bytes,
		msg->msg_len, (msg->msg_hdr.msg_flags & MSG_TRUNC) != 0,
		loop_now(), &loop_reply)) {
	case QUERY_DROPPED:
		break;
	case QUERY_ANSWERED:
		udp_reply(&loop_reply);
		break;
	case QUERY_IN_FLIGHT:
		listener->in_flight++;
		break;
	}
}

/* False: a broadcast or multicast address, which is never answered. */
static bool
asked_address(const struct listener *listener, struct msghdr *msg,
    struct query_client *client)
{
	struct in6_pktinfo v6;
	struct in_pktinfo v4;
	struct cmsghdr *c;

	if (!listener->wildcard)
		return true;
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

static size_t
answer_from(const struct query_client *client, struct control *control)
{
	struct in6_pktinfo v6;
	struct in_pktinfo v4;

	if (client->address.family == 4) {
		memset(&v4, 0, sizeof(v4));
		memcpy(&v4.ipi_spec_dst, client->local, 4);
		return put_control(
		    control, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	}
	memset(&v6, 0, sizeof(v6));
	memcpy(&v6.ipi6_addr, client->local, 16);
	v6.ipi6_ifindex = client->interface;
	return put_control(
	    control, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
}

static size_t
put_control(
    struct control *control, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *head = (struct cmsghdr *)control->bytes;

	memset(control, 0, sizeof(*control));
	head->cmsg_level = level;
	head->cmsg_type = type;
	head->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(head), data, len);
	return CMSG_SPACE(len);
}

/*
 * A full buffer drops the rest: a client asks again, and nobody waits here.
 * Any other error (no route, a firewall's no) is of one message.
 */
static void
send_all(int fd, struct mmsghdr *msg, unsigned int n)
{
	unsigned int done = 0;
	int r;

	while (done < n) {
		r = sendmmsg(fd, msg + done, n - done, MSG_DONTWAIT);
		if (r > 0) {
			done += (unsigned int)r;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS) {
			counter_add(udp_send_dropped, n - done);
			return;
		}
		counter_inc(udp_send_dropped);
		done++;
	}
}
