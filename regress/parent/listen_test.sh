# What dotproxy listens on, told by its own log and by the kernel.

programs=$(atf_get_srcdir)/../..

write_conf() {
	cat >conf
	echo 'workers 1' >>conf
	chmod 644 conf
}

start() {
	"$@" "$programs/dotproxy" -d -L "$(realpath "$programs")" -f conf \
	    >log 2>&1 &
	echo $! >pid
	for _ in $(seq 200); do
		grep -q ': ready' log && return
		kill -0 "$(cat pid)" 2>/dev/null || break
		sleep 0.05
	done
	cat log
	atf_fail 'dotproxy did not start'
}

stop() {
	if [ -s pid ]; then
		kill "$(cat pid)" || :
	fi
}

atf_test_case without_privilege_the_other_port_is_taken cleanup
without_privilege_the_other_port_is_taken_head() {
	atf_set require.user root
	atf_set require.progs 'ip setpriv'
}
# In a network of its own every port is free.
without_privilege_the_other_port_is_taken_body() {
	chmod 755 .
	write_conf <<-CONF
	listen on 127.0.0.1 port 53 or 5353
	CONF
	start unshare --net -- sh -c 'ip link set lo up
	    echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start
	    exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"' sh
	atf_check -o ignore grep 'listening on 127.0.0.1 port 5353' log
}
without_privilege_the_other_port_is_taken_cleanup() { stop; }

atf_test_case with_privilege_the_first_port_is_taken cleanup
with_privilege_the_first_port_is_taken_head() {
	atf_set require.user root
	atf_set require.progs 'ip setpriv'
}
with_privilege_the_first_port_is_taken_body() {
	chmod 755 .
	write_conf <<-CONF
	listen on 127.0.0.1 port 53 or 5353
	CONF
	start unshare --net -- sh -c 'ip link set lo up
	    echo 53 >/proc/sys/net/ipv4/ip_unprivileged_port_start
	    exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"' sh
	atf_check -o ignore grep 'listening on 127.0.0.1 port 53$' log
}
with_privilege_the_first_port_is_taken_cleanup() { stop; }

atf_test_case a_port_that_is_taken_is_an_error_all_the_same
a_port_that_is_taken_is_an_error_all_the_same_head() {
	atf_set require.user root
	atf_set require.progs 'ip setpriv'
}
a_port_that_is_taken_is_an_error_all_the_same_body() {
	chmod 755 .
	write_conf <<-CONF
	listen on 0.0.0.0 port 5300
	listen on 127.0.0.1 port 53 or 5300
	CONF
	atf_check -s exit:1 -e match:'another server has it' \
	    unshare --net -- sh -c 'ip link set lo up
	    echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start
	    exec setpriv --reuid nobody --regid nogroup --clear-groups "$@"' \
	    sh "$programs/dotproxy" -d -L "$(realpath "$programs")" -f conf
}

atf_init_test_cases() {
	atf_add_test_case without_privilege_the_other_port_is_taken
	atf_add_test_case with_privilege_the_first_port_is_taken
	atf_add_test_case a_port_that_is_taken_is_an_error_all_the_same
}
