/*
 * The channel: one datagram out, one datagram in, each held against the
 * table. It must never block, and never pass on what the table refuses.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc.h"
#include "log.h"

/* More than one, so that an unasked descriptor is seen rather than cut off. */
#define FDS_MAX 4

static size_t take_fds(struct msghdr *, int[FDS_MAX]);
static void close_fds(const int *, size_t);
static int send_datagram(struct ipc *, struct iovec *, size_t, int);

/* Large enough for several of the largest messages; the kernel may cap it. */
static const int channel_room = 1 << 20;

static struct ipc *log_channel;

int
ipc_socketpair(int fd[2])
{
	int i;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, fd) == -1)
		return -1;
	for (i = 0; i < 2; i++)
		/* Only a wish: the default holds the largest message too. */
		(void)setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &channel_room,
		    sizeof(channel_room));
	return 0;
}

void
ipc_init(struct ipc *ipc, int fd, enum ipc_role self, enum ipc_role peer,
    enum ipc_state state)
{
	ipc->fd = fd;
	ipc->self = self;
	ipc->peer = peer;
	ipc->state = state;
}

void
ipc_close(struct ipc *ipc)
{
	if (ipc->fd != -1)
		(void)close(ipc->fd);
	ipc->fd = -1;
}

int
ipc_send(struct ipc *ipc, enum ipc_type type, const void *payload, size_t len,
    int fd)
{
	const struct ipc_rule *rule = ipc_rule(type);
	struct ipc_header header = { type, (uint32_t)len };
	struct iovec iov[2];

	if (rule == NULL || (rule->from & ipc->self) == 0 ||
	    (rule->to & ipc->peer) == 0 || len < rule->min || len > rule->max ||
	    (fd != -1 && !rule->fd_may) || (fd == -1 && rule->fd_must))
		fatalx("ipc: message %u is not one to send", type);
	iov[0].iov_base = &header;
	iov[0].iov_len = sizeof(header);
	iov[1].iov_base = (void *)(uintptr_t)payload;
	iov[1].iov_len = len;
	return send_datagram(ipc, iov, len == 0 ? 1 : 2, fd);
}

int
ipc_recv(struct ipc *ipc, struct ipc_buffer *buffer, struct ipc_message *m,
    const char **wrong)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { buffer->bytes, sizeof(buffer->bytes) };
	struct msghdr msg;
	struct ipc_header header;
	int fd[FDS_MAX];
	size_t nfd;
	ssize_t n;

	*wrong = NULL;
	if (ipc->fd == -1)
		return -1;
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = control.bytes;
	msg.msg_controllen = sizeof(control.bytes);
	/* A peer that died with messages unread resets the channel, which is
	 * told once, and before its last words: those are still to come. */
	do
		n = recvmsg(ipc->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && (errno == EINTR || errno == ECONNRESET));
	if (n == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	nfd = take_fds(&msg, fd);
	if (n == 0 && nfd == 0)
		return -1;
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		*wrong = "longer than any message";
	else
		*wrong = ipc_check(ipc->peer, ipc->self, ipc->state,
		    buffer->bytes, (size_t)n, nfd);
	if (*wrong != NULL) {
		close_fds(fd, nfd);
		return -2;
	}
	memcpy(&header, buffer->bytes, sizeof(header));
	m->type = (enum ipc_type)header.type;
	m->payload = buffer->bytes + sizeof(header);
	m->len = (size_t)n - sizeof(header);
	m->fd = nfd == 1 ? fd[0] : -1;
	return 1;
}

void
ipc_log_to(struct ipc *ipc)
{
	log_channel = ipc;
}

void
ipc_log_sink(int priority, const char *line)
{
	uint8_t payload[sizeof(struct ipc_log) + IPC_LOG_TEXT];
	struct ipc_log head = { (uint32_t)priority };
	size_t len = strlen(line);

	if (log_channel == NULL || log_channel->fd == -1)
		return;
	if (len > IPC_LOG_TEXT)
		len = IPC_LOG_TEXT;
	memcpy(payload, &head, sizeof(head));
	memcpy(payload + sizeof(head), line, len);
	/* A parent that does not keep up loses lines, not its children. */
	if (ipc_send(log_channel, IPC_LOG, payload, sizeof(head) + len, -1) ==
	    -1)
		counter_inc(ipc_log_dropped);
}

static int
send_datagram(struct ipc *ipc, struct iovec *iov, size_t niov, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg;
	struct cmsghdr *cmsg;
	ssize_t n;

	if (ipc->fd == -1) {
		errno = EPIPE;
		return -1;
	}
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = iov;
	msg.msg_iovlen = niov;
	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	do
		n = sendmsg(ipc->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == -1 ? -1 : 0;
}

/* Every descriptor that came with a datagram, however many messages. */
static size_t
take_fds(struct msghdr *msg, int fd[FDS_MAX])
{
	struct cmsghdr *cmsg;
	size_t nfd = 0, here, i;
	int one;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		here = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < here; i++) {
			memcpy(&one, CMSG_DATA(cmsg) + i * sizeof(int),
			    sizeof(one));
			if (nfd < FDS_MAX)
				fd[nfd++] = one;
			else
				(void)close(one);
		}
	}
	return nfd;
}

static void
close_fds(const int *fd, size_t nfd)
{
	size_t i;

	for (i = 0; i < nfd; i++)
		(void)close(fd[i]);
}
