# Which process is confined by what, as the kernel tells it in /proc while it
# serves.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

start_all() {
	start_ours
	answers NOERROR serves.test.example
	answers NOERROR +tcp serves2.test.example
}

field() { # id name: of its status
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' '
}

is() { # id field value
	[ "$(field "$1" "$2")" = "$3" ] ||
	    atf_fail "$(cat "/proc/$1/comm"): $2 is $(field "$1" "$2"), not $3"
}

# What holds whoever starts it.
always() { # id
	is "$1" NoNewPrivs 1
	is "$1" Seccomp 2
	is "$1" CapPrm 0000000000000000
	is "$1" CapEff 0000000000000000
	is "$1" CapInh 0000000000000000
	is "$1" CapAmb 0000000000000000
	is "$1" Threads 1
	is_root || {
		# Not even its own user may look into it.
		! ls "/proc/$1/fd" 2>/dev/null || atf_fail "$1 may be traced"
		return 0
	}
	# Sockets, what epoll and a clock are made of, and /dev/null: no file,
	# no folder.
	for fd in "/proc/$1/fd"/*; do
		what=$(readlink "$fd")
		case $what in
		socket:*|/dev/null) ;;
		anon_inode:\[eventpoll\]|anon_inode:\[timerfd\]) ;;
		pipe:*)	# libevent's own, both ends here
			echo "$what" >>pipes ;;
		*)	atf_fail "$what is open in $1" ;;
		esac
	done
	if [ -f pipes ]; then
		sort pipes | uniq -c | awk '$1 != 2 { exit 1 }' ||
		    { cat pipes; atf_fail "a pipe to someone else"; }
	fi
	# Nothing is both writable and executable.
	! grep -E '^[^ ]+ .w(x)' "/proc/$1/maps" || atf_fail "writable code"
}

testcase children_of_root_have_nothing_left 30 ss
children_of_root_have_nothing_left_body() {
	is_root || atf_skip "not root"
	! is_sanitized || atf_skip "built with sanitizers: their reports need more"
	start_all
	uid=$(id -u nobody)
	gid=$(id -g nobody)
	[ "$(children | wc -l)" -eq 3 ] || atf_fail "not three children"
	for c in $(children); do
		always "$c"
		is "$c" Uid "$uid $uid $uid $uid"
		is "$c" Gid "$gid $gid $gid $gid"
		[ "$(field "$c" Groups | tr -d ' ')" = "$gid" ] ||
		    atf_fail "groups: $(field "$c" Groups)"
		is "$c" CapBnd 0000000000000000
		[ "$(readlink "/proc/$c/root")" = "$PWD/empty" ] ||
		    atf_fail "root is $(readlink "/proc/$c/root")"
		[ "$(readlink "/proc/$c/cwd")" = "$PWD/empty" ] ||
		    atf_fail "cwd is $(readlink "/proc/$c/cwd")"
	done
	[ -z "$(ls -A empty)" ] || atf_fail "the folder is not empty"
}

testcase the_parent_of_root_keeps_only_what_it_needs 30 ss
the_parent_of_root_keeps_only_what_it_needs_body() {
	is_root || atf_skip "not root"
	start_all
	is "$dotproxy" NoNewPrivs 1
	is "$dotproxy" Seccomp 2
	# chown dac_override kill setgid setuid setpcap net_bind_service
	# sys_chroot are numbers 0 1 5 6 7 8 10 18: nothing outside of these.
	caps=$(printf '%d' "0x$(field "$dotproxy" CapEff)")
	[ $((caps & ~0x405e3)) -eq 0 ] ||
	    atf_fail "capabilities: $(field "$dotproxy" CapEff)"
	[ $((caps & 0x200000)) -eq 0 ] || atf_fail "sys_admin"
}

as=unprivileged testcase an_ordinary_users_processes_are_confined_too 30 ss
an_ordinary_users_processes_are_confined_too_body() {
	start_all
	[ "$(children | wc -l)" -eq 3 ] || atf_fail "not three children"
	for c in $(children); do
		always "$c"
	done
	is "$dotproxy" NoNewPrivs 1
	is "$dotproxy" Seccomp 2
	says 'without root'
	says 'worker 0 confined by: .*nnp.* landlock seccomp'
}

testcase a_worker_has_no_tls_library_in_it_and_tls_no_client 30 ss
a_worker_has_no_tls_library_in_it_and_tls_no_client_body() {
	is_root || atf_skip "not root"
	start_all
	for c in $(children); do
		case $(readlink "/proc/$c/exe") in
		*/dotproxy-worker)
			! grep -E 'lib(tls|ssl|crypto|resolv|nss)' \
			    "/proc/$c/maps" || atf_fail "in a worker"
			;;
		*/dotproxy-tls)
			! grep -E 'libnss|libresolv|dotproxy-worker' \
			    "/proc/$c/maps" || atf_fail "in tls"
			;;
		*)	atf_fail "$(readlink "/proc/$c/exe")" ;;
		esac
	done
	! grep -E 'lib(tls|ssl|crypto)' "/proc/$dotproxy/maps" ||
	    atf_fail "in the parent"
	# Only the workers hold the sockets that clients ask on.
	tls=$(child tls)
	inodes=$(awk -v p="$(printf ':%04X' "$port")" 'index($2, p) &&
	    ($4 == "0A" || $4 == "07") { print $10 }' /proc/net/udp \
	    /proc/net/tcp)
	[ -n "$inodes" ] || atf_fail "nobody listens"
	for i in $inodes; do
		! find "/proc/$tls/fd" -lname "socket:\[$i\]" | grep . ||
		    atf_fail "tls holds a listening socket"
	done
	# And only it the connections to the upstream.
	for c in $(children); do
		[ "$c" = "$tls" ] || ! holds_upstream "$c" ||
		    atf_fail "a worker holds a connection upstream"
	done
	holds_upstream "$tls" || atf_fail "tls holds none"
}

holds_upstream() { # id
	awk -v p="$(printf ':%04X' "$up")" '$3 ~ p"$" {
		printf "socket:[%s]\n", $10
	}' /proc/net/tcp >upstream.sockets
	for _fd in "/proc/$1/fd"/*; do
		readlink "$_fd"
	done | grep -qxFf upstream.sockets
}

testcase limits_of_children_leave_no_core_file_or_process 30 ss
limits_of_children_leave_no_core_file_or_process_body() {
	! is_sanitized || atf_skip "built with sanitizers: their reports need more"
	start_all
	for c in $(children); do
		grep -q '^Max core file size  *0  *0 ' "/proc/$c/limits" ||
		    atf_fail "core files"
		grep -q '^Max processes  *0  *0 ' "/proc/$c/limits" ||
		    atf_fail "processes"
		grep -q '^Max file size  *0  *0 ' "/proc/$c/limits" ||
		    atf_fail "file size"
	done
}

atf_init_test_cases() {
	atf_add_test_case children_of_root_have_nothing_left
	atf_add_test_case the_parent_of_root_keeps_only_what_it_needs
	atf_add_test_case an_ordinary_users_processes_are_confined_too
	atf_add_test_case a_worker_has_no_tls_library_in_it_and_tls_no_client
	atf_add_test_case limits_of_children_leave_no_core_file_or_process
}
