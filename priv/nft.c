/*
 * Messages to nf_tables, each of a fixed shape. The kernel answers a message
 * while it is sent, so its answer is there when the call returns.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/counter.h"
#include "dotproxy/log.h"
#include "nft.h"

#define ELEMENT(type) ((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | (type)))
#define ANSWERS_MAX   64 /* of one call */

/* The longest has a key of 16 bytes: half of this. */
struct message {
	_Alignas(NLMSG_ALIGNTO) uint8_t bytes[512];
	size_t len;
};

static int ask(struct nft *, uint16_t, uint16_t, const struct netaddr *,
    const char *, uint64_t);
static size_t
begin(struct message *, uint16_t, uint16_t, uint8_t, uint16_t, uint32_t);
static void end(struct message *, size_t);
static void element(struct message *, const struct netaddr *, uint64_t);
static size_t attribute(struct message *, uint16_t, const void *, size_t);
static void nest(struct message *, size_t);
static void *room(struct message *, size_t);
static int talk(struct nft *, struct message *);
static bool note(struct nft *, int);
static const char *why(int);

bool
nft_open(struct nft *n)
{
	*n = (struct nft){ .fd = -1 };
	n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    NETLINK_NETFILTER);
	if (n->fd == -1)
		return note(n, errno);
	nft_flush(n);
	return n->error == 0;
}

void
nft_flush(struct nft *n)
{
	int error;

	if (n->fd == -1)
		return;
	error = ask(n, NFT_MSG_DELSETELEM, 0, NULL, NFT_SET4, 0);
	if (error == 0)
		error = ask(n, NFT_MSG_DELSETELEM, 0, NULL, NFT_SET6, 0);
	(void)note(n, error);
}

/*
 * An element that is there would keep its time: so it is taken out, but only
 * then, as taking out what is not there has the kernel wait some milliseconds
 * (it gives the batch up).
 */
bool
nft_put(struct nft *n, const struct netaddr *client, uint64_t left)
{
	const char *set = client->family == 4 ? NFT_SET4 : NFT_SET6;
	const uint16_t fresh = NLM_F_CREATE | NLM_F_EXCL;
	int error;

	if (n->fd == -1 || client->scope != 0 || left == 0)
		return false;
	error = ask(n, NFT_MSG_NEWSETELEM, fresh, client, set, left);
	if (error == EEXIST) {
		nft_remove(n, client);
		error = ask(n, NFT_MSG_NEWSETELEM, fresh, client, set, left);
	}
	if (error == 0)
		counter_inc(kernel_blocks);
	else
		counter_inc(kernel_failed);
	return note(n, error);
}

void
nft_remove(struct nft *n, const struct netaddr *client)
{
	if (n->fd != -1 && client->scope == 0)
		(void)ask(n, NFT_MSG_DELSETELEM, 0, client,
		    client->family == 4 ? NFT_SET4 : NFT_SET6, 0);
}

/* One message in a batch of its own; 0 or an errno. client NULL: all of the
 * set. */
static int
ask(struct nft *n, uint16_t type, uint16_t flags, const struct netaddr *client,
    const char *set, uint64_t left)
{
	struct message m = { .len = 0 };
	size_t at;

	n->seq++;
	end(&m,
	    begin(&m, NFNL_MSG_BATCH_BEGIN, 0, NFPROTO_UNSPEC,
		NFNL_SUBSYS_NFTABLES, n->seq));
	at = begin(
	    &m, ELEMENT(type), flags | NLM_F_ACK, NFPROTO_INET, 0, n->seq);
	(void)attribute(
	    &m, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE, sizeof(NFT_TABLE));
	(void)attribute(&m, NFTA_SET_ELEM_LIST_SET, set, strlen(set) + 1);
	if (client != NULL)
		element(&m, client, left);
	end(&m, at);
	end(&m,
	    begin(&m, NFNL_MSG_BATCH_END, 0, NFPROTO_UNSPEC,
		NFNL_SUBSYS_NFTABLES, n->seq));
	return talk(n, &m);
}

/* Where it begins, for end. */
static size_t
begin(struct message *m, uint16_t type, uint16_t flags, uint8_t family,
    uint16_t subsystem, uint32_t seq)
{
	const struct nlmsghdr head = { .nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | flags,
		.nlmsg_seq = seq };
	const struct nfgenmsg generic = { .nfgen_family = family,
		.version = NFNETLINK_V0,
		.res_id = htons(subsystem) };
	const size_t at = m->len;

	memcpy(room(m, sizeof(head)), &head, sizeof(head));
	memcpy(room(m, sizeof(generic)), &generic, sizeof(generic));
	return at;
}

