/*
 * rtnetlink, for whoever wants to know that something changed and asks the
 * kernel what: not one byte of a message is looked at.
 */
#include <sys/socket.h>

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include "route.h"

/* Of one turn. What is left is taken in the next. */
#define MESSAGES_MAX 4096

int
route_open(void)
{
	const struct sockaddr_nl own = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
		    RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR |
		    RTMGRP_IPV6_ROUTE };
	int error, fd;

	fd = socket(
	    AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd == -1)
		return -1;
	if (bind(fd, (const struct sockaddr *)&own, sizeof(own)) == -1) {
		error = errno;
		(void)close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

bool
route_drain(int fd)
{
	struct sockaddr_nl from;
	struct msghdr msg;
	struct iovec iov;
	bool changed = false;
	char byte;
	int i;

	for (i = 0; i < MESSAGES_MAX; i++) {
		memset(&from, 0, sizeof(from));
		memset(&msg, 0, sizeof(msg));
		iov.iov_base = &byte; /* the rest of it is let go */
		iov.iov_len = sizeof(byte);
		msg.msg_name = &from;
		msg.msg_namelen = sizeof(from);
		msg.msg_iov = &iov;
		msg.msg_iovlen = 1;
		if (recvmsg(fd, &msg, MSG_DONTWAIT) == -1) {
			if (errno != ENOBUFS) /* some were lost */
				break;
			changed = true;
		} else if (from.nl_pid == 0) /* the kernel's */
			changed = true;
	}
	return changed;
}
