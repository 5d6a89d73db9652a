# Shell functions of the bench: what is a ratio of two small figures is measured
# in rounds, with all who are compared up at once and asked in turn, so that
# what else the machine does meets them alike; the table takes medians.
# shellcheck shell=sh disable=SC2154,SC2034,SC2086 # the caller's; words

rounds=5

# The limit and dotproxy: a hit's CPU, and its latency at the same rate, half of
# what the slower of the two reached in this round.
measure_hits() {
	note "limit and dotproxy in turn, $rounds times"
	start_all limit dotproxy || return 1
	for _ in $(seq $rounds); do
		least=
		for name in limit dotproxy; do
			use $name
			flood hit $(((seconds + 1) / 2)) 0 || continue
			keep $name
			[ -n "$least" ] && [ "$least" -lt "$qps" ] ||
			    least=$qps
		done
		for name in limit dotproxy; do
			use $name
			recall $name
			qps_was=$qps qps=$least
			latency hit -m 10000 'h%u.hit.bench.example' || continue
			qps=$qps_was
			echo "$name turns $us $qps $busy $ok $delays" \
			    >>"$out/results"
		done
	done
	end_all
}

# One worker and two, asked by the same two clients, which are of one worker
# each. Where the cores are too few to show what two workers do more, the CPU for
# a question shows what they cost each other.
measure_workers() {
	note "one worker and two in turn, $rounds times"
	start_all workers_1 workers_2 || return 1
	for _ in $(seq $rounds); do
		for name in workers_1 workers_2; do
			use $name
			flood_of=two_clients
			flood hit $(((seconds + 1) / 2)) 0 &&
			    echo "$name turns $us $qps $busy $ok 0 0 0" \
				>>"$out/results"
			flood_of=
		done
	done
	end_all
}

start_workers_1() { workers=1 && start_dotproxy; }
start_workers_2() { workers=2 && pin=$pin_two && start_dotproxy; }

start_all() {
	together=$*
	for name; do
		port=$(free_port)
		pin_was=$pin
		"start_$name" >"$work/$name.log" 2>&1
		server=$!
		pin=$pin_was workers=1
		eval "server_$name=$server port_$name=$port"
		if ! until_true "$name" "$server" answers; then
			tail -n 5 "$work/$name.log" >&3
			end_all
			return 1
		fi
		# Twice: what was lost on the way in is there after it.
		pace -n 20000 -m 10000 -q 50 'h%u.hit.bench.example' >/dev/null
	done
}

end_all() {
	for name in $together; do
		eval "server=\${server_$name:-}; server_$name="
		end_server
	done
	together=
}

use() {
	eval "server=\$server_$1 port=\$port_$1"
}

keep() {
	eval "us_$1=$us qps_$1=$qps busy_$1=$busy ok_$1=$ok"
}

recall() {
	eval "us=\$us_$1 qps=\$qps_$1 busy=\$busy_$1 ok=\$ok_$1"
}

# Two who ask at once, each from an address that is steered to another of two
# workers (priv/steer.c). Answers in the form of one.
flood_two_clients() {
	for at in 0 1; do
		$asker dnsperf -s 127.0.0.1 -p "$port" -a "$(address_of $at)" \
		    -d "$work/$1" -l "$2" -c 2 -q $((in_flight / 2)) -t 2 \
		    >"$work/client$at" 2>&1 &
		eval "client$at=$!"
	done
	wait "$client0" && wait "$client1" || return 1
	cat "$work/client0" "$work/client1"
}

address_of() {
	for last in $(seq 2 250); do
		a=$(((127 << 24 | last) * 0x9e3779b1 & 0xffffffff))
		if [ $(((a >> 16) % 2)) -eq "$1" ]; then
			echo "127.0.0.$last"
			return
		fi
	done
}

figures_of_two_clients() {
	awk '/Queries sent:/ { sent += $3 }
	/Queries completed:/ { done += $3 }
	/Run time/ { if ($4 > time) time = $4 }
	/Response codes:/ { for (i = 3; i < NF; i++)
		if ($i == "NOERROR") good += $(i + 1) }
	END { print sent + 0, done + 0, time + 0, good + 0 }'
}
