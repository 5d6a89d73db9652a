# Children that die, configs that change, an end that is asked for: none of it
# loses a question that it need not.
# shellcheck shell=sh

. "$(atf_get_srcdir)/common.sh"
. "$(atf_get_srcdir)/servers.sh"

load_in_background() { # load's arguments
	"$load" -p "$port" "$@" >load.out 2>&1 </dev/null &
	loading=$!
	remember "$loading"
	# It is under way when the upstream has been asked.
	must 10 grep -q 'load\.example' upstream.queries
}

load_ends() {
	wait "$loading" || :
	cat load.out
}

# back_soon OLD-ID tls|worker: another is there instead, and serves.
back_soon() {
	must 10 is_replaced "$1" "$2"
	must 10 is_answered NOERROR "back$1.test.example"
}

is_replaced() {
	is_gone "$1" && [ -n "$(child "$2")" ] && [ "$(child "$2")" != "$1" ]
}

testcase a_worker_killed_under_load_is_back_and_loses_no_question_for_good 40 \
    ss
a_worker_killed_under_load_is_back_and_loses_no_question_for_good_body() {
	start_ours
	tls=$(child tls)
	# Clients ask again after half a second, as resolvers do.
	load_in_background -n 1500 -q 500 -r 500 'n%.load.example'
	for victim in $(children); do
		[ "$victim" != "$tls" ] || continue
		kill -9 "$victim"
		must 10 is_gone "$victim"
	done
	must 10 is_answered NOERROR back.test.example
	load_ends
	all_1500_in_the_end
	[ "$(child tls)" = "$tls" ] || atf_fail "the TLS process went as well"
	says 'worker [01]: killed by signal 9'
	[ "$(children | wc -l)" -eq 3 ] || atf_fail "a worker is missing"
}

all_1500_in_the_end() {
	expect_figure noerror -eq 1500
	expect_figure lost -eq 0
	# The sockets were never closed: nobody was told "port unreachable".
	expect_figure unreachable -eq 0
	# It was started at once, and once.
	says ': starting again'
	! grep 'next try in' dotproxy.log || atf_fail "it was not at once"
}

testcase the_tls_process_killed_under_load_is_back_and_clients_get_answers 40 \
    ss
the_tls_process_killed_under_load_is_back_and_clients_get_answers_body() {
	start_ours
	tls=$(child tls)
	load_in_background -n 1500 -q 500 -r 500 'n%.load.example'
	kill -9 "$tls"
	back_soon "$tls" tls
	load_ends
	all_1500_in_the_end
	says 'tls: killed by signal 9'
}

testcase a_child_that_dies_again_and_again_is_started_later_and_later 40 ss
a_child_that_dies_again_and_again_is_started_later_and_later_body() {
	start_ours
	for i in 1 2 3 4 5 6; do
		# It is always the same one that is the latest.
		victim=$(workers | tail -n 1)
		kill -9 "$victim"
		must 5 is_followed "$victim"
	done
	says 'worker [01]: died 6 times in a row soon after its start'
	sed -n 's/.*worker [01]: next try in \([0-9]*\) ms/\1/p' \
	    dotproxy.log >waits
	[ "$(wc -l <waits)" -ge 5 ] || atf_fail "it did not wait"
	cat waits
	sort -n waits | uniq | cmp - waits || atf_fail "not later and later"
	must 5 is_answered NOERROR back.test.example
}

# The limit is of an ordinary user's processes: it is none for root.
as=unprivileged testcase a_machine_without_room_for_a_process_gets_one_later \
    40 ss prlimit
a_machine_without_room_for_a_process_gets_one_later_body() {
	start_ours
	hard=$(prlimit --pid "$dotproxy" --nproc --noheadings --output HARD)
	prlimit --pid "$dotproxy" --nproc=1: || atf_fail "no limit"
	victim=$(workers | tail -n 1)
	kill -9 "$victim"
	must 5 says_twice 'worker [01]: no room for a process'
	! is_gone "$dotproxy" || atf_fail "the parent is gone"
	prlimit --pid "$dotproxy" --nproc="$hard": || atf_fail "still limited"
	must 20 is_followed "$victim"
	must 5 is_answered NOERROR back.test.example
}

says_twice() {
	[ "$(grep -c "$1" dotproxy.log)" -ge 2 ]
}

workers() {
	ps -o pid=,stat=,comm= --ppid "$dotproxy" |
	    awk '$2 !~ /^Z/ && $3 == "dotproxy-worker" { print $1 }' | sort -n
}

is_followed() {
	workers >now
	[ "$(wc -l <now)" -eq 2 ] && ! grep -qx "$1" now
}

