# A start that cannot be: dotproxy says what failed and what to do about it,
# and does not serve.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

prepare() {
	pki
	port=$(free_port)
	conf_for "$port" 853
}

testcase a_taken_port_is_told_with_how_to_find_who_has_it 30 ss
a_taken_port_is_told_with_how_to_find_who_has_it_body() {
	prepare
	start_dotproxy
	no_start "listen on 127\.0\.0\.1 port $port, UDP.*Address already in use"
	grep -q 'ss -lnptu' no_start.log || atf_fail "not how to find who"
	# The first is none the worse for it.
	"$ask" -p "$port" "$(message 2100 1 0 0 0 "$(question_hex a.example)")"
}

testcase a_privileged_port_without_root_is_told_as_such 30 ss setpriv
a_privileged_port_without_root_is_told_as_such_body() {
	[ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 53 ] ||
	    atf_skip "anyone may use port 53 here"
	prepare
	sed -i "s/^listen.*/listen on 127.0.0.1 port 53/" dotproxy.conf
	is_root || {
		no_start 'listen on 127\.0\.0\.1 port 53.*Permission denied'
		grep -q 'need root' no_start.log || atf_fail "not what to do"
		return
	}
	chmod 755 .
	sed '/^user/d; /^chroot/d' dotproxy.conf >user.conf
	chmod 644 user.conf ca.pem
	setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps -all \
	    timeout 10 "$OBJ/dotproxy" -d -f user.conf -L "$OBJ" >out 2>&1
	status=$?
	cat out
	[ "$status" -eq 1 ] || atf_fail "status $status"
	grep -q 'listen on 127\.0\.0\.1 port 53.*Permission denied' out ||
	    atf_fail "not told"
	grep -q 'need root' out || atf_fail "not what to do"
}

testcase a_user_that_does_not_exist_is_told_with_how_to_make_it 30 ss
a_user_that_does_not_exist_is_told_with_how_to_make_it_body() {
	is_root || atf_skip "without root there is no other user"
	prepare
	sed -i 's/^user.*/user "_nobody_at_all"/' dotproxy.conf
	no_start 'user "_nobody_at_all" does not exist: .*useradd'
}

testcase a_ca_file_that_is_not_there_is_named 30 ss
a_ca_file_that_is_not_there_is_named_body() {
	prepare
	mv ca.pem moved.pem
	no_start "$PWD/ca\.pem.*No such file"
	: >ca.pem
	no_start "$PWD/ca\.pem.*not a file of certificates"
	echo "this is no certificate" >ca.pem
	no_start "$PWD/ca\.pem: there is no certificate in it"
}

# Nothing is named with -f here: the usual file, which is there or not.
testcase a_macro_that_is_none_is_told_without_a_file_too 30
a_macro_that_is_none_is_told_without_a_file_too_body() {
	atf_check -s exit:1 -e match:'-D nomacro: expected macro=value' \
	    "$OBJ/dotproxy" -n -D nomacro
}

# It may say anything, so the defaults would be a guess.
as=root testcase a_usual_file_that_cannot_be_looked_at_is_not_passed_over 30 \
    unshare setpriv
a_usual_file_that_cannot_be_looked_at_is_not_passed_over_body() {
	unshare -m true || atf_skip "no mount namespace can be made here"
	grep -q /usr/local/etc/dotproxy.conf "$OBJ/dotproxy" ||
	    atf_skip "built for another prefix"
	# shellcheck disable=SC2016 # the inner shell is to expand these
	atf_check -s exit:1 \
	    -e match:'dotproxy\.conf: cannot be opened: Permission denied' \
	    unshare -m sh -c 'mount -t tmpfs -o mode=700 none /usr/local/etc &&
		: >/usr/local/etc/dotproxy.conf &&
		exec setpriv --reuid nobody --regid nogroup --clear-groups \
		    "$0" -n' "$OBJ/dotproxy"
}

