/* The service manager's datagram socket. It must never be read from. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "dotproxy/log.h"
#include "notify.h"

static struct sockaddr_un manager;
static socklen_t manager_len;
static int sock = -1;

void
notify_init(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len;

	if (path == NULL)
		return;
	len = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || len < 2 ||
	    len >= sizeof(manager.sun_path)) {
		log_warnx("NOTIFY_SOCKET: not an address: %s", path);
		return;
	}
	manager.sun_family = AF_UNIX;
	memcpy(manager.sun_path, path, len);
	if (path[0] == '@')
		manager.sun_path[0] = '\0';
	manager_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if ((sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		log_warn("NOTIFY_SOCKET");
	(void)unsetenv("NOTIFY_SOCKET");
}

void
notify_send(const char *state)
{
	if (sock != -1 &&
	    sendto(sock, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
		(struct sockaddr *)&manager, manager_len) == -1)
		log_warn("service manager");
}