testcase reload_takes_upstreams_clients_and_addresses 40 ss
reload_takes_upstreams_clients_and_addresses_body() {
	start_ours
	answers NOERROR n1.test.example
	second=$(free_port)
	new=$(free_port)
	in_background second.log "$upstream" -c server.pem -k server.key \
	    -p "$second" -t 120 --log second.queries
	must 5 listens "$second"
	before=$(children)
	{
		upstream_block other "$second"
		echo 'forward to "other"'
		echo "listen on 127.0.0.2 port $new"
		echo "allow from 127.0.0.2"
	} | conf "$port"
	kill -HUP "$dotproxy"
	says ': reloaded'
	[ "$(children)" = "$before" ] || atf_fail "children were started again"
	must 5 "$ask" -p "$new" -s 127.0.0.2 -b 127.0.0.2 \
	    "$(message 0100 1 0 0 0 "$(question_hex n2.test.example)")"
	must 5 grep -q n2.test.example second.queries
	! grep -q n2.test.example upstream.queries ||
	    atf_fail "the old upstream was asked"
	# allow from is of the new config on the old address, too.
	must 5 is_answered REFUSED n3.test.example
	# And back: the new address is given up.
	conf_for "$port" "$up"
	kill -HUP "$dotproxy"
	must 5 is_answered NOERROR n4.test.example
	must 5 fails listens "$new"
	"$ask" -p "$new" -s 127.0.0.2 -b 127.0.0.2 -w 500 \
	    "$(message 0100 1 0 0 0 "$(question_hex n5.test.example)")" >out
	grep -q 'port unreachable' out || { cat out; atf_fail "still bound"; }
}

testcase reload_under_load_loses_no_question 40 ss
reload_under_load_loses_no_question_body() {
	start_ours
	second=$(free_port)
	in_background second.log "$upstream" -c server.pem -k server.key \
	    -p "$second" -t 120
	must 5 listens "$second"
	load_in_background -n 3000 -q 1000 -c 8 'n%.load.example'
	for i in 1 2 3 4 5 6 7 8; do
		if [ $((i % 2)) -eq 1 ]; then
			conf_for "$port" "$second"
		else
			conf_for "$port" "$up"
		fi
		kill -HUP "$dotproxy"
		must 5 reloaded_times "$i"
	done
	! is_gone "$loading" || atf_fail "the load was over before the reloads"
	load_ends
	all_answered 3000
	expect_figure unreachable -eq 0
}

reloaded_times() {
	[ "$(grep -c ': reloaded' dotproxy.log)" -eq "$1" ]
}

testcase a_broken_file_changes_nothing_and_its_line_is_told 30 ss
a_broken_file_changes_nothing_and_its_line_is_told_body() {
	start_ours
	lines=$(wc -l <dotproxy.conf)
	echo 'forward two "ours"' >>dotproxy.conf
	kill -HUP "$dotproxy"
	says "dotproxy.conf:$((lines + 1)): .*two"
	says 'not reloaded: the config from before stays'
	answers NOERROR n1.test.example
	# One that parses, and cannot be had.
	{
		upstream_block other "$(free_port)"
		echo 'forward to "other"'
		echo "listen on 192.0.2.53 port $port"
	} | conf "$port"
	kill -HUP "$dotproxy"
	must 5 not_reloaded_twice
	says 'listen on 192\.0\.2\.53 .*no interface of this machine'
	answers NOERROR n2.test.example
	rm dotproxy.conf
	kill -HUP "$dotproxy"
	answers NOERROR n3.test.example
}

not_reloaded_twice() {
	[ "$(grep -c 'not reloaded' dotproxy.log)" -eq 2 ]
}

testcase sigterm_answers_what_is_in_flight_and_exits_0 30 ss
sigterm_answers_what_is_in_flight_and_exits_0_body() {
	start_ours
	answers NOERROR warm.test.example
	"$ask" -p "$port" -w 5000 \
	    "$(message 0100 1 0 0 0 "$(question_hex slow-500.udp.example)")" \
	    >udp.out 2>&1 &
	udp=$!
	"$ask" -t -p "$port" -w 5000 \
	    "$(message 0100 1 0 0 0 "$(question_hex slow-500.tcp.example)")" \
	    >tcp.out 2>&1 &
	tcp=$!
	must 5 grep -q 'slow-500\.udp\.example' upstream.queries
	must 5 grep -q 'slow-500\.tcp\.example' upstream.queries
	kill "$dotproxy"
	status=0
	wait "$dotproxy" || status=$?
	wait "$udp" "$tcp"
	cat udp.out tcp.out
	grep -q 'rcode=0 .* counts=1/1/' udp.out || atf_fail "UDP: no answer"
	grep -q 'rcode=0 .* counts=1/1/' tcp.out || atf_fail "TCP: no answer"
	[ "$status" -eq 0 ] || { show_logs; atf_fail "exit status $status"; }
	says ': stopped'
}