static void
end(struct message *m, size_t at)
{
	const uint32_t len = (uint32_t)(m->len - at);

	memcpy(m->bytes + at + offsetof(struct nlmsghdr, nlmsg_len), &len,
	    sizeof(len));
}

static void
element(struct message *m, const struct netaddr *client, uint64_t left)
{
	const uint64_t timeout = htobe64(left);
	size_t list, one, key;

	list =
	    attribute(m, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED, NULL, 0);
	one = attribute(m, NFTA_LIST_ELEM | NLA_F_NESTED, NULL, 0);
	key = attribute(m, NFTA_SET_ELEM_KEY | NLA_F_NESTED, NULL, 0);
	(void)attribute(m, NFTA_DATA_VALUE, client->bytes,
	    client->family == 4 ? 4 : sizeof(client->bytes));
	nest(m, key);
	if (left != 0)
		(void)attribute(
		    m, NFTA_SET_ELEM_TIMEOUT, &timeout, sizeof(timeout));
	nest(m, one);
	nest(m, list);
}

/* Where it begins, for nest: whatever comes till then is in it. */
static size_t
attribute(struct message *m, uint16_t type, const void *value, size_t len)
{
	const struct nlattr head = { .nla_len = (uint16_t)(NLA_HDRLEN + len),
		.nla_type = type };
	const size_t at = m->len;

	memcpy(room(m, sizeof(head)), &head, sizeof(head));
	if (len != 0)
		memcpy(room(m, len), value, len);
	return at;
}

static void
nest(struct message *m, size_t at)
{
	const uint16_t len = (uint16_t)(m->len - at);

	memcpy(m->bytes + at + offsetof(struct nlattr, nla_len), &len,
	    sizeof(len));
}

/* Zeroed, and what follows is aligned. */
static void *
room(struct message *m, size_t len)
{
	uint8_t *at = m->bytes + m->len;

	len = NLMSG_ALIGN(len);
	if (len > sizeof(m->bytes) - m->len)
		fatalx("nft: a message without room");
	memset(at, 0, len);
	m->len += len;
	return at;
}

static int
talk(struct nft *n, struct message *m)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct {
		struct nlmsghdr head;
		int error; /* negated */
	} answer;
	struct iovec iov = { m->bytes, m->len };
	struct msghdr msg = { .msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = &iov,
		.msg_iovlen = 1 };
	int error = EPROTO, i;

	if (sendmsg(n->fd, &msg, MSG_DONTWAIT) == -1)
		return errno;
	for (i = 0; i < ANSWERS_MAX; i++) {
		iov = (struct iovec){ &answer, sizeof(answer) };
		msg.msg_namelen = sizeof(kernel);
		memset(&answer, 0, sizeof(answer));
		if (recvmsg(n->fd, &msg, MSG_DONTWAIT) == -1)
			break;
		/* Of a batch, the first that is wrong; of before, none. */
		if (kernel.nl_pid != 0 || answer.head.nlmsg_seq != n->seq ||
		    answer.head.nlmsg_type != NLMSG_ERROR)
			continue;
		if (error == EPROTO || error == 0)
			error = -answer.error;
	}
	return error;
}

/* Whether all is well; the log has it when that changes. */
static bool
note(struct nft *n, int error)
{
	if (error != n->error && error == 0)
		log_info("block kernel: the sets are there now");
	else if (error != n->error)
		log_warnx("block kernel: %s; until then blocks are the "
			  "workers' alone",
		    why(error));
	n->error = error;
	return error == 0;
}

static const char *
why(int error)
{
	switch (error) {
	case ENOENT:
		return "no table inet " NFT_TABLE " with the sets " NFT_SET4
		       " and " NFT_SET6 ": load contrib/nftables/dotproxy.nft "
		       "with nft -f";
	case EPERM:
		return "no CAP_NET_ADMIN: give it to dotproxy";
	case EOPNOTSUPP:
	case EPROTONOSUPPORT:
	case EAFNOSUPPORT:
		return "this kernel has no nf_tables";
	case ENFILE:
		return "the set is full";
	default:
		return strerror(error);
	}
}
