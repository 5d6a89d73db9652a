# Shell functions of the bench: one load against the server that runs, what it
# took, and what it had in memory. Results are lines: server, load, CPU (us for
# a question), questions a second, share of its core (%), answered (%), latency
# (us: median, 99th and 99.9th percentile at half load).
# shellcheck shell=sh disable=SC2154,SC2086 # the caller's; $other is words

ticks=$(getconf CLK_TCK)

# The server, and all that descend from it.
processes() {
	cat /proc/[0-9]*/stat 2>/dev/null | sed 's/(.*) //' |
	    awk -v root="$server" '
	{ parent[$1] = $3 }
	END {
		for (p in parent) {
			for (q = p; q in parent && q != root; q = parent[q])
				;
			if (q == root)
				print p
		}
	}' | sort -n
}

# User and system time of those, in ticks: threads are in it.
cpu_of() {
	for p; do
		cat "/proc/$p/stat"
	done 2>/dev/null | sed 's/(.*) //' | awk '{ t += $13 + $14 }
	    END { print t + 0 }'
}

# kB, proportional.
memory() {
	for p in $(processes); do
		cat "/proc/$p/smaps_rollup"
	done | awk '/^Pss:/ { kb += $2 } END { print kb + 0 }'
}

pace() {
	$other "$obj/regress/bench/pace" -p "$port" "$@"
}

# flood LOAD SECONDS QUESTIONS: as fast as it answers, at most so many (0: any
# number); sets us, qps, busy, ok.
flood() {
	load=$1
	before_who=$(processes)
	before=$(cpu_of $before_who)
	"flood_${flood_of:-$with}" "$@" >"$work/flood" 2>&1 </dev/null || return 1
	after=$(cpu_of $before_who)
	if [ "$before_who" != "$(processes)" ]; then
		note "$name: $load: its processes are not those of the start"
		return 1
	fi
	# shellcheck disable=SC2046 # words
	set -- $("figures_of_${flood_of:-$with}" <"$work/flood" |
	    awk -v cpu=$((after - before)) -v ticks="$ticks" '
	$2 > 0 && $3 > 0 {
		printf "%.2f %.0f %.0f %.2f", cpu / ticks * 1e6 / $2, $2 / $3,
		    cpu / ticks * 100 / $3, $4 * 100 / $1
	}')
	[ $# -eq 4 ] || return 1
	us=$1 qps=$2 busy=$3 ok=$4
}

flood_dnsperf() {
	once='-n 1'
	[ "$3" -ne 0 ] || once=
	$other dnsperf -s 127.0.0.1 -p "$port" -d "$work/$1" -l "$2" -c 4 \
	    -q "$in_flight" -t 2 $once
}

flood_pace() {
	if [ "$3" -eq 0 ]; then
		set -- "$1" "$2" 4294967295
	fi
	pace -c 4 -q "$in_flight" -l "$2" -n "$3" "$work/$1"
}

# Questions sent, answered, seconds, answered NOERROR.
figures_of_dnsperf() {
	awk '/Queries sent:/ { sent = $3 }
	/Queries completed:/ { done = $3 }
	/Run time/ { time = $4 }
	/Response codes:/ { for (i = 3; i < NF; i++)
		if ($i == "NOERROR") good = $(i + 1) }
	END { print sent + 0, done + 0, time + 0, good + 0 }'
}

figures_of_pace() {
	awk '{ for (i = 1; i <= NF; i++) { split($i, f, "="); v[f[1]] = f[2] } }
	END { print v["sent"] + 0, v["answered"] + 0, v["seconds"] + 0,
	    v["noerror"] + 0 }'
}

# latency LOAD names: sets delays. Half a load that is lost says nothing.
latency() {
	load=$1
	shift
	pace -l $(((seconds + 1) / 2)) -r $((qps / 2)) "$@" >"$work/pace" ||
	    return 1
	delays=$(sed 's/.*p50=\([0-9]*\) p99=\([0-9]*\) p999=\([0-9]*\).*/\1 \2 \3/' \
	    "$work/pace")
	awk -v who="$name, $load" '
	{ for (i = 1; i <= NF; i++) { split($i, f, "="); v[f[1]] = f[2] } }
	END { if (v["noerror"] < 0.99 * v["sent"])
		printf "bench: %s: only %d of %d were answered at half load\n",
		    who, v["noerror"], v["sent"] }' "$work/pace" >&3
}

record() {
	echo "$name $1 $us $qps $busy $ok $delays" >>"$out/results"
}