testcase sigterm_waits_a_second_for_what_never_comes 30 ss
sigterm_waits_a_second_for_what_never_comes_body() {
	start_ours
	answers NOERROR warm.test.example
	q slow-9000.udp.example >dig.out 2>&1 &
	udp=$!
	must 5 grep -q 'slow-9000\.udp\.example' upstream.queries
	kill "$dotproxy"
	status=0
	wait "$dotproxy" || status=$?
	wait "$udp" || :
	[ "$status" -eq 0 ] || { show_logs; atf_fail "exit status $status"; }
	# Not what a question is told that has waited for its four seconds.
	in_answer 'status: SERVFAIL'
	in_answer 'EDE: 14 .*dotproxy is stopping'
	[ -z "$(children)" ] || atf_fail "children outlive it"
}

testcase children_do_not_outlive_a_parent_that_is_killed 30 ss
children_do_not_outlive_a_parent_that_is_killed_body() {
	start_ours
	all=$(children)
	kill -9 "$dotproxy"
	for c in $all; do
		must 5 is_gone "$c"
	done
}

testcase the_service_manager_is_told_ready_only_when_it_answers 30 ss
the_service_manager_is_told_ready_only_when_it_answers_body() {
	atf_require_prog "$upstream"
	pki
	up=$(free_port)
	port=$(free_port)
	start_misbehaving "$up"
	conf_for "$port" "$up"
	in_background notify.log "$sink" unix "$PWD/notify"
	must 5 grep -q listening notify.log
	NOTIFY_SOCKET=$PWD/notify
	export NOTIFY_SOCKET
	launch_dotproxy
	unset NOTIFY_SOCKET
	# Told, the very next question is answered: no second try.
	must 20 grep -q '^READY=1$' notify.log
	answers NOERROR first.test.example
	grep -q ': ready, ' dotproxy.log || atf_fail "told before it was"
	kill -HUP "$dotproxy"
	must 5 grep -q '^RELOADING=1' notify.log
	must 5 ready_twice
	kill "$dotproxy"
	must 5 grep -q '^STOPPING=1$' notify.log
}

ready_twice() {
	[ "$(grep -c '^READY=1$' notify.log)" -eq 2 ]
}

testcase sigusr1_tells_every_counter_by_its_name 30 ss
sigusr1_tells_every_counter_by_its_name_body() {
	start_ours
	answers NOERROR n1.test.example
	answers NOERROR +tcp n2.test.example
	answers NOERROR n3.test.example
	counts_to queries_udp 2
	counts_to queries_tcp 1
	counts_to tcp_accepted 1
	counts_to queries_forwarded 3
	counts_to answers_upstream 3
	# Each once, and once more if the machine was slow.
	must 10 as_many_as_the_upstream_read
	counted upstream_answers 3
	grep -E '^dotproxy: tls: upstream_connected [1-9]' counters ||
	    atf_fail "not by process"
}

as_many_as_the_upstream_read() {
	counter_is upstream_queries \
	    "$(grep -c 'n[123]\.test\.example' upstream.queries)"
}

# A daemon works from no other folder than it was started in.
testcase a_daemon_finds_its_config_again_at_a_reload 30 pgrep
a_daemon_finds_its_config_again_at_a_reload_body() {
	pki
	port=$(free_port)
	conf_for "$port" "$(free_port)"
	mv dotproxy.conf "daemon-$port.conf"
	"$OBJ/dotproxy" -f "daemon-$port.conf" -L "$OBJ" </dev/null
	must 10 daemon_runs
	remember "$dotproxy"
	must 10 is_answered SERVFAIL a.example
	echo 'allow from 192.0.2.1' >>"daemon-$port.conf"
	kill -HUP "$dotproxy"
	must 10 is_answered REFUSED a.example
}

# By its config's name: an ordinary user is not told whose a socket is when its
# owner is not dumpable.
daemon_runs() {
	dotproxy=$(pgrep -f -- "-f daemon-$port.conf -L")
	# Its children are called as it is until they have exec'd.
	case $dotproxy in
	'' | *[!0-9]*)
		return 1 ;;
	esac
}

atf_init_test_cases() {
	atf_add_test_case \
	    a_worker_killed_under_load_is_back_and_loses_no_question_for_good
	atf_add_test_case \
	    the_tls_process_killed_under_load_is_back_and_clients_get_answers
	atf_add_test_case \
	    a_child_that_dies_again_and_again_is_started_later_and_later
	atf_add_test_case a_machine_without_room_for_a_process_gets_one_later
	atf_add_test_case reload_takes_upstreams_clients_and_addresses
	atf_add_test_case reload_under_load_loses_no_question
	atf_add_test_case a_broken_file_changes_nothing_and_its_line_is_told
	atf_add_test_case sigterm_answers_what_is_in_flight_and_exits_0
	atf_add_test_case sigterm_waits_a_second_for_what_never_comes
	atf_add_test_case children_do_not_outlive_a_parent_that_is_killed
	atf_add_test_case a_daemon_finds_its_config_again_at_a_reload
	atf_add_test_case \
	    the_service_manager_is_told_ready_only_when_it_answers
	atf_add_test_case sigusr1_tells_every_counter_by_its_name
}
