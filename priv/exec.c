/*
 * The moment between fork and exec. No descriptor may get past it that was not
 * meant to.
 */
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

#include "dotproxy/ipc.h"
#include "exec.h"

void
exec_program(const char *program, const char *argv[], int null, int channel)
{
	char *envp[] = { NULL };
	sigset_t none;
	int i;

	for (i = 0; i <= STDERR_FILENO; i++) {
#ifdef DOTPROXY_SANITIZE
		if (i == STDERR_FILENO)
			continue; /* where the sanitizer reports */
#endif
		if (dup2(null, i) == -1)
			_exit(126);
	}
	/* dup2 of a descriptor onto itself would leave it CLOEXEC. */
	if (channel == IPC_PARENT_FD)
		channel = dup(channel);
	if (channel == -1 || dup2(channel, IPC_PARENT_FD) == -1 ||
	    close_range(IPC_PARENT_FD + 1, ~0U, 0) == -1)
		_exit(126);
	for (i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve(program, (char **)(uintptr_t)argv, envp);
	_exit(127);
}
