/*
 * What becomes of a fork: another program, that has nothing of ours but its
 * channel.
 */
#ifndef PRIV_EXEC_H
#define PRIV_EXEC_H

/*
 * Runs program with argv, whose first is its name and whose last is NULL, and
 * an empty environment: standard input, output and error are null (-1 is not
 * allowed), IPC_PARENT_FD is channel, all other descriptors are closed, no
 * signal is blocked, caught or ignored. Does only what is safe after a fork.
 * It does not return: exits 127 if program cannot be run, 126 if what it is to
 * have cannot be made.
 */
void exec_program(const char *program, const char *argv[], int null,
    int channel) __attribute__((noreturn));

#endif
