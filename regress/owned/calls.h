/*
 * System calls that no worker needs: each is the last thing that its process
 * does.
 */
#ifndef REGRESS_OWNED_CALLS_H
#define REGRESS_OWNED_CALLS_H

void try_open(void);
void try_socket(void);
void try_raw_socket(void);
void try_connect(void);
void try_bind(void);
void try_fork(void);
void try_exec(void);
void try_ptrace(void);
void try_kill(void);
void try_read_memory(void);
void try_exec_memory(void);
void try_uring(void);

#endif