testcase it_starts_with_standard_error_closed 30 ss
it_starts_with_standard_error_closed_body() {
	prepare
	# A log line must not go into whatever socket got that number.
	"$OBJ/dotproxy" -d -f dotproxy.conf -L "$OBJ" 0<&- 1>&- 2>&- &
	dotproxy=$!
	remember "$dotproxy"
	must 10 "$ask" -p "$port" \
	    "$(message 2100 1 0 0 0 "$(question_hex a.example)")"
	# Only root may look at what is not dumpable.
	for fd in 0 1 2; do
		! is_root || [ "$(readlink "/proc/$dotproxy/fd/$fd")" = /dev/null ] ||
		    atf_fail "descriptor $fd is something else"
	done
	kill -TERM "$dotproxy"
	wait "$dotproxy" || atf_fail "it did not end well"
}

testcase a_wrong_folder_of_programs_is_told 30 ss
a_wrong_folder_of_programs_is_told_body() {
	prepare
	no_start 'nowhere.*No such file' -L "$PWD/nowhere"
	grep -q -- '-L' no_start.log || atf_fail "not how to name another"
	mkdir -p empty-folder
	no_start 'dotproxy-(tls|worker) cannot be run.*-L' -L "$PWD/empty-folder"
	# Programs that are none of ours.
	mkdir wrong
	cp /bin/false wrong/dotproxy-tls
	cp /bin/false wrong/dotproxy-worker
	no_start '(tls|worker [0-9]) could not start: not serving' -L "$PWD/wrong"
	# Nothing of it is left behind.
	! ss -Hlnu "sport = :$port" | grep -q . || atf_fail "still bound"
}

testcase every_error_of_a_config_is_told_with_its_line 30 ss
every_error_of_a_config_is_told_with_its_line_body() {
	prepare
	cat >dotproxy.conf <<-END
	listen on 127.0.0.1 port 99999
	lisen on 127.0.0.1
	upstream "x" {
		address 127.0.0.1
	}
	forward to "y"
	END
	no_start 'dotproxy\.conf:1: .*99999'
	grep -q 'dotproxy\.conf:2: .*lisen' no_start.log || atf_fail "line 2"
	grep -q 'dotproxy\.conf:6: .*"y"' no_start.log || atf_fail "line 6"
	cat no_start.log
}

testcase a_chroot_that_is_not_empty_is_refused 30 ss
a_chroot_that_is_not_empty_is_refused_body() {
	is_root || atf_skip "without root there is no chroot"
	prepare
	mkdir -p empty
	: >empty/file
	no_start "empty.*not empty|not empty.*empty"
}

testcase the_config_printed_is_the_config_that_was_read 30 ss
the_config_printed_is_the_config_that_was_read_body() {
	prepare
	"$OBJ/dotproxy" -n -f dotproxy.conf || atf_fail "-n"
	"$OBJ/dotproxy" -nv -f dotproxy.conf >printed.conf || atf_fail "-nv"
	"$OBJ/dotproxy" -nv -f printed.conf >again.conf || atf_fail "again"
	cmp printed.conf again.conf || atf_fail "another config"
	file=printed.conf
	start_dotproxy
	"$ask" -p "$port" "$(message 2100 1 0 0 0 "$(question_hex a.example)")"
}

atf_init_test_cases() {
	atf_add_test_case a_taken_port_is_told_with_how_to_find_who_has_it
	atf_add_test_case a_privileged_port_without_root_is_told_as_such
	atf_add_test_case a_user_that_does_not_exist_is_told_with_how_to_make_it
	atf_add_test_case a_ca_file_that_is_not_there_is_named
	atf_add_test_case a_macro_that_is_none_is_told_without_a_file_too
	atf_add_test_case \
	    a_usual_file_that_cannot_be_looked_at_is_not_passed_over
	atf_add_test_case it_starts_with_standard_error_closed
	atf_add_test_case a_wrong_folder_of_programs_is_told
	atf_add_test_case every_error_of_a_config_is_told_with_its_line
	atf_add_test_case a_chroot_that_is_not_empty_is_refused
	atf_add_test_case the_config_printed_is_the_config_that_was_read
}
